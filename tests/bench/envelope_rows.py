"""What plans of power envelopes cost and that none is better, on seeds that were never used while the planner was made.

Panels are cut, and cars put their charging off; the optimum of each is found by HiGHS as a linear programme.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from cem_service.domain.pebc import PEBCResource
from cem_service.planners.kernels.warm import warm_up
from cem_service.planners.pebc import WAITING_EUR_PER_KWH, Course, plan_envelope
from cem_service.planners.plan import STEP
from cem_service.planners.power_cost import J_PER_KWH, PowerCost
from tests.bench.rows import Row
from tests.bench.timing import best_us
from tests.support.reference.pebc import least_eur_if_lost, least_eur_if_put_off
from tests.support.scenarios.envelopes import charger, panels
from tests.support.scenarios.surroundings import JUDGING_SEEDS, MIDNIGHT, surroundings

ROUNDS = 20
# Feeding in costs money at some hours, lest panels have nothing to give up.
LOWER_SELL_EUR_PER_KWH = 0.1


def plan_time() -> Row:
    warm_up()
    cases = [*_panels(), *_chargers()]
    horizon = surroundings(JUDGING_SEEDS[0]).horizon

    def plan() -> None:
        for resource, cost in cases:
            plan_envelope(resource, cost, horizon)

    return Row("pebc-plan", best_us(plan, ROUNDS) / len(cases), "us a plan", target=3000.0)


def plan_gap() -> Row:
    """The largest difference to the optimum, in millionths of a euro."""
    gaps = [_gap_if_lost(*case) for case in _panels()] + [_gap_if_put_off(*case) for case in _chargers()]
    return Row("pebc-gap", max(gaps) * 1e6, "uEUR", target=10.0)


def _gap_if_lost(resource: PEBCResource, cost: PowerCost) -> float:
    horizon = surroundings(JUDGING_SEEDS[0]).horizon
    plan = plan_envelope(resource, cost, horizon)
    assert plan is not None
    ours = float(cost.eur(plan.power_w, horizon.durations_s).sum()) + plan.own.money_eur + plan.own.comfort_eur
    return abs(ours - least_eur_if_lost(Course.of(resource, horizon).free_w, cost, horizon))


def _gap_if_put_off(resource: PEBCResource, cost: PowerCost) -> float:
    horizon = surroundings(JUDGING_SEEDS[0]).horizon
    plan, course = plan_envelope(resource, cost, horizon), Course.of(resource, horizon)
    assert plan is not None
    made_up_by = [round((one.end - MIDNIGHT) / STEP) for one in resource.windows] + [horizon.steps]
    owed_kwh = np.cumsum((course.free_w - plan.power_w) * horizon.durations_s) / J_PER_KWH
    charged_eur = WAITING_EUR_PER_KWH * owed_kwh.sum() + sum(owed_kwh[edge - 1] for edge in made_up_by)
    ours = float(cost.eur(plan.power_w, horizon.durations_s).sum() + charged_eur)
    return abs(ours - least_eur_if_put_off(course.free_w, course.most_w, made_up_by, cost, horizon))


def _panels() -> Iterator[tuple[PEBCResource, PowerCost]]:
    for seed in JUDGING_SEEDS:
        around = surroundings(seed)
        yield panels(seed), replace(around, sell=around.sell - LOWER_SELL_EUR_PER_KWH).cost


def _chargers() -> Iterator[tuple[PEBCResource, PowerCost]]:
    return ((charger(seed), surroundings(seed, fuse_w=13_000.0).cost) for seed in JUDGING_SEEDS)


ROWS: Mapping[str, Callable[[], Row]] = {"pebc-plan": plan_time, "pebc-gap": plan_gap}
