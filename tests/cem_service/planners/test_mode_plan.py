from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest

from cem_service.planners.ddbc import demand_of
from cem_service.planners.horizon import Horizon
from cem_service.planners.kernels.modes import Demand
from cem_service.planners.mode_graph import MOST_MOVES, graph_of
from cem_service.planners.mode_plan import MOST_VALUED_STATES, VALUE_EDGES, ModesPlan, plan_modes
from cem_service.planners.power_cost import PowerCost
from cem_service.planners.site_cost import SiteCost
from tests.support.mode_resources import MINUTE, generator, ombc_messages, ombc_mode, read_ombc, timer, way
from tests.support.reference import ddbc, ombc
from tests.support.resources import NOON
from tests.support.scenarios.modes import ddbc_scenario, ombc_scenario

STEPS = 12


def priced(eur_per_kwh: list[float]) -> PowerCost:
    """The same price for buying and selling, and no limit in reach."""
    price = np.array(eur_per_kwh)
    return SiteCost.within(price, price, 1e6, 1e6).seen_by(np.zeros(price.size))


def assert_costs(plan: ModesPlan, eur: float, cost: PowerCost, horizon: Horizon) -> None:
    """By what it says itself, and by its powers; their means hide what a transition within a step costs."""
    offset_eur = float((cost.offset * horizon.durations_s).sum()) / 3.6e6
    own_eur = plan.own.comfort_eur + plan.own.money_eur + plan.own.tidy_eur
    energy_eur = float(cost.eur(plan.power_w, horizon.durations_s).sum())
    assert offset_eur + plan.cost_to_go_eur[0, 0] == pytest.approx(eur, abs=1e-4)
    assert eur - 0.02 <= energy_eur + own_eur <= eur + 1e-4


@pytest.mark.parametrize("seed", range(4))
def test_ombc_costs_what_the_best_plan_of_the_reference_costs(seed: int) -> None:
    scenario = ombc_scenario(seed, STEPS)
    resource, cost, horizon = scenario.resource, scenario.around.cost, scenario.around.horizon
    assert resource.machine is not None

    plan = plan_modes((resource.machine,), cost, Demand.none(STEPS), horizon)

    assert plan is not None
    assert_costs(plan, ombc.best_plan(resource, cost, horizon).eur, cost, horizon)


@pytest.mark.parametrize("seed", range(2))
def test_ddbc_costs_what_the_best_plan_of_the_reference_costs(seed: int) -> None:
    scenario = ddbc_scenario(seed, STEPS)
    resource, cost, horizon = scenario.resource, scenario.around.cost, scenario.around.horizon

    plan = plan_modes(resource.actuators, cost, demand_of(resource, horizon), horizon)

    assert plan is not None
    assert_costs(plan, ddbc.best_plan(resource, cost, horizon).eur, cost, horizon)


def test_a_generator_runs_through_its_shortest_run_and_rests_in_between() -> None:
    """It costs 30 ct/kWh; one dear quarter pays for an hour of running, two that are apart are worth two starts."""
    device = generator()
    assert device.machine is not None
    prices = [0.0, 3.0, *[0.0] * 6, 3.0, *[0.0] * 7]
    horizon = Horizon(NOON, len(prices))

    plan = plan_modes((device.machine,), priced(prices), Demand.none(len(prices)), horizon)

    assert plan is not None
    on = [combination == ("on",) for combination in plan.combinations]
    assert on[1]
    assert on[8]
    assert _runs(on) == [4, 4]
    # It takes two minutes to start, in which it gives nothing.
    assert plan.power_w[on.index(True)] == pytest.approx(-4000 * 13 / 15)


def test_a_run_that_costs_more_than_its_peak_earns_is_left_out() -> None:
    device = generator()
    assert device.machine is not None
    prices = [0.3, 0.35, *[0.0] * 10]

    plan = plan_modes((device.machine,), priced(prices), Demand.none(STEPS), Horizon(NOON, STEPS))

    assert plan is not None
    assert set(plan.combinations) == {("off",)}


def test_a_timer_that_runs_now_is_waited_for() -> None:
    held = generator(timers_end={"rest": NOON + 20 * MINUTE})
    assert held.machine is not None

    plan = plan_modes((held.machine,), priced([3.0] * STEPS), Demand.none(STEPS), Horizon(NOON, STEPS))

    assert plan is not None
    assert plan.combinations[:3] == (("off",), ("off",), ("on",))


def test_the_first_step_is_as_short_as_it_is() -> None:
    """A run of an hour that begins four minutes before the quarter ends five edges later."""
    device = generator()
    assert device.machine is not None
    horizon = Horizon(NOON + 11 * MINUTE, STEPS)

    plan = plan_modes((device.machine,), priced([30.0, *[0.2] * 11]), Demand.none(STEPS), horizon)

    assert plan is not None
    assert _runs([combination == ("on",) for combination in plan.combinations]) == [5]


def test_a_transition_under_way_is_finished_first() -> None:
    starting = generator(("on", 0.0), came_from=("off", NOON - MINUTE), timers_end={"run": NOON + 59 * MINUTE})
    assert starting.machine is not None

    plan = plan_modes((starting.machine,), priced([0.3] * STEPS), Demand.none(STEPS), Horizon(NOON, STEPS))

    assert plan is not None
    assert plan.power_w[0] == pytest.approx(-4000 * 14 / 15)


def test_hands_over_what_each_mode_is_worth_at_the_coming_edges() -> None:
    device = generator()
    assert device.machine is not None
    horizon = Horizon(NOON, STEPS)
    plan = plan_modes((device.machine,), priced([0.3, 3.0, *[0.0] * 10]), Demand.none(STEPS), horizon)
    assert plan is not None

    values = plan.values(horizon)

    assert values.cost_eur.shape == (VALUE_EDGES, len(plan.graph.states) - 1)
    running = {
        state[0].timers["run"]: cost
        for state, cost in zip(values.states, values.cost_eur[2], strict=True)
        if state[0].mode_id == "on"
    }
    # After the peak each quarter that it has still to run costs 30 ct.
    assert running[2] - running[1] == pytest.approx(0.30)
    assert running[1] > running[0]


def test_too_many_states_are_looked_at_less_closely() -> None:
    """Where every mode may not be entered again for hours, each mix of what is left of that would be a state."""
    count = 15
    ways = [
        way(f"m{a}", f"m{b}", starts=[f"t{b}"], blocked_by=[f"t{b}"])
        for a in range(count)
        for b in range(count)
        if a != b
    ]
    timers = [timer(f"t{index}", timedelta(hours=index)) for index in range(count)]
    messages = ombc_messages(
        [ombc_mode(f"m{index}", 100.0 * index) for index in range(count)], ways, timers, active=("m0", 0.0)
    )
    machine = read_ombc("device", messages).machine
    assert machine is not None

    graph = graph_of((machine,), Horizon(NOON))

    assert graph is not None
    assert graph.timers == ((),)
    assert len(graph.walk.to) <= MOST_MOVES
    plan = plan_modes((machine,), priced([-0.1] * 96), Demand.none(96), Horizon(NOON))
    assert plan is not None
    assert plan.power_w[0] == 1400.0
    assert len(plan.values(Horizon(NOON)).states) <= MOST_VALUED_STATES


def _runs(on: list[bool]) -> list[int]:
    """How many steps each run lasts that begins and ends within the plan."""
    edges = [index for index, (before, after) in enumerate(pairwise([False, *on, False])) if before != after]
    return [end - start for start, end in zip(edges[::2], edges[1::2], strict=True)]
