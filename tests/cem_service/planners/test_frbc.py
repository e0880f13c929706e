from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cem_service.domain.frbc import FRBCResource
from cem_service.planners.frbc import draft_store, plan_actuator, plan_store
from cem_service.planners.frbc_convex import VALUE_EDGES
from cem_service.planners.horizon import Horizon
from cem_service.planners.power_cost import PowerCost
from cem_service.planners.site_cost import SiteCost
from cem_service.planners.store import edge_cost_eur, leftover_eur_per_unit
from cem_service.planners.ways import SWITCH_EUR
from s2.messages import FRBCUsageForecast, FRBCUsageForecastElement
from tests.support.resources import (
    HOUR_MS,
    NOON,
    actuator,
    battery,
    element,
    ev_charger,
    heat_pump,
    mode,
    new_id,
    read_store,
    store_messages,
)
from tests.support.scenarios.stores import car
from tests.support.scenarios.uncontrolled import plan_eur

STEPS = 4
QUARTER_S = 900.0


def steps_of_one(level: float, active: str = "idle") -> FRBCResource:
    """A store from 0 to 10 in which a quarter hour of `up` or `down` moves the level by exactly one."""
    whole = (0.0, 10.0)
    description = actuator(
        (
            mode("up", element(whole, (1 / QUARTER_S, 1 / QUARTER_S), (4000.0, 4000.0))),
            mode("idle", element(whole, (0.0, 0.0), (0.0, 0.0))),
            mode("down", element(whole, (-1 / QUARTER_S, -1 / QUARTER_S), (-3500.0, -3500.0))),
        )
    )
    messages = store_messages(description, levels=whole, level=level, active=[("actuator", active, 0.0)])
    return read_store("store", messages)


def by_brute_force(resource: FRBCResource, cost: PowerCost, horizon: Horizon) -> float:
    """The least cost over all sequences of modes, each cost written out."""
    grid = np.linspace(0.0, 10.0, 11)
    edges = edge_cost_eur(resource, horizon, grid)
    leftover = leftover_eur_per_unit(resource, cost)
    effect = {"up": (1, 4000.0), "idle": (0, 0.0), "down": (-1, -3500.0)}
    assert resource.fill_level is not None
    best = np.inf
    for modes in itertools.product(effect, repeat=horizon.steps):
        level, before, total = int(resource.fill_level), modes[0], 0.0
        for step, name in enumerate(modes):
            total += edges[step, level] + (SWITCH_EUR if name != before else 0.0)
            move, power_w = effect[name]
            if not 0 <= level + move <= 10:
                move, power_w = 0, 0.0  # The device is full or empty, so that the mode does nothing.
            total += cost.eur(np.full(horizon.steps, power_w), QUARTER_S)[step]
            level, before = level + move, name
        total += edges[-1, level] - leftover * level
        best = min(best, total)
    return best


@settings(max_examples=20, deadline=None)
@given(
    level=st.integers(0, 10),
    buy=st.lists(st.floats(-0.1, 0.6), min_size=STEPS, max_size=STEPS),
    sell=st.lists(st.floats(-0.1, 0.3), min_size=STEPS, max_size=STEPS),
    base=st.lists(st.floats(-6000, 6000), min_size=STEPS, max_size=STEPS),
)
def test_costs_what_brute_force_costs(level: int, buy: list[float], sell: list[float], base: list[float]) -> None:
    horizon, base_w = Horizon(NOON, steps=STEPS), np.array(base)
    cost = SiteCost.within(np.array(buy), np.array(sell), 8000.0, 8000.0).seen_by(base_w)
    resource = steps_of_one(float(level))

    plan = plan_actuator(
        resource,
        resource.actuators[0],
        other_rates=np.zeros(STEPS),
        cost=cost,
        horizon=horizon,
        level_count=11,
    )

    assert plan.cost_to_go_eur[0, level] == pytest.approx(by_brute_force(resource, cost, horizon), abs=1e-6)


def day(sell: float = 0.05) -> tuple[Horizon, SiteCost]:
    horizon = Horizon.at(NOON)
    hours = np.array([horizon.step_start(step).hour for step in range(horizon.steps)])
    buy = np.where((hours >= 17) & (hours < 21), 0.40, 0.20)
    return horizon, SiteCost.within(buy, np.full(horizon.steps, sell), 8000.0, 8000.0)


def test_a_battery_takes_the_surplus_and_gives_it_to_the_dear_hours() -> None:
    horizon, cost = day()
    base_w = np.where(np.arange(horizon.steps) < 16, -2000.0, 600.0)

    plan = plan_store(battery(level=2.0), cost.seen_by(base_w), horizon)

    assert plan is not None
    assert plan.values is not None
    net_w = base_w + plan.power_w
    assert net_w[:10] == pytest.approx(0.0, abs=1.0)
    assert net_w[20:36] == pytest.approx(0.0, abs=1.0)
    assert plan.values.cost_eur.shape[0] == VALUE_EDGES


