"""The least cost of a convex store by linear programming with HiGHS: what the exact planner is measured against.

One variable for each piece of the curve of power over rate, one for each hinge that is passed, and the level after each
step. Convexity orders the pieces by itself.
"""

from __future__ import annotations

import highspy
import numpy as np

from cem_service.planners.frbc_convex import ConvexStore
from cem_service.planners.horizon import Horizon
from cem_service.planners.power_cost import J_PER_KWH, PowerCost
from tests.support.reference.highs import new_model


def least_eur(store: ConvexStore, level: float, leftover_eur: float, cost: PowerCost, horizon: Horizon) -> float:
    """The optimum in EUR, without the offset of `cost`. Raises RuntimeError where there is none."""
    model = new_model()
    total = highspy.highs_linear_expression()
    spans = np.diff(store.rates)
    per_rate = np.diff(store.powers_w) / spans
    before = level
    for step, duration_s in enumerate(horizon.durations_s):
        kwh = duration_s / J_PER_KWH
        pieces = [model.addVariable(0.0, float(span)) for span in spans]
        rate = store.rates[0] + sum(pieces)
        power = store.powers_w[0] + sum(float(each) * piece for each, piece in zip(per_rate, pieces, strict=True))
        after = model.addVariable(store.bottom, store.top)
        model.addConstr(after == before + duration_s * (rate + float(store.drift[step])))
        total = total + float(cost.slope[step] * kwh) * power
        for at_w, weight in zip(cost.at_w[step], cost.weight[step], strict=True):
            beyond = model.addVariable(0.0, highspy.kHighsInf)
            model.addConstr(beyond >= power - float(at_w))
            total = total + float(weight * kwh) * beyond
        for at, eur in store.edges.below[step + 1]:
            missed = model.addVariable(0.0, highspy.kHighsInf)
            model.addConstr(missed >= float(at) - after)
            total = total + float(eur) * missed
        for at, eur in store.edges.above[step + 1]:
            missed = model.addVariable(0.0, highspy.kHighsInf)
            model.addConstr(missed >= after - float(at))
            total = total + float(eur) * missed
        before = after
    model.minimize(total - leftover_eur * before)
    if model.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        raise RuntimeError(f"HiGHS found no optimum: {model.getModelStatus()}")
    return float(model.getObjectiveValue())
