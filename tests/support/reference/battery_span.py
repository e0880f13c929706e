"""What a battery can save at most over days, by linear programming with HiGHS, and what plain self-consumption saves.

All are compared alike: the bill of the days, and then that of the best two that can follow with what the battery holds.
"""

from __future__ import annotations

from collections.abc import Mapping

import highspy
import numpy as np

from cem_service.domain.series import Array
from tests.support.reference.highs import new_model
from tests.support.scenarios.battery_home import TICK, TICKS_A_DAY, BatteryHome

EFFICIENCY = 0.95  # one way, as of the demo's battery
TICK_H = TICK.total_seconds() / 3600
KWH_PER_W = TICK_H / 1000  # in one tick


def bill_eur(home: BatteryHome, powers_w: Array) -> float:
    """Of a battery that took `powers_w`, W for each tick of the days."""
    span = slice(TICKS_A_DAY, TICKS_A_DAY + home.ticks)
    net_w = home.net_w[span] + powers_w
    paid_eur = float((net_w * np.where(net_w > 0, home.buy[span], home.sell[span])).sum()) * KWH_PER_W
    return paid_eur + _least_eur(home, span.stop, level_after(home, powers_w))


def least_eur(home: BatteryHome) -> float:
    """With all known from the first of the days to two days after the last."""
    return _least_eur(home, TICKS_A_DAY, home.level)


def level_after(home: BatteryHome, powers_w: Array) -> float:
    inside_w = np.where(powers_w > 0, powers_w * EFFICIENCY, powers_w / EFFICIENCY)
    return float(np.clip(home.level + inside_w.sum() * KWH_PER_W / home.capacity_kwh, 0.0, 1.0))


def self_consumption_w(home: BatteryHome) -> Array:
    """By the rule that looks at the meter only: take what is left over, cover what is drawn."""
    content, powers_w = home.level * home.capacity_kwh, np.zeros(home.ticks)
    for tick, net_w in enumerate(home.net_w[TICKS_A_DAY : TICKS_A_DAY + home.ticks]):
        room_w = (home.capacity_kwh - content) / EFFICIENCY / KWH_PER_W
        wanted_w = min(max(-net_w, -home.power_w), home.power_w)
        powers_w[tick] = min(max(wanted_w, -content * EFFICIENCY / KWH_PER_W), room_w)
        content += KWH_PER_W * powers_w[tick] * (EFFICIENCY if powers_w[tick] > 0 else 1 / EFFICIENCY)
    return powers_w


def _least_eur(home: BatteryHome, begin: int, level: float) -> float:
    """From tick `begin` to the end of all that is known. Variables: W charged, discharged, drawn and fed in during each
    tick, and the content before each and after the last in kWh.
    """
    net_w, ticks = home.net_w[begin:], home.net_w.size - begin
    content = level * home.capacity_kwh
    power_w, unbounded = np.full(2 * ticks, home.power_w), np.full(2 * ticks, highspy.kHighsInf)
    upper = np.concatenate((power_w, unbounded, [content], np.full(ticks, home.capacity_kwh)))
    lower = np.zeros(upper.size)
    lower[4 * ticks] = content
    eur = np.concatenate((np.zeros(2 * ticks), home.buy[begin:], -home.sell[begin:], np.zeros(ticks + 1))) * KWH_PER_W
    model = new_model()
    model.addVars(upper.size, lower, upper)
    model.changeColsCost(upper.size, np.arange(upper.size, dtype=np.int32), eur)
    charged, discharged, drawn, fed_in, before = range(0, 5 * ticks, ticks)
    _add_rows(model, net_w, {charged: -1.0, discharged: 1.0, drawn: 1.0, fed_in: -1.0})
    kept = {charged: -EFFICIENCY * KWH_PER_W, discharged: KWH_PER_W / EFFICIENCY, before: -1.0, before + 1: 1.0}
    _add_rows(model, np.zeros(ticks), kept)
    model.run()
    if model.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        raise RuntimeError(f"HiGHS found no optimum: {model.getModelStatus()}")
    return float(model.getInfo().objective_function_value)


def _add_rows(model: highspy.Highs, total: Array, factors: Mapping[int, float]) -> None:
    """One row for each tick: the variables that begin at these places, times these factors, add up to `total`."""
    ticks, width = total.size, len(factors)
    places = np.add.outer(np.arange(ticks), np.fromiter(factors, np.int64)).astype(np.int32).ravel()
    values = np.tile(np.fromiter(factors.values(), np.float64), ticks)
    starts = np.arange(0, ticks * width, width, dtype=np.int32)
    model.addRows(ticks, total, total, ticks * width, starts, places, values)