def test_a_car_is_ready_at_its_departure_and_waits_for_the_cheap_hours() -> None:
    horizon, cost = day()

    plan = plan_store(
        ev_charger(level=30.0, departure=NOON + timedelta(hours=18)),
        cost.seen_by(np.full(horizon.steps, 300.0)),
        horizon,
    )

    assert plan is not None
    assert plan.levels is not None
    assert plan.levels[18 * 4 - 1] >= 79.0
    assert plan.power_w[20:36].max() == 0.0


def test_a_buffer_stays_in_its_range() -> None:
    horizon, cost = day()

    plan = plan_store(heat_pump(level=44.0), cost.seen_by(np.full(horizon.steps, 300.0)), horizon)

    assert plan is not None
    assert plan.levels is not None
    assert plan.levels.min() >= 40.0
    assert plan.levels.max() <= 60.0


def test_what_is_drawn_beyond_the_lowest_level_has_to_be_heated_again() -> None:
    horizon, cost = day()
    bath = heat_pump(level=50.0, usage_per_s=lambda hour: 0.008 if 15 <= hour < 17 else 0.0)

    plan = plan_store(bath, cost.seen_by(np.full(horizon.steps, 300.0)), horizon)

    assert plan is not None
    assert plan.levels is not None
    assert bath.usage is not None
    drained = bath.usage.means(horizon.edges, 0.0) + 0.00005
    heated = 0.002 * plan.power_w / 2000.0
    assert plan.levels == pytest.approx(50.0 + np.cumsum((heated - drained) * horizon.durations_s), abs=1e-6)
    assert plan.levels.min() < 25.0
    assert plan.own.comfort_eur > 100.0
    assert plan.levels[-1] >= 40.0


def test_keeps_below_the_limit_of_the_site() -> None:
    horizon, cost = day()
    base_w = np.full(horizon.steps, 4000.0)

    plan = plan_store(ev_charger(level=10.0, departure=NOON + timedelta(hours=20)), cost.seen_by(base_w), horizon)

    assert plan is not None
    assert (base_w + plan.power_w).max() <= 8000.0 + 1e-6


def test_two_actuators_fill_one_store_without_filling_it_twice() -> None:
    horizon, cost = day()
    whole = (0.0, 20.0)
    pair = [
        actuator(
            (
                mode("off", element(whole, (0.0, 0.0), (0.0, 0.0))),
                mode("on", element(whole, (0.001, 0.001), (1000.0, 1000.0))),
            ),
            actuator_id=name,
        )
        for name in ("first", "second")
    ]
    active = [("first", "off", 0.0), ("second", "off", 0.0)]
    usage = FRBCUsageForecast(
        message_id=new_id(),
        start_time=NOON,
        elements=(FRBCUsageForecastElement(duration=24 * HOUR_MS, usage_rate_expected=0.0003),),
    )
    messages = store_messages(*pair, levels=whole, level=10.0, active=active, extra=[usage])
    resource = read_store("pair", messages)

    plan = plan_store(resource, cost.seen_by(np.full(horizon.steps, -1500.0)), horizon)

    assert plan is not None
    assert plan.levels is not None
    assert plan.levels.min() >= 0.0
    assert plan.levels.max() <= 20.0
    filled = float(plan.power_w.sum()) * QUARTER_S * 0.001 / 1000.0
    assert 10.0 + filled - 0.0003 * 24 * 3600 == pytest.approx(plan.levels[-1], abs=0.5)


def test_a_store_without_room_has_nothing_to_plan() -> None:
    horizon, cost = day()
    description = actuator((mode("m1", element((0, 1), (0, 0), (0, 0))),))
    messages = store_messages(description, levels=(5, 5), level=5.0, active=[("actuator", "m1", 0.0)])

    assert plan_store(read_store("store", messages), cost.seen_by(np.zeros(horizon.steps)), horizon) is None


def test_says_what_it_costs_beside_energy() -> None:
    horizon, cost = day()
    late = ev_charger(level=10.0, departure=NOON + timedelta(hours=1), wanted=90.0)

    plan = plan_store(late, replace(cost, leftover_eur_per_kwh=0.2).seen_by(np.zeros(96)), horizon)

    assert plan is not None
    assert plan.levels is not None
    missed_kwh = 0.6 * (90.0 - plan.levels[3]) / 0.9  # 60 kWh for 100 %, charged at 90 %.
    assert plan.own.comfort_eur > 4 * 2.0 * missed_kwh * 0.75  # An hour of it, while it goes on charging.
    assert plan.own.money_eur == pytest.approx(-0.45 * 0.2 * 0.6 * plan.levels[-1] / 0.9)


def test_a_draft_costs_no_less_than_the_plan_and_tells_the_same_values() -> None:
    scenario = car(0)
    resource, cost, horizon = scenario.resource, scenario.around.cost, scenario.around.horizon

    draft, plan = draft_store(resource, cost, horizon), plan_store(resource, cost, horizon)

    assert draft is not None
    assert plan is not None
    assert plan_eur(plan, scenario.around) <= plan_eur(draft, scenario.around)
    assert draft.values is not None
    assert plan.values is not None
    assert draft.values.as_dict() == plan.values.as_dict()
