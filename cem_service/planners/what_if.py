"""What a site's coming day would be like otherwise: under another tariff, with other comfort, without its CEM.

The same planner plans the same state twice, with one thing changed, so the difference is due to that thing alone. A day
without the CEM is one in which each device minds itself: batteries rest, cars charge and programs start as soon as they
can, what keeps something warm takes no more than it needs for that, and nothing that produces is held back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from uuid import UUID

import numpy as np

from cem_service.domain.frbc import FRBCResource
from cem_service.domain.pebc import PEBCResource
from cem_service.domain.ppbc import PPBCResource
from cem_service.domain.resource import Resource
from cem_service.domain.series import Array, StepSeries
from cem_service.domain.site import SiteState
from cem_service.domain.what_if import Outcome, WhatIf
from cem_service.planners.building import no_more_time, problem_of
from cem_service.planners.coordination import Coordinated, Problem, combined, coordinate
from cem_service.planners.oracle import best_response
from cem_service.planners.plan import DevicePlan
from cem_service.planners.power_cost import J_PER_KWH, PowerCost
from cem_service.planners.terms import Stage
from cem_service.planners.why import NOTICEABLE_COMFORT_EUR

# Less than any price, and enough for the earlier of two moments to be the better one.
SOONER_EUR_PER_KWH = 1e-6

_Solver = Callable[[Problem], Coordinated]


def compare(site: SiteState, what_if: WhatIf) -> tuple[Outcome, Outcome]:
    """(as it is, otherwise)."""
    changed = otherwise(site, what_if)
    return _outcome(site, _planned), _outcome(changed, _left_alone if what_if.cem_off else _planned)


def otherwise(site: SiteState, what_if: WhatIf) -> SiteState:
    if what_if.tariff is not None:
        feeds = replace(site.feeds, import_price=None, export_price=None)
        site = replace(site, tariff=what_if.tariff, feeds=feeds)
    if what_if.comfort_percent:
        share = what_if.comfort_percent / 100
        site = replace(site, resources=tuple(_with_comfort(one, share) for one in site.resources))
    if what_if.cem_off:
        site = replace(site, resources=tuple(_free(one) for one in site.resources))
    return site


def _free(resource: Resource) -> Resource:
    """An envelope that nobody draws: the resource takes, or gives, what it would by itself."""
    return replace(resource, not_ready="left alone") if isinstance(resource, PEBCResource) else resource


def _with_comfort(resource: Resource, share: float) -> Resource:
    """The store with its wanted lowest levels moved by a share of its range; not out of it, nor past the highest."""
    if not isinstance(resource, FRBCResource) or resource.target_lower is None:
        return resource
    wanted, lowest, highest = resource.target_lower, resource.lowest_level, resource.highest_level
    if resource.target_upper is not None and resource.target_upper.values.size:
        highest = min(highest, float(np.nanmin(resource.target_upper.values)))
    moved = wanted.values + share * (resource.highest_level - lowest)
    # What is wanted above `highest` already stays so: less comfort is asked for by a share below 0.
    most = np.maximum(wanted.values, highest)
    return replace(resource, target_lower=StepSeries(wanted.edges, np.clip(moved, lowest, most)))


def _planned(problem: Problem) -> Coordinated:
    return coordinate(problem, random=np.random.default_rng(0), more_time=no_more_time)


def _left_alone(problem: Problem) -> Coordinated:
    plans: dict[UUID, DevicePlan] = {}
    for resource in problem.resources:
        cost = _own_cost(problem, resource)
        plan = None if cost is None else best_response(resource, cost, problem.horizon)
        if plan is not None:
            plans[resource.link_id] = plan
    return combined(problem, plans)


def _own_cost(problem: Problem, resource: Resource) -> PowerCost | None:
    """What a device that minds itself goes by; None for one that rests.

    What is left in a store is worth what it is worth to the site, and a kWh costs just that, so nothing is gained by
    waiting or hoarding. What is given back earns nothing, so nothing is sold.
    """
    seen = problem.cost.seen_by(np.zeros_like(np.atleast_2d(problem.base_w)), resource.phase_shares)
    steps, price = problem.horizon.steps, seen.leftover_eur_per_kwh
    drawn = np.full(steps, float(problem.cost.buy.mean()) if price is None else price)
    if isinstance(resource, FRBCResource):
        if resource.can_discharge and resource.target_lower is None:
            return None
        if not resource.can_discharge and not resource.drains:
            drawn = _sooner(steps)
    elif isinstance(resource, PPBCResource):
        drawn = drawn + _sooner(steps)
    nothing = np.zeros(steps)
    return replace(seen, offset=nothing, slope=nothing, at_w=np.zeros((steps, 1)), weight=drawn[:, None])


def _sooner(steps: int) -> Array:
    later: Array = SOONER_EUR_PER_KWH * np.arange(steps, dtype=np.float64)
    return later


def _outcome(site: SiteState, solve: _Solver) -> Outcome:
    problem = problem_of(site)
    found = solve(problem)
    durations_s = problem.horizon.durations_s
    net_w = found.loads_w[0]
    bill_eur = problem.cost.by_stage(found.loads_w, durations_s)[Stage.MONEY]
    return Outcome(
        eur=bill_eur + sum(plan.own.money_eur for plan in found.plans.values()),
        bill_eur=bill_eur,
        drawn_kwh=float(np.maximum(net_w, 0.0) @ durations_s) / J_PER_KWH,
        fed_in_kwh=float(np.maximum(-net_w, 0.0) @ durations_s) / J_PER_KWH,
        peak_w=max(float(net_w.max()), 0.0),
        missed=_missed(problem, found.plans),
    )


def _missed(problem: Problem, plans: Mapping[UUID, DevicePlan]) -> tuple[str, ...]:
    names = {one.link_id: one.name for one in problem.resources}
    return tuple(sorted(names[key] for key, plan in plans.items() if plan.own.comfort_eur > NOTICEABLE_COMFORT_EUR))
