from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from cem_service.domain.frbc import FRBCResource
from cem_service.planners.frbc import plan_store
from cem_service.planners.frbc_convex import convex_store, plan_convex, power_curve, together
from cem_service.planners.kernels.store_convex import DONE, plan_all
from cem_service.planners.plan import ValueTable
from cem_service.planners.site_cost import SiteCost
from cem_service.planners.store import leftover_eur_per_unit
from tests.support.reference.store import least_eur
from tests.support.resources import NOON, actuator, element, ev_charger, heat_pump, mode, read_store, store_messages
from tests.support.scenarios.stores import battery


@pytest.mark.parametrize("seed", range(4))
def test_costs_what_linear_programming_costs(seed: int) -> None:
    scenario = battery(seed)
    resource, cost, horizon = scenario.resource, scenario.around.cost, scenario.around.horizon
    plan = plan_convex(resource, cost, horizon)
    store = convex_store(resource, horizon)
    assert plan is not None
    assert store is not None
    assert resource.fill_level is not None

    energy_eur = float((cost.eur(plan.power_w, horizon.durations_s) - cost.eur(plan.power_w * 0, 0)).sum())
    energy_eur -= float((cost.offset * horizon.durations_s / 3.6e6).sum())
    least = least_eur(store, resource.fill_level, leftover_eur_per_unit(resource, cost), cost, horizon)

    assert energy_eur + plan.own.comfort_eur + plan.own.money_eur == pytest.approx(least, abs=1e-6)


def test_stores_planned_at_once_are_planned_as_each_by_itself() -> None:
    scenarios = [battery(seed) for seed in range(3)]
    horizon = scenarios[0].around.horizon
    costs = [one.around.cost for one in scenarios]
    alone = [plan_convex(one.resource, cost, horizon) for one, cost in zip(scenarios, costs, strict=True)]
    stores = [store for one in scenarios if (store := convex_store(one.resource, horizon))]
    levels = [one.resource.fill_level or 0.0 for one in scenarios]
    leftover = [leftover_eur_per_unit(one.resource, cost) for one, cost in zip(scenarios, costs, strict=True)]

    plans = plan_all(
        together(stores, levels, leftover),
        horizon.durations_s,
        np.stack([cost.slope for cost in costs]),
        np.stack([cost.at_w for cost in costs]),
        np.stack([cost.weight for cost in costs]),
        1,
    )

    assert (plans.status == DONE).all()
    for power_w, plan in zip(plans.power_w, alone, strict=True):
        assert plan is not None
        assert power_w == pytest.approx(plan.power_w)


def test_the_value_table_keeps_its_breakpoints_in_json() -> None:
    scenario = battery(1)
    plan = plan_convex(scenario.resource, scenario.around.cost, scenario.around.horizon)
    assert plan is not None
    assert plan.values is not None

    again = ValueTable.from_dict(plan.values.as_dict())

    assert again.levels == pytest.approx(plan.values.levels, rel=1e-4)
    assert np.diff(plan.values.cost_eur).max() <= 1e-9  # More in store never costs more.


def test_burning_energy_is_left_to_the_grid() -> None:
    scenario = battery(0)
    prices = np.full(96, -0.2)
    cost = SiteCost.within(prices, prices - 0.01, 8000.0, 8000.0).seen_by(scenario.around.base_w)

    assert plan_convex(scenario.resource, cost, scenario.around.horizon) is None


def stepwise() -> FRBCResource:
    """Slower when nearly full."""
    fast = element((0.0, 8.0), (0.0, 0.001), (0.0, 4000.0))
    slow = element((8.0, 10.0), (0.0, 0.0005), (0.0, 2000.0))
    messages = store_messages(
        actuator((mode("charge", fast, slow),)), levels=(0.0, 10.0), level=2.0, active=[("actuator", "charge", 0.0)]
    )
    return read_store("stepwise", messages)


@pytest.mark.parametrize("resource", [ev_charger(departure=NOON + timedelta(hours=4)), heat_pump(), stepwise()])
def test_what_is_no_convex_curve_is_none(resource: FRBCResource) -> None:
    assert power_curve(resource) is None


@pytest.mark.parametrize("rates", [(0.0, 0.0), (0.001, 0.001)])
def test_a_store_that_can_only_stand_still_has_nothing_to_choose(rates: tuple[float, float]) -> None:
    idle = mode("idle", element((0.0, 100.0), rates, (0.0, 0.0)))
    messages = store_messages(actuator((idle,)), levels=(0.0, 100.0), level=50.0, active=[("actuator", "idle", 0.0)])
    resource, around = read_store("car", messages), battery(0).around

    plan = plan_store(resource, around.cost, around.horizon)

    assert power_curve(resource) is None
    assert plan is None or not plan.power_w.any()


def test_a_level_above_the_range_is_left_to_the_grid() -> None:
    scenario = battery(0)
    above = replace(scenario.resource, fill_level=105.0)

    assert plan_convex(above, scenario.around.cost, scenario.around.horizon) is None
