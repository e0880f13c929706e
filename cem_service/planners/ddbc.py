"""Plans a device under DDBC: which actuators meet the demand when, and how far up each is.

All actuators are planned together, over the combinations of their modes. Where these are too many, the actuators are
planned one after the other, each against the latest plan of the others.

It is never infeasible: a demand that can be met only by breaking a limit, or not at all, is missed by as little as
possible. What is missing costs far more than any energy, and far less than a broken limit.
"""

from __future__ import annotations

import numpy as np

from cem_service.domain.ddbc import DDBCActuator, DDBCResource
from cem_service.domain.series import Array, StepSeries
from cem_service.planners.horizon import Horizon
from cem_service.planners.kernels.modes import Demand
from cem_service.planners.mode_plan import plan_modes
from cem_service.planners.plan import DevicePlan, OwnCost
from cem_service.planners.power_cost import J_PER_KWH, PowerCost

# EUR for each kWh of electricity that it would take to supply what is missing, or that went into what nobody wants.
MISSING_EUR_PER_KWH = 2.0
EXCESS_EUR_PER_KWH = 0.5
# Missing a demand is at least so many times dearer than what its supply costs beside electricity, such as fuel.
TIMES_OWN_COST = 5.0

ROUNDS = 2


def plan_supply(resource: DDBCResource, cost: PowerCost, horizon: Horizon) -> DevicePlan | None:
    """The plan of a ready resource. It always has one: staying as it is, at the worst."""
    demand = demand_of(resource, horizon)
    plan = plan_modes(resource.actuators, cost, demand, horizon)
    if plan is None:
        return _one_by_one(resource, cost, demand, horizon)
    return DevicePlan(resource.link_id, plan.power_w, mode_values=plan.values(horizon), own=plan.own)


def demand_of(resource: DDBCResource, horizon: Horizon) -> Demand:
    """What is to be supplied in each step: in the first one as it is now, then as forecast; else it goes on as now."""
    forecast = resource.demand_forecast
    least, most = resource.demand or (0.0, 0.0)
    least_by_step, most_by_step = np.full(horizon.steps, least), np.full(horizon.steps, most)
    if forecast is not None and forecast.values.size:
        covered = StepSeries(forecast.edges, np.ones_like(forecast.values)).means(horizon.edges, 0.0) > 0.5
        if resource.demand is not None:
            covered[0] = False
        expected = forecast.means(horizon.edges, (least + most) / 2)
        least_by_step[covered] = most_by_step[covered] = expected[covered]
    return Demand(least_by_step, most_by_step, *_prices(resource))


def _prices(resource: DDBCResource) -> tuple[float, float]:
    """(EUR for a unit of supply missing for a second, the same in excess)."""
    own = [
        eur_per_s / supply
        for actuator in resource.actuators
        for mode in actuator.usable_modes
        for eur_per_s, supply in ((mode.eur_per_s_at_0, mode.supply_at_0), (mode.eur_per_s_at_1, mode.supply_at_1))
        if supply > 0
    ]
    kwh = resource.w_per_supply / J_PER_KWH
    missing_eur = max(MISSING_EUR_PER_KWH * kwh, TIMES_OWN_COST * max(own, default=0.0))
    return missing_eur, missing_eur * EXCESS_EUR_PER_KWH / MISSING_EUR_PER_KWH


def _one_by_one(resource: DDBCResource, cost: PowerCost, demand: Demand, horizon: Horizon) -> DevicePlan:
    """Each actuator planned against the others as they are planned so far, or are now."""
    parts = {actuator.actuator_id: _as_now(actuator, horizon) for actuator in resource.actuators}
    own: dict[str, OwnCost] = {}
    for _ in range(ROUNDS):
        for actuator in resource.actuators:
            others = [part for actuator_id, part in parts.items() if actuator_id != actuator.actuator_id]
            others_w, supply = np.sum(others, axis=0) if others else np.zeros((2, horizon.steps))
            rest = Demand(demand.least - supply, demand.most - supply, demand.missing_eur, demand.excess_eur)
            plan = plan_modes((actuator,), cost.beside(others_w), rest, horizon)
            if plan is not None:
                parts[actuator.actuator_id] = np.stack((plan.power_w, plan.supply))
                own[actuator.actuator_id] = plan.own
    power_w, supply = np.sum(list(parts.values()), axis=0)
    comfort_eur = horizon.durations_s @ demand.eur_per_s(supply, np.arange(horizon.steps))
    total = OwnCost(
        comfort_eur=float(comfort_eur),
        money_eur=sum(one.money_eur for one in own.values()),
        tidy_eur=sum(one.tidy_eur for one in own.values()),
    )
    return DevicePlan(resource.link_id, power_w, own=total)


def _as_now(actuator: DDBCActuator, horizon: Horizon) -> Array:
    """Power and supply in each step if it stays as it is, shape (2, steps)."""
    mode, factor = actuator.active_mode, actuator.active_factor
    power_w, supply = (mode.power_w(factor), mode.supply(factor)) if mode else (0.0, 0.0)
    return np.stack((np.full(horizon.steps, power_w), np.full(horizon.steps, supply)))
