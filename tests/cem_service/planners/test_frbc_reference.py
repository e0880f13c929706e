"""Plans of stores with modes and timers beside the best ones, and whatever may be described: nothing not offered."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cem_service.domain.frbc import Actuator, FRBCResource
from cem_service.planners.frbc import plan_actuator, plan_store
from cem_service.planners.horizon import Horizon
from cem_service.planners.site_cost import SiteCost
from cem_service.planners.ways import ways_of
from s2.messages import FRBCActuatorDescription, FRBCUsageForecast, FRBCUsageForecastElement, Timer, Transition
from tests.support.reference.frbc import best_plan
from tests.support.resources import NOON, actuator, element, mode, new_id, read_store, store_messages
from tests.support.scenarios.stores import StoreScenario, car, heat_pump
from tests.support.scenarios.surroundings import MIDNIGHT
from tests.support.scenarios.uncontrolled import plan_eur, uncontrolled, uncontrolled_eur

STEPS = 24
HOURS_8 = 32

numbers = st.one_of(st.sampled_from([0.0, 1.0, 1e9, -1e9, 1e-9]), st.floats(-1e4, 1e4))
pairs = st.tuples(numbers, numbers)
ranges = st.sampled_from([(0.0, 1.0), (0.0, 1e9), (-1e9, 1e9), (0.0, 100.0), (20.0, 20.5)])


@pytest.mark.parametrize("scenario", [heat_pump(seed) for seed in range(2)], ids=["0", "1"])
def test_no_plan_of_an_on_and_off_device_is_better(scenario: StoreScenario) -> None:
    horizon = Horizon(MIDNIGHT, steps=HOURS_8)
    cost = scenario.around.cost.at(np.arange(HOURS_8))

    plan = plan_store(scenario.resource, cost, horizon)
    best = best_plan(scenario.resource, cost, horizon, gap=1e-6)

    assert plan is not None
    energy_eur = float(cost.eur(plan.power_w, horizon.durations_s).sum())
    own_eur = plan.own.comfort_eur + plan.own.money_eur + plan.own.tidy_eur
    assert energy_eur + own_eur == pytest.approx(best.eur, abs=1e-5)


@pytest.mark.parametrize("seed", [0, 2, 5])
def test_a_car_loses_less_than_a_cent(seed: int) -> None:
    scenario = car(seed)
    resource, around = scenario.resource, scenario.around

    plan = plan_store(resource, around.cost, around.horizon)
    best = best_plan(resource, around.cost, around.horizon)

    assert plan is not None
    assert -1e-4 < plan_eur(plan, around) - best.eur < 0.01
    assert plan_eur(plan, around) < uncontrolled_eur(resource, around)


def test_a_device_left_to_itself_keeps_its_timers_and_its_range() -> None:
    scenario = heat_pump(0)

    powers_w, levels = uncontrolled(scenario.resource, scenario.around)

    changes = [0, *(np.flatnonzero(np.diff(powers_w > 0)) + 1), 96]
    runs = [(bool(powers_w[start] > 0), end - start) for start, end in pairwise(changes)]
    assert all(length >= (4 if on else 2) for on, length in runs[1:-1])
    assert 40.0 <= levels.min() < levels.max() <= 50.0


@st.composite
def described(draw: st.DrawFn, levels: tuple[float, float]) -> FRBCActuatorDescription:
    count = draw(st.one_of(st.integers(1, 4), st.just(100)))
    middle = (levels[0] + levels[1]) / 2
    bands = draw(st.sampled_from([[levels], [(levels[0], middle), (middle, levels[1])]]))
    modes = [
        mode(
            f"m{index}",
            *(element(band, draw(pairs), draw(st.one_of(pairs, st.just((0.0, 0.0))))) for band in bands),
            abnormal=index > 0 and draw(st.integers(0, 5)) == 0,
        )
        for index in range(min(count, 4))
    ]
    modes += [mode(f"m{index}", *modes[index % 4].elements) for index in range(4, count)]
    timers = st.lists(st.sampled_from(["t0", "t1"]), max_size=2, unique=True).map(tuple)
    ways = [
        Transition(
            id=f"w{number}",
            from_=f"m{start}",
            to=f"m{end}",
            start_timers=draw(timers),
            blocking_timers=draw(timers),
            transition_costs=draw(st.sampled_from([None, 0.0, 0.1, -5.0])),
            transition_duration=draw(st.sampled_from([None, 60_000, 1_200_000])),
            abnormal_condition_only=draw(st.integers(0, 5)) == 0,
        )
        for number, (start, end) in enumerate(
            draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=8, unique=True))
        )
    ]
    lasting = st.sampled_from([1, 900_000, 1_000_000, 3_600_000, 2**53 - 1])
    return actuator(modes, ways, [Timer(id=name, duration=draw(lasting)) for name in ("t0", "t1")])


@st.composite
def stores(draw: st.DrawFn) -> FRBCResource:
    levels = draw(ranges)
    description = draw(described(levels))
    usage = FRBCUsageForecastElement(duration=86_400_000, usage_rate_expected=draw(st.sampled_from([0.0, 1e-6, 10.0])))
    messages = store_messages(
        description,
        levels=levels,
        level=levels[0] + draw(st.floats(0, 1)) * (levels[1] - levels[0]),
        active=[("actuator", "m0", draw(st.floats(0, 1)))],
        extra=[FRBCUsageForecast(message_id=new_id(), start_time=NOON, elements=(usage,))],
    )
    return read_store("store", messages)


def assert_ways_and_timers_kept(machine: Actuator, modes: list[str], horizon: Horizon) -> None:
    """Told at the edge before each step, as the timers run in real time."""
    ends: dict[str, datetime] = {}
    before = machine.active_mode_id or ""
    for step, now in enumerate(modes):
        if now != before:
            way = next(each for each in ways_of(machine)[before] if each.to_mode_id == now)
            told_at = horizon.now if step == 0 else horizon.step_start(step)
            assert all(ends.get(timer, told_at) <= told_at for timer in way.blocking_timers)
            for timer in way.start_timers:
                ends[timer] = told_at + timedelta(seconds=machine.timer_durations_s[timer])
            assert not machine.modes[now].abnormal_condition_only
        before = now


@settings(max_examples=25, deadline=None)
@given(
    resource=stores(),
    buy=st.lists(st.floats(-5, 5), min_size=STEPS, max_size=STEPS),
    base_w=st.lists(st.floats(-1e4, 1e4), min_size=STEPS, max_size=STEPS),
)
def test_no_plan_leaves_what_is_offered(resource: FRBCResource, buy: list[float], base_w: list[float]) -> None:
    horizon, (machine,) = Horizon(NOON, steps=STEPS), resource.actuators
    cost = SiteCost.within(np.array(buy), np.array(buy) - 0.1, 8000.0, 8000.0).seen_by(np.array(base_w))

    plan = plan_actuator(resource, machine, other_rates=np.zeros(STEPS), cost=cost, horizon=horizon)

    modes = [each[0] for each in plan.modes]
    assert_ways_and_timers_kept(machine, modes, horizon)
    assert all(0.0 <= factor <= 1.0 for (factor,) in plan.factors)
    elements = [one for name in {"m0", *modes} for one in machine.modes[name].elements]
    powers_w = [0.0, *(power_w for one in elements for power_w in (one.power_at_0_w, one.power_at_1_w))]
    slack_w = 1e-6 * max(map(abs, powers_w))
    assert min(powers_w) - slack_w <= plan.power_w.min() <= plan.power_w.max() <= max(powers_w) + slack_w
    assert plan.levels.max() <= resource.highest_level
    assert np.isfinite(plan.cost_to_go_eur).all()


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 9),
    buy=st.lists(st.floats(-1, 1), min_size=STEPS, max_size=STEPS),
    base_w=st.lists(st.floats(-6000, 6000), min_size=STEPS, max_size=STEPS),
)
def test_a_range_that_can_be_kept_is_kept(seed: int, buy: list[float], base_w: list[float]) -> None:
    """The heat pump gives more than twice what is drawn, and no price is worth a cold house."""
    horizon, resource = Horizon(MIDNIGHT, steps=STEPS), heat_pump(seed).resource
    cost = SiteCost.within(np.array(buy), np.array(buy) - 0.1, 8000.0, 8000.0).seen_by(np.array(base_w))

    plan = plan_store(resource, cost, horizon)

    assert plan is not None
    assert plan.levels is not None
    assert plan.levels.min() >= resource.lowest_level
    assert plan.levels.max() <= resource.highest_level
