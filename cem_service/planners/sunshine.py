"""What panels give by the irradiance that a weather feed forecasts.

Panels give in proportion to what shines on them, near enough, and the factor is in their own past: their quarter-hour
means against the irradiance of the same quarter hours. Shade, snow or a forecast for another hill spoil that, so the
factor is used only where it explains the past better than the day before repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from cem_service.domain.feed import FeedSeries
from cem_service.domain.series import Array
from cem_service.planners.horizon import Horizon
from cem_service.planners.plan import STEP

DAY = timedelta(days=1)
# Below this panels give next to nothing, and what they give says nothing of noon.
LEAST_IRRADIANCE = 20.0
# Four hours of sun.
LEAST_QUARTERS = 16
# Where there is no day before to compare with, the mean error may be this part of the mean power.
LARGEST_ERROR_SHARE = 0.3


def forecast_sunshine(
    history: Mapping[datetime, float], irradiance: FeedSeries | None, horizon: Horizon, otherwise: Array
) -> Array:
    """Power of each step in W; `otherwise` where the feed is silent, or has not shown that it is the better one."""
    if irradiance is None or not irradiance.is_usable(horizon.now):
        return otherwise
    factor = learned_factor(history, irradiance)
    if factor is None:
        return otherwise
    expected = factor * irradiance.means(horizon.edges)
    result: Array = np.where(np.isnan(expected), otherwise, expected)
    return result


def learned_factor(history: Mapping[datetime, float], irradiance: FeedSeries) -> float | None:
    """W for each W/m², below zero; None where the past does not show that there is such a factor."""
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
    return factor if factor < 0 and error < _error_to_beat(starts, powers, sunny, history) else None


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
