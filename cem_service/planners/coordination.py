"""Finds plans of several resources that go well together, each made by a planner that knows of one resource only.

Each resource in turn answers what is best for the site while the others do as they last said. What comes out depends on
who was asked first: whoever comes early takes the cheap hours. The last one, a battery where there is one, balances
what the others do, and that binds them: once its plan is there, any watt elsewhere would have to be bought or sold. So
three orders are tried, in drafts, and in the best of them each that stores or has modes is asked once more, closely.
That is a good plan at once; while time is left, or as long as a limit or comfort is missed, each of the others is asked
anew without the last one, and the last one after it. Then some of the resources are taken out of the best plan so far
and asked anew, in another order and under prices that are a little off. A plan of the whole site is kept only if it
ranks higher than the best one, so there is always one, and it never gets worse.

Ranks are compared stage by stage (decision 0010). Where a limit is broken, plans in which everything rests are tried
too: what all can keep to at rest is then kept to. A breach that remains is what no resource could avoid.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle, islice
from uuid import UUID

import numpy as np

from cem_service.domain.forecasts import Forecasts
from cem_service.domain.pebc import PEBCResource
from cem_service.domain.resource import Resource
from cem_service.domain.series import Array
from cem_service.planners.horizon import Horizon
from cem_service.planners.oracle import best_response, draft_response
from cem_service.planners.plan import DevicePlan
from cem_service.planners.power_cost import PowerCost
from cem_service.planners.site_cost import SiteCost
from cem_service.planners.terms import Stage

MoreTime = Callable[[], bool]
Response = Callable[[Resource, PowerCost, Horizon], DevicePlan | None]
Rank = tuple[float, ...]

# Nobody moves any more after some ten of these; a limit, for those that would gain next to nothing for ever.
MOST_MOVES = 40
# Tried whatever the time, where a limit is still broken that perhaps need not be.
LEAST_TRIES = 8
# As many tries in a row that found nothing better end the search.
FRUITLESS_TRIES = 20
# How far prices are off in a new try, as a share.
NOISE_SHARE = 0.1
PEAK_ROUNDS = 5
NOTICEABLE_PEAK_W = 50.0
# In what can be noticed of it, below: 1 EUR is a tenth of a kWh that a target lacks.
MISSED_COMFORT = 20.0
# What can be noticed of each stage: a Wh of a limit, a tenth of a cent of an activation, 5 ct of comfort.
NOTICEABLE = ((Stage.FUSE, 1e-3), (Stage.GRID, 1e-3), (Stage.ACTIVATION, 1e-3), (Stage.COMFORT, 0.05))


@dataclass(frozen=True, slots=True)
class Problem:
    """`base_w` is what is not planned for, (circuits, steps), or (steps,) where phases do not matter.

    `resources` are in the order in which they are asked first. `whole_cost` is the cost of the whole site, where `cost`
    takes for granted that `giving_way` does (`giving_way.py`). `errors_w` is by how much `base_w` may be off at each of
    QUANTILES, (3, steps), as far as that lasts all day; None where nobody says (`hedging.py`). `forecasts` are what all
    of this stands on.
    """

    cost: SiteCost
    horizon: Horizon
    base_w: Array
    resources: tuple[Resource, ...]
    whole_cost: SiteCost | None = None
    errors_w: Array | None = None
    giving_way: tuple[PEBCResource, ...] = ()
    forecasts: Forecasts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Coordinated:
    """Plans that go together; a resource that has nothing to choose is left out. `loads_w` as in `site_cost`."""

    plans: Mapping[UUID, DevicePlan]
    loads_w: Array
    rank: Rank

    @property
    def breaks_limits(self) -> bool:
        return self.rank[0] > 0 or self.rank[1] > 0

    @property
    def falls_short(self) -> bool:
        """Of what comes before money, by more than what a reserve of comfort may cost."""
        return any(self.rank[:3]) or self.rank[3] > MISSED_COMFORT


def coordinate(problem: Problem, *, random: np.random.Generator, more_time: MoreTime) -> Coordinated:
    """The best plans that are found until `more_time` says no; always some."""
    several = len(problem.resources) > 1
    ask = draft_response if several else best_response
    starts = (_asked(problem, {}, order, problem.cost, ask) for order in _orders(problem.resources))
    best = _with_its_best_peak(problem, min(starts, key=_rank))
    if best.falls_short or more_time():
        best = _improved(problem, best)
    if best.breaks_limits:
        best = min(best, _improved(problem, combined(problem, _at_rest(problem))), key=_rank)
    tries = fruitless = 0
    while several and fruitless < FRUITLESS_TRIES:
        if not (more_time() or (best.breaks_limits and tries < LEAST_TRIES)):
            break
        tried = _tried_anew(problem, best, random)
        tries, fruitless = tries + 1, 0 if tried.rank < best.rank else fruitless + 1
        best = min(best, tried, key=_rank)
    return _with_its_values(problem, best) if several else best


def _with_its_values(problem: Problem, best: Coordinated) -> Coordinated:
    """The same plans, but what is stored is worth what it is beside all the others; most were made without the last.

    An answer that is better than the plan so far takes its place.
    """
    for one in problem.resources:
        plan = best.plans.get(one.link_id)
        if plan is None or (plan.values is None and plan.mode_values is None):
            continue
        moved = _asked(problem, best.plans, (one,), problem.cost.with_peak(_peak_w(best)))
        answer = moved.plans.get(one.link_id)
        if answer is None:
            continue
        if moved.rank < best.rank:
            best = moved
        else:
            valued = replace(plan, values=answer.values, mode_values=answer.mode_values)
            best = replace(best, plans={**best.plans, one.link_id: valued})
    return best


def _with_its_best_peak(problem: Problem, best: Coordinated) -> Coordinated:
    """A planner is told what a kWh above a peak costs, and not that the second one costs nothing more.

    So the peak itself is searched for between the one so far and that of the best plan: evenly first, then closer and
    closer around the best one found.
    """
    lowest = problem.cost.peak_so_far_w
    highest = _peak_w(best)
    if lowest is None or highest <= lowest + NOTICEABLE_PEAK_W:
        return best
    middle, distance = 0.5, 0.25
    for _ in range(PEAK_ROUNDS):
        for share in (middle - distance, middle + distance):
            told = problem.cost.with_peak(lowest + share * (highest - lowest))
            found = _improved(problem, _asked(problem, {}, problem.resources, told))
            if found.rank < best.rank:
                best, middle = found, share
        distance /= 2
    return best


def _peak_w(found: Coordinated) -> float:
    return float(found.loads_w[0].max(initial=0.0))


def _rank(found: Coordinated) -> Rank:
    return found.rank


def _orders(resources: tuple[Resource, ...]) -> list[tuple[Resource, ...]]:
    """As given, turned around, and with the first two changed over; the last one stays the last."""
    others, last = resources[:-1], resources[-1:]
    orders = (others, others[::-1], (*others[1::-1], *others[2:]))
    # With fewer of them some of these are the same.
    return [(*order, *last) for order in orders[: max(len(others), 1)]]


def _at_rest(problem: Problem) -> dict[UUID, DevicePlan]:
    """Plans in which each resource takes and gives as little as it can."""
    nothing = np.zeros(problem.horizon.steps)
    cost = SiteCost.within(nothing, nothing, 0.0, 0.0)
    plans = ((one, best_response(one, cost.seen_by(nothing), problem.horizon)) for one in problem.resources)
    return {one.link_id: plan for one, plan in plans if plan is not None}


def _tried_anew(problem: Problem, best: Coordinated, random: np.random.Generator) -> Coordinated:
    """Two or more resources forget their plans and make new ones, on prices that are a little off at first."""
    resources = problem.resources
    count = int(random.integers(2, len(resources) + 1))
    chosen = [resources[index] for index in random.permutation(len(resources))[:count]]
    factor = 1.0 + NOISE_SHARE * random.uniform(-1.0, 1.0, problem.horizon.steps)
    cost = replace(problem.cost, buy=problem.cost.buy * factor, sell=problem.cost.sell * factor)
    # Any peak up to the present one may turn out to be worth its price.
    cost = cost.with_peak(_peak_w(best) * float(random.uniform()))
    return _improved(problem, _asked(problem, best.plans, chosen, cost))


def _improved(problem: Problem, best: Coordinated) -> Coordinated:
    """Ask one by one, each with the last one after it, until nobody's answer makes the site better."""
    if len(problem.resources) < 2:
        return best
    *others, last = problem.resources
    content = 0  # Those asked since the last move.
    for one in islice(cycle(others), MOST_MOVES):
        cost = problem.cost.with_peak(_peak_w(best))
        moved = _asked(problem, best.plans, (one, last), cost)
        content = 0 if moved.rank < best.rank else content + 1
        best = min(best, moved, key=_rank)
        if content == len(others):
            break
    return best


