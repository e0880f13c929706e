"""Values what batteries hold by dull and bright days too, not by the expected one alone.

Whether the sun shines lasts all day, so a forecast of it errs in one direction for hours. A plan that takes the
expected sun for certain gives away in the evening what tomorrow seems to bring again, and a dull day then costs more
than all sunny ones had gained. So a store that gives back is asked once more beside a bright and a dull day, with all
others as they are planned, and its fill level is worth the mean of the three. What the plan expects stays what it was.

What a household draws is not hedged: its errors last for minutes and cancel out over a day.

The three days stand for all, with the weights of Swanson's rule: 0.3, 0.4 and 0.3 for the levels 0.1, 0.5 and 0.9 give
nearly the mean of skewed quantities as well (Hurst, Brown and Swanson, AAPG Bulletin 84, 2000).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cem_service.domain.frbc import FRBCResource
from cem_service.domain.series import Array
from cem_service.planners.coordination import Coordinated, Problem, others_w
from cem_service.planners.oracle import best_response
from cem_service.planners.plan import DevicePlan, ValueTable

# For the levels of QUANTILES; power fed in is below zero, so the first is a bright day and the last a dull one.
BRIGHT, EXPECTED, DULL = 0.3, 0.4, 0.3
NEGLIGIBLE_W = 1.0


def hedged(problem: Problem, found: Coordinated) -> Coordinated:
    """The same plans with other values of what stores hold that give back."""
    errors_w = problem.errors_w
    if errors_w is None or np.abs(errors_w).max() < NEGLIGIBLE_W:
        return found
    plans = dict(found.plans)
    for resource in problem.resources:
        plan = plans.get(resource.link_id)
        if plan is not None and isinstance(resource, FRBCResource) and resource.can_discharge:
            plans[resource.link_id] = _hedged(problem, found, resource, plan, errors_w)
    return replace(found, plans=plans)


def _hedged(
    problem: Problem, found: Coordinated, resource: FRBCResource, plan: DevicePlan, errors_w: Array
) -> DevicePlan:
    """The plan as it is where one of the days has no answer."""
    cost = problem.cost.with_peak(float(found.loads_w[0].max()))
    expected_w = np.atleast_2d(others_w(problem, found.plans, resource))
    tables = [(EXPECTED, plan.values)]
    for weight, error_w in ((BRIGHT, errors_w[0]), (DULL, errors_w[-1])):
        loads_w = expected_w.copy()
        loads_w[0] += error_w
        answer = best_response(resource, cost.seen_by(loads_w, resource.phase_shares), problem.horizon)
        tables.append((weight, None if answer is None else answer.values))
    known = [(weight, table) for weight, table in tables if table is not None]
    return plan if len(known) < len(tables) else replace(plan, values=ValueTable.mean(known))
