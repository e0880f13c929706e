"""A forecast learned from a series of one's own past: what a site draws by itself, and what its panels give.

A usual day is learned from some weeks and corrected by how the present differs from it; the correction fades as fast as
such differences faded in the past. It is plain numbers, so it is stored as JSON and costs a plan microseconds. How good
it is, is measured on days that it was not fitted to (`scores`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cem_service.domain.local_time import places_in_week, places_of_steps
from cem_service.domain.series import Array
from cem_service.domain.usual_day import QUANTILES, QUARTERS, UsualDay
from cem_service.planners.horizon import Horizon
from cem_service.planners.plan import STEP

DAY = timedelta(days=1)

LEARN_FROM_DAYS = 28
# With less than this, a usual day would be made of single days.
LEAST_DAYS = 3
HALF_LIFE_DAYS = 10.0
# A weekend is told from the other days as far as its own days outweigh this many of all days.
PRIOR_DAYS = 2.0
# Kettles and ovens are not used at the same minute each day.
SMOOTHING = np.array([0.25, 0.5, 0.25])
# The present is known from the means of the last hour, if there are any.
RECENT = timedelta(hours=1)
MOST_PERSISTENT = 0.97
# Spreads are taken over two hours, so that each rests on enough days.
QUARTERS_PER_SPREAD = 8

History = Mapping[datetime, float]


def learn(history: History, now: datetime, timezone: str) -> UsualDay | None:
    """Learn from the means before `now`; None where they cover too few days."""
    known = {at: power_w for at, power_w in history.items() if now - LEARN_FROM_DAYS * DAY <= at < now}
    if len(known) < LEAST_DAYS * QUARTERS:
        return None
    starts = sorted(known)
    values = np.array([known[start] for start in starts])
    kinds, quarters = places_in_week(starts, timezone)
    weights = 0.5 ** (np.array([(now - start) / DAY for start in starts]) / HALF_LIFE_DAYS)
    usual_w = _usual_day(values, weights, kinds, quarters)
    differences = values - usual_w[kinds, quarters]
    return UsualDay(
        timezone=timezone,
        usual_w=usual_w,
        spread_w=_spread(differences, quarters),
        fading=_fading(differences, starts),
        darkness=_darkness(values, quarters),
    )


def forecast_usual(usual: UsualDay, history: History, horizon: Horizon) -> Array:
    """Expected mean power of each step in W."""
    kinds, quarters = places_of_steps(horizon.start, horizon.steps, STEP, usual.timezone)
    usual_w = usual.usual_w[kinds, quarters]
    difference = _present_difference(usual, history, horizon.start) * usual.fading ** np.arange(1, horizon.steps + 1)
    expected: Array = usual_w + np.where(usual.darkness[quarters], 0.0, difference)
    # What only ever draws does not begin to feed in, and the other way round.
    feeds_in, draws = bool((usual.usual_w < 0).any()), bool((usual.usual_w > 0).any())
    return np.clip(expected, -np.inf if feeds_in else 0.0, np.inf if draws else 0.0)


def quantiles_around(usual: UsualDay, expected_w: Array, horizon: Horizon) -> Array:
    """The quantiles of QUANTILES around a forecast from this usual day, shape (3, steps), in W."""
    _, quarters = places_of_steps(horizon.start, horizon.steps, STEP, usual.timezone)
    around: Array = expected_w + usual.spread_w[:, quarters // QUARTERS_PER_SPREAD]
    return around


def _present_difference(usual: UsualDay, history: History, start: datetime) -> float:
    recent = [at for at in (start - k * STEP for k in range(1, RECENT // STEP + 1)) if at in history]
    if not recent:
        return 0.0
    kinds, quarters = places_in_week(recent, usual.timezone)
    return float(np.mean([history[at] for at in recent] - usual.usual_w[kinds, quarters]))


def _usual_day(values: Array, weights: Array, kinds: NDArray[np.intp], quarters: NDArray[np.intp]) -> Array:
    cells = kinds * QUARTERS + quarters
    total = _smooth(np.bincount(cells, weights, 2 * QUARTERS).astype(np.float64))
    summed = _smooth(np.bincount(cells, weights * values, 2 * QUARTERS).astype(np.float64))
    # A quarter hour of which nothing is known is taken for an average one.
    average = float(np.average(values, weights=weights))
    every = np.full(QUARTERS, average)
    np.divide(summed.sum(axis=0), total.sum(axis=0), out=every, where=total.sum(axis=0) > 0)
    usual: Array = (summed + PRIOR_DAYS * every) / (total + PRIOR_DAYS)
    return usual


def _smooth(cells: Array) -> Array:
    """Each quarter hour with its neighbours, shape (2, 96); the day is a circle."""
    days = cells.reshape(2, QUARTERS)
    before, after = np.roll(days, 1, axis=1), np.roll(days, -1, axis=1)
    smooth: Array = SMOOTHING[0] * before + SMOOTHING[1] * days + SMOOTHING[2] * after
    return smooth


def _fading(differences: Array, starts: list[datetime]) -> float:
    """The correlation of a difference with the one a quarter hour later."""
    follows = np.array([later - start == STEP for start, later in pairwise(starts)])
    before, after = differences[:-1][follows], differences[1:][follows]
    power = float((before**2).sum())
    return 0.0 if power <= 0 else float(np.clip((before * after).sum() / power, 0.0, MOST_PERSISTENT))


def _spread(differences: Array, quarters: NDArray[np.intp]) -> Array:
    stretches = quarters // QUARTERS_PER_SPREAD
    spreads = np.zeros((len(QUANTILES), QUARTERS // QUARTERS_PER_SPREAD))
    for stretch in range(spreads.shape[1]):
        inside = differences[stretches == stretch]
        if inside.size:
            spreads[:, stretch] = np.quantile(inside, QUANTILES)
    return spreads


def _darkness(values: Array, quarters: NDArray[np.intp]) -> NDArray[np.bool_]:
    seen = np.bincount(quarters, minlength=QUARTERS)
    lit = np.bincount(quarters, values != 0.0, QUARTERS)
    dark: NDArray[np.bool_] = (seen > 0) & (lit == 0)
    return dark
