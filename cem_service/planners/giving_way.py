"""What gives way last: resources that lose the energy which limits take away from them, such as panels.

All others are coordinated as if such a resource were free and whatever is too much vanished by itself: nobody has to
feed in at a price below zero, or to take what cannot leave the site. For one that can be limited down to nothing that
is no guess but the very optimum, since limits on it cost next to nothing. So it is asked once, when the others are
settled, and its limits take just what is too much.
"""

from __future__ import annotations

from typing import TypeGuard

import numpy as np

from cem_service.domain.pebc import PEBCResource
from cem_service.domain.resource import Resource
from cem_service.domain.series import Array
from cem_service.planners.coordination import Coordinated, Problem, add_load, rank
from cem_service.planners.drawn import Side
from cem_service.planners.horizon import Horizon
from cem_service.planners.oracle import best_response
from cem_service.planners.pebc import in_force, plan_of_freedom


def gives_way_last(resource: Resource) -> TypeGuard[PEBCResource]:
    return isinstance(resource, PEBCResource) and resource.ready and resource.energy_is_lost


def may_vanish_w(resource: PEBCResource, free_w: Array, horizon: Horizon) -> Array:
    """How much of what it gives by itself limits can take away in each step."""
    least_w = float(Side.of(resource, -1.0).on_offer(np.zeros(())).sum())
    cut_w: Array = np.where(in_force(resource, horizon), np.maximum(-free_w - least_w, 0.0), 0.0)
    return np.nan_to_num(cut_w)


def with_those_that_give_way(problem: Problem, found: Coordinated) -> tuple[Problem, Coordinated]:
    """The problem of the whole site, and the plans for all of it."""
    if not problem.giving_way:
        return problem, found
    cost = problem.whole_cost or problem.cost
    base_w, loads_w = np.atleast_2d(problem.base_w).copy(), found.loads_w.copy()
    plans = dict(found.plans)
    for resource in problem.giving_way:
        free = plan_of_freedom(resource, problem.horizon)
        add_load(base_w, resource, -free.power_w)
        add_load(loads_w, resource, -free.power_w)
        others = cost.seen_by(loads_w, resource.phase_shares)
        plan = plans[resource.link_id] = best_response(resource, others, problem.horizon) or free
        add_load(loads_w, resource, plan.power_w)
    whole = Problem(cost, problem.horizon, base_w, (*problem.resources, *problem.giving_way))
    return whole, Coordinated(plans, loads_w, rank(whole, plans, loads_w))
