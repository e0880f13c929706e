from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from cem_service.domain.series import Array
from cem_service.planners.ddbc import demand_of
from cem_service.planners.horizon import Horizon
from cem_service.planners.oracle import best_response
from cem_service.planners.plan import DevicePlan
from cem_service.planners.power_cost import PowerCost
from cem_service.planners.site_cost import SiteCost
from tests.support.mode_resources import MINUTE, ddbc_actuator, ddbc_messages, ddbc_mode, hybrid, power, read_ddbc, way
from tests.support.resources import NOON

STEPS = 8
HORIZON = Horizon(NOON, STEPS)


def priced(eur_per_kwh: Array, limit_w: float = 1e6) -> PowerCost:
    return SiteCost.within(eur_per_kwh, eur_per_kwh, limit_w, limit_w).seen_by(np.zeros(eur_per_kwh.size))


def planned(resource: object, cost: PowerCost, horizon: Horizon = HORIZON) -> DevicePlan:
    plan = best_response(resource, cost, horizon)  # type: ignore[arg-type]  # Any resource.
    assert plan is not None
    return plan


def test_meets_the_demand_with_what_costs_less_now() -> None:
    """A kWh of heat costs a quarter of the power price by the pump (COP 3.5), and 10.5 ct by gas."""
    device = hybrid(demand_w=None, forecast_w=[7000.0] * STEPS)
    dear = np.where(np.arange(STEPS) < 4, 0.20, 0.60)

    power_w = planned(device, priced(dear)).power_w

    assert power_w[:4] == pytest.approx(2000.0)
    assert power_w[4:] == pytest.approx(0.0)


def test_two_actuators_share_what_one_cannot_supply() -> None:
    device = hybrid(demand_w=None, forecast_w=[15_000.0] * STEPS)

    power_w = planned(device, priced(np.full(STEPS, 0.1))).power_w

    assert power_w == pytest.approx(8000 / 3.5)


def test_a_limit_comes_before_the_demand() -> None:
    pump_only = read_ddbc(
        "pump",
        ddbc_messages(
            ddbc_actuator(
                "pump",
                (ddbc_mode("off", (0.0, 0.0), power(0.0, 0.0)), ddbc_mode("on", (0.0, 6.0), power(0.0, 3000.0))),
                (way("off", "on"), way("on", "off")),
            ),
            active={"pump": ("off", 0.0)},
            demand=(6.0, 6.0),
        ),
    )

    assert planned(pump_only, priced(np.full(STEPS, 0.3), limit_w=2000.0)).power_w == pytest.approx(2000.0)
    # But no price does.
    assert planned(pump_only, priced(np.full(STEPS, 1.5))).power_w == pytest.approx(3000.0)


def test_a_demand_without_forecast_goes_on_as_it_is_now() -> None:
    demand = demand_of(hybrid(demand_w=4000.0), HORIZON)

    assert demand.least.tolist() == [3000.0] * STEPS
    assert demand.most.tolist() == [5000.0] * STEPS


def test_a_forecast_counts_from_the_next_step_on() -> None:
    demand = demand_of(hybrid(demand_w=4000.0, forecast_w=[1000.0, 2000.0, 3000.0]), HORIZON)

    assert demand.least.tolist() == [3000.0, 2000.0, 3000.0, *[3000.0] * 5]
    assert demand.most.tolist() == [5000.0, 2000.0, 3000.0, *[5000.0] * 5]


def test_too_many_combinations_are_planned_one_actuator_after_the_other() -> None:
    """Ten alike, of 1 kW and one unit each; 4 units are wanted, and then 7."""
    actuators = [
        ddbc_actuator(
            f"a{index}",
            (ddbc_mode("off", (0.0, 0.0), power(0.0, 0.0)), ddbc_mode("on", (1.0, 1.0), power(1000.0, 1000.0))),
            (way("off", "on"), way("on", "off")),
        )
        for index in range(10)
    ]
    messages = ddbc_messages(
        *actuators,
        active={f"a{index}": ("off", 0.0) for index in range(10)},
        demand=None,
        forecast=[4.0] * 4 + [7.0] * 4,
    )

    plan = planned(read_ddbc("many", messages), priced(np.full(STEPS, 0.3)))

    assert plan.power_w.tolist() == [4000.0] * 4 + [7000.0] * 4
    assert plan.mode_values is None


def test_travels_as_json_with_the_values_of_its_modes() -> None:
    running = hybrid(("on", 0.0), timers_end={("pump", "run"): NOON + 35 * MINUTE})
    plan = planned(running, priced(np.full(STEPS, 0.3)))

    copy = DevicePlan.from_dict(plan.link_id, plan.as_dict())

    assert plan.mode_values is not None
    assert copy.mode_values is not None
    assert copy.mode_values.start == HORIZON.start
    assert copy.mode_values.cost_eur.shape == plan.mode_values.cost_eur.shape
    assert copy.mode_values.ends == NOON + timedelta(minutes=75)
    assert [[each.mode_id for each in one] for one in copy.mode_values.states] == [
        [each.mode_id for each in one] for one in plan.mode_values.states
    ]
