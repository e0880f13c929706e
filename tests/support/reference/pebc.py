"""The best powers of a resource with a power envelope by linear programming with HiGHS, any limit from 0 W up allowed.

Amounts are in kW, lest what a watt costs be less than HiGHS tells from nothing. What is lost may be cut in each step by
itself; what is put off is owed, never ahead, and made up for by the ends of its windows.
"""

from __future__ import annotations

import highspy
import numpy as np

from cem_service.planners.horizon import Horizon
from cem_service.planners.pebc import LOST_CONSUMPTION_EUR_PER_KWH, LOST_PRODUCTION_EUR_PER_KWH, WAITING_EUR_PER_KWH
from cem_service.planners.power_cost import J_PER_KWH, PowerCost
from tests.support.reference.highs import new_model


def least_eur_if_lost(free_w: np.ndarray, cost: PowerCost, horizon: Horizon) -> float:
    """The optimum in EUR."""
    model, total = new_model(), highspy.highs_linear_expression()
    for step, duration_s in enumerate(horizon.durations_s):
        kwh = duration_s / J_PER_KWH
        most_kw = abs(float(free_w[step])) / 1000.0
        sign, lost_eur = (
            (1.0, LOST_CONSUMPTION_EUR_PER_KWH) if free_w[step] > 0 else (-1.0, LOST_PRODUCTION_EUR_PER_KWH)
        )
        amount = model.addVariable(0.0, most_kw)
        total = total + _eur(model, sign * amount, cost, step, kwh) + lost_eur * 1000.0 * kwh * (most_kw - amount)
    return _solved(model, total)


def least_eur_if_put_off(
    free_w: np.ndarray, most_w: float, made_up_by: list[int], cost: PowerCost, horizon: Horizon
) -> float:
    """The same; `made_up_by` are the edges by which nothing may be owed any more."""
    model, total, owed = new_model(), highspy.highs_linear_expression(), 0.0
    for step, duration_s in enumerate(horizon.durations_s):
        kwh = duration_s / J_PER_KWH
        amount, after = model.addVariable(0.0, most_w / 1000.0), model.addVariable(0.0, highspy.kHighsInf)
        model.addConstr(after + 1000.0 * kwh * amount == owed + kwh * float(free_w[step]))
        weight = WAITING_EUR_PER_KWH + (LOST_CONSUMPTION_EUR_PER_KWH if step + 1 in made_up_by else 0.0)
        total = total + _eur(model, 1.0 * amount, cost, step, kwh) + weight * after
        owed = after
    return _solved(model, total)


def _eur(model, power, cost: PowerCost, step: int, kwh: float):  # type: ignore[no-untyped-def]  # highspy has no types.
    total = float(cost.offset[step] * kwh) + float(1000.0 * cost.slope[step] * kwh) * power
    for at_w, weight in zip(cost.at_w[step], cost.weight[step], strict=True):
        beyond = model.addVariable(0.0, highspy.kHighsInf)
        model.addConstr(beyond >= power - float(at_w) / 1000.0)
        total = total + float(1000.0 * weight * kwh) * beyond
    return total


def _solved(model, total) -> float:  # type: ignore[no-untyped-def]  # highspy has no types.
    model.minimize(total)
    if model.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        raise RuntimeError(f"HiGHS found no optimum: {model.getModelStatus()}")
    return float(model.getObjectiveValue())
