"""What plans of whole homes cost and how good they are, on seeds that were never used while the planners were made.

A loss is a share of what can be saved: the difference between the home that nobody steers and the best plan known. That
is HiGHS's after a while, or the best of several searches of our own where it is better. All are judged by their powers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from cem_service.domain.series import Array
from cem_service.planners.building import plan_site, problem_of
from cem_service.planners.coordination import Coordinated, Problem, coordinate
from cem_service.planners.kernels.warm import warm_up
from tests.bench.rows import Row
from tests.support.reference.building import best_plan
from tests.support.reference.building_cost import Judged, judged, without_flexibility
from tests.support.scenarios.building import Building, building

# The homes of JUDGING_SEEDS were looked at on the way to the present planner.
SEEDS = range(300, 312)
ROUNDS = 7
REFERENCE_S = 20.0
REFERENCE_GAP = 1e-3
# Each on random numbers of its own.
OWN_SEARCHES, OWN_S = 5, 1.0
AT_ONCE_S, WITH_TIME_S = 0.0, 0.1


@dataclass(frozen=True, slots=True)
class Case:
    home: Building
    problem: Problem
    best_eur: float
    unsteered_eur: float
    bound_eur: float

    def lost_percent(self, found: Judged) -> float:
        return self.percent(found.eur - self.best_eur)

    def percent(self, eur: float) -> float:
        """Of what can be saved."""
        return 100.0 * eur / (self.unsteered_eur - self.best_eur)


def plan_time() -> Row:
    """From the state of a site to its plan with all reasons, nothing kept from before."""
    warm_up()
    taken = [min(_once_s(seed) for _ in range(ROUNDS)) for seed in SEEDS]
    return Row("building-plan", 1000.0 * float(np.mean(taken)), "ms", target=1000.0 / 150)


def _once_s(seed: int) -> float:
    site = building(seed).site
    before = time.process_time()
    plan_site(site)
    return time.process_time() - before


@cache
def _cases() -> tuple[Case, ...]:
    warm_up()
    return tuple(map(_case, SEEDS))


def _case(seed: int) -> Case:
    home = building(seed)
    problem = problem_of(home.site)
    searches = (_searched(problem, OWN_S, seed) for seed in range(1, 1 + OWN_SEARCHES))
    found = [judged(home, problem, _powers(problem, one)).eur for one in searches]
    bound_eur = -np.inf
    try:
        reference = best_plan(home, problem, seconds=REFERENCE_S, gap=REFERENCE_GAP)
    except RuntimeError:  # HiGHS has found no plan at all by then.
        pass
    else:
        found.append(judged(home, problem, reference.powers_w).eur)
        bound_eur = reference.bound_eur
    return Case(home, problem, min(found), judged(home, problem, without_flexibility(home)).eur, bound_eur)


def _searched(problem: Problem, seconds: float, seed: int = 0) -> Coordinated:
    until = time.process_time() + seconds
    return coordinate(problem, random=np.random.default_rng(seed), more_time=lambda: time.process_time() < until)


def _powers(problem: Problem, found: Coordinated) -> dict[str, Array]:
    return {one.name: found.plans[one.link_id].power_w for one in problem.resources if one.link_id in found.plans}


@cache
def _found(seconds: float) -> tuple[tuple[Case, Judged], ...]:
    return tuple(
        (case, judged(case.home, case.problem, _powers(case.problem, _searched(case.problem, seconds))))
        for case in _cases()
    )


def _losses(seconds: float) -> list[float]:
    return [case.lost_percent(found) for case, found in _found(seconds)]


def broken_limits() -> Row:
    """Homes with a plan beyond the fuse, an overfilled store, or a heat pump that is switched too soon."""
    broken = [not found.keeps_hard_limits for seconds in (AT_ONCE_S, WITH_TIME_S) for _, found in _found(seconds)]
    return Row("building-broken", float(sum(broken)), "plans", target=0.0)


def room() -> Row:
    """By how much HiGHS's bound lies below the best plans known, where it has one."""
    bounded = [case for case in _cases() if np.isfinite(case.bound_eur)]
    room_percent = [case.percent(max(case.best_eur - case.bound_eur, 0.0)) for case in bounded]
    return Row("building-bound", float(np.mean(room_percent)), "%")


def _mean(name: str, seconds: float, target: float) -> Row:
    return Row(name, float(np.mean(_losses(seconds))), "% lost", target=target)


def _worst(name: str, seconds: float, target: float) -> Row:
    return Row(name, max(_losses(seconds)), "% lost", target=target)


ROWS: Mapping[str, Callable[[], Row]] = {
    "building-plan": plan_time,
    "building-loss": lambda: _mean("building-loss", AT_ONCE_S, 2.5),
    "building-loss-max": lambda: _worst("building-loss-max", AT_ONCE_S, 7.0),
    "building-search": lambda: _mean("building-search", WITH_TIME_S, 1.3),
    "building-search-max": lambda: _worst("building-search-max", WITH_TIME_S, 3.0),
    "building-broken": broken_limits,
    "building-bound": room,
}
