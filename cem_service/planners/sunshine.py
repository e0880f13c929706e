"""What panels give by the irradiance that a weather feed forecasts.

Panels give in proportion to what shines on them, near enough, and the factor is in their own past: their quarter-hour
means against the irradiance of the same quarter hours. Shade, snow or a forecast for another hill spoil that, so there
is a factor only where it explains the past better than the day before repeated does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from cem_service.domain.feed import FeedSeries
from cem_service.domain.forecasts import Forecast, ForecastSource
from cem_service.domain.series import Array
from cem_service.domain.usual_day import QUANTILES
from cem_service.planners.horizon import Horizon
from cem_service.planners.plan import STEP

DAY = timedelta(days=1)
# Below this panels give next to nothing, and what they give says nothing of noon.
LEAST_IRRADIANCE = 20.0
# Four hours of sun.
LEAST_QUARTERS = 16
# Where there is no day before to compare with, the mean error may be this part of the mean power.
LARGEST_ERROR_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class SunFactor:
    """W for each W/m², below zero: what is expected, and the levels of QUANTILES, shape (3,)."""

    expected: float
    quantiles: Array


def forecast_sunshine(
    history: Mapping[datetime, float], irradiance: FeedSeries | None, horizon: Horizon, otherwise: Forecast
) -> Forecast | None:
    """What the feed promises, and `otherwise` where it has a hole; None where there is nothing to go by."""
    if irradiance is None or not irradiance.is_usable(horizon.now):
        return None
    factor = learned_factor(history, irradiance)
    if factor is None:
        return None
    shines = irradiance.means(horizon.edges)
    known = ~np.isnan(shines)
    return Forecast(
        ForecastSource.WEATHER,
        np.where(known, factor.expected * shines, otherwise.power_w),
        np.where(known, factor.quantiles[:, None] * shines, otherwise.quantiles_w),
        irradiance.fetched_at,
    )


def learned_factor(history: Mapping[datetime, float], irradiance: FeedSeries) -> SunFactor | None:
    """None where the past does not show that there is such a factor."""
    starts = sorted(history)
    if not starts:
        return None
    powers = np.array([history[start] for start in starts])
    shone = _at(starts, irradiance)
    sunny = shone > LEAST_IRRADIANCE  # False for NaN as well.
    if sunny.sum() < LEAST_QUARTERS:
        return None
    factor = float(powers[sunny] @ shone[sunny] / (shone[sunny] @ shone[sunny]))
    error = float(np.abs(powers[sunny] - factor * shone[sunny]).mean())
    if factor >= 0 or error >= _error_to_beat(starts, powers, sunny, history):
        return None
    return SunFactor(factor, _quantiles(powers[sunny] / shone[sunny], shone[sunny]))


def _quantiles(values: Array, weights: Array) -> Array:
    """Of QUANTILES; bright hours, in which a small difference is many watts, weigh more."""
    order = np.argsort(values)
    below = np.cumsum(weights[order]) - weights[order] / 2
    quantiles: Array = np.interp(QUANTILES, below / weights.sum(), values[order])
    return quantiles


def _at(starts: list[datetime], irradiance: FeedSeries) -> Array:
    """The mean of each quarter hour, W/m²; NaN where it is not known."""
    edges = np.array([[start.timestamp(), (start + STEP).timestamp()] for start in starts])
    # Stretches between two quarter hours are computed too, and left out.
    means: Array = irradiance.means(np.unique(edges))
    return means[np.searchsorted(np.unique(edges), edges[:, 0])]


def _error_to_beat(
    starts: list[datetime], powers: Array, sunny: NDArray[np.bool_], history: Mapping[datetime, float]
) -> float:
    """The mean error of the day before repeated; without one, a part of the mean power."""
    pairs = [
        abs(power - history[start - DAY])
        for start, power, shines in zip(starts, powers, sunny, strict=True)
        if shines and start - DAY in history
    ]
    if len(pairs) >= LEAST_QUARTERS:
        return float(np.mean(pairs))
    return LARGEST_ERROR_SHARE * float(np.abs(powers[sunny]).mean())