def _without(plans: Mapping[UUID, DevicePlan], resources: Sequence[Resource]) -> dict[UUID, DevicePlan]:
    left_out = {one.link_id for one in resources}
    return {link_id: plan for link_id, plan in plans.items() if link_id not in left_out}


def others_w(problem: Problem, plans: Mapping[UUID, DevicePlan], resource: Resource) -> Array:
    """What everything but one resource takes."""
    return _loads(problem, _without(plans, (resource,)))


def _asked(
    problem: Problem,
    plans: Mapping[UUID, DevicePlan],
    resources: Sequence[Resource],
    cost: SiteCost,
    ask: Response = best_response,
) -> Coordinated:
    """All of `resources` forget their plans; then each in turn makes the one that is best beside all others."""
    result = _without(plans, resources)
    loads_w = _loads(problem, result)
    for resource in resources:
        answer = ask(resource, cost.seen_by(loads_w, resource.phase_shares), problem.horizon)
        if answer is not None:
            result[resource.link_id] = answer
            add_load(loads_w, resource, answer.power_w)
    return Coordinated(result, loads_w, rank(problem, result, loads_w))


def combined(problem: Problem, plans: Mapping[UUID, DevicePlan]) -> Coordinated:
    """These plans together, however they came about."""
    loads_w = _loads(problem, plans)
    return Coordinated(plans, loads_w, rank(problem, plans, loads_w))


