"""What plans of stores cost and how good they are, on seeds that were never used while the planners were made.

A convex store is planned in a batch with others, as a pool plans, and its optimum is found by HiGHS too. A store with
modes and timers is planned as a building plans it again and again: the same store at other prices.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from cem_service.planners.frbc import plan_store
from cem_service.planners.frbc_convex import convex_store, plan_convex, together
from cem_service.planners.kernels.store_convex import plan_all
from cem_service.planners.kernels.warm import warm_up
from cem_service.planners.store import leftover_eur_per_unit
from tests.bench.rows import Row
from tests.bench.timing import best_us
from tests.support.reference.frbc import best_plan
from tests.support.reference.store import least_eur
from tests.support.scenarios.stores import WITH_MODES, battery
from tests.support.scenarios.surroundings import JUDGING_SEEDS
from tests.support.scenarios.uncontrolled import plan_eur, uncontrolled_eur

LEAST_SAVINGS_EUR = 0.1
HIGHS_S = 30.0
ROUNDS = 40
# The grids of stores with modes were chosen after a look at the seeds that judge everything else.
MODES_SEEDS = range(200, 212)
REPEATED = 20


def convex_time() -> Row:
    warm_up()
    scenarios = [battery(seed) for seed in JUDGING_SEEDS] * REPEATED
    horizon, costs = scenarios[0].around.horizon, [one.around.cost for one in scenarios]
    stores = [store for one in scenarios if (store := convex_store(one.resource, horizon))]
    levels = [one.resource.fill_level or 0.0 for one in scenarios]
    leftover = [leftover_eur_per_unit(one.resource, cost) for one, cost in zip(scenarios, costs, strict=True)]
    batch = together(stores, levels, leftover)
    slope, at_w, weight = (np.stack([getattr(cost, name) for cost in costs]) for name in ("slope", "at_w", "weight"))
    taken_us = best_us(lambda: plan_all(batch, horizon.durations_s, slope, at_w, weight, 1), ROUNDS)
    return Row("convex-plan", taken_us / len(scenarios), "us", target=20.0)


def convex_gap() -> Row:
    """The largest difference to the optimum that HiGHS finds, in millionths of a euro."""
    gaps = []
    for scenario in map(battery, JUDGING_SEEDS):
        resource, cost, horizon = scenario.resource, scenario.around.cost, scenario.around.horizon
        plan, store = plan_convex(resource, cost, horizon), convex_store(resource, horizon)
        assert plan is not None
        assert store is not None
        fixed_eur = float(cost.eur(np.zeros(horizon.steps), horizon.durations_s).sum())
        zero_eur = fixed_eur - float((cost.offset * horizon.durations_s / 3.6e6).sum())
        ours = float(cost.eur(plan.power_w, horizon.durations_s).sum()) - fixed_eur + zero_eur
        leftover = leftover_eur_per_unit(resource, cost)
        best = least_eur(store, resource.fill_level or 0.0, leftover, cost, horizon)
        gaps.append(abs(ours + plan.own.comfort_eur + plan.own.money_eur - best))
    return Row("convex-plan-gap", max(gaps) * 1e6, "uEUR", target=1.0)


def modes_time() -> Row:
    warm_up()
    scenarios = [make(seed) for make in WITH_MODES.values() for seed in MODES_SEEDS]
    costs = [one.around.cost for one in scenarios]

    def plan() -> None:
        for one, cost in zip(scenarios, costs, strict=True):
            plan_store(one.resource, cost, one.around.horizon)

    return Row("frbc-plan", best_us(plan, ROUNDS) / len(scenarios), "us", target=1e6 / 1500)


def modes_loss() -> Row:
    """The mean over plans of what is lost of the savings that the best plan achieves; savings count 10 ct at least."""
    lost = []
    for make in WITH_MODES.values():
        for scenario in map(make, MODES_SEEDS):
            resource, around = scenario.resource, scenario.around
            plan = plan_store(resource, around.cost, around.horizon)
            assert plan is not None
            best_eur = best_plan(resource, around.cost, around.horizon, seconds=HIGHS_S).eur
            achievable_eur = max(uncontrolled_eur(resource, around) - best_eur, LEAST_SAVINGS_EUR)
            # HiGHS may run out of time before it has found a plan as good as ours.
            lost.append(100.0 * max(plan_eur(plan, around) - best_eur, 0.0) / achievable_eur)
    return Row("frbc-loss", sum(lost) / len(lost), "% lost", target=0.6)


ROWS: Mapping[str, Callable[[], Row]] = {
    "convex-plan": convex_time,
    "convex-plan-gap": convex_gap,
    "frbc-plan": modes_time,
    "frbc-loss": modes_loss,
}