def _loads(problem: Problem, plans: Mapping[UUID, DevicePlan]) -> Array:
    loads_w = np.atleast_2d(problem.base_w).copy()
    for resource in problem.resources:
        plan = plans.get(resource.link_id)
        if plan is not None:
            add_load(loads_w, resource, plan.power_w)
    return loads_w


def add_load(loads_w: Array, resource: Resource, power_w: Array) -> None:
    """Count a resource's power in `loads_w`, (circuits, steps)."""
    loads_w[0] += power_w
    for circuit, share in enumerate(resource.phase_shares[: len(loads_w) - 1], start=1):
        loads_w[circuit] += share * power_w


def rank(problem: Problem, plans: Mapping[UUID, DevicePlan], loads_w: Array) -> Rank:
    """The lower, the better: what each stage counts, to what can be noticed, and then all that is EUR."""
    stages = problem.cost.by_stage(loads_w, problem.horizon.durations_s)
    stages[Stage.COMFORT] += sum(plan.own.comfort_eur for plan in plans.values())
    stages[Stage.MONEY] += sum(plan.own.money_eur for plan in plans.values())
    stages[Stage.TIDY] += sum(plan.own.tidy_eur for plan in plans.values())
    eur = stages[Stage.COMFORT] + stages[Stage.MONEY] + stages[Stage.TIDY]
    return (*(float(round(stages[stage] / unit)) for stage, unit in NOTICEABLE), eur)
