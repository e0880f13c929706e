"""How good forecasts were: what was said of a day before it began, against what then was measured.

nMAE: the mean absolute error as a share of the mean absolute power. Pinball: the mean loss over the levels of
`QUANTILES`, as a share of the same; it also judges whether a forecast was rightly sure of itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from cem_service.domain.forecasts import ForecastSource, SaidForecasts
from cem_service.domain.series import Array
from cem_service.domain.usual_day import QUANTILES
from cem_service.planners.learned import LEARNED_SOURCES
from cem_service.planners.plan import STEP

# A day of which less is known is not judged.
LEAST_STEPS = 48
# A source is used once it was judged on so many days together with the floor.
LEAST_DAYS = 3


@dataclass(frozen=True, slots=True)
class Score:
    """Of one source over one day. `steps` is how many of its quarter hours are known, `mean_w` what was measured."""

    source: ForecastSource
    start: datetime
    steps: int
    mean_w: float
    nmae: float
    pinball: float


@dataclass(frozen=True, slots=True)
class RunningScore:
    """Over several days: of all energy, so that a day on which next to nothing flowed weighs next to nothing."""

    days: int
    nmae: float
    pinball: float

    @classmethod
    def of(cls, scores: Iterable[Score]) -> RunningScore | None:
        days = list(scores)
        total = sum(one.mean_w for one in days)
        if total <= 0:
            return None
        nmae, pinball = (sum(getattr(one, name) * one.mean_w for one in days) / total for name in ("nmae", "pinball"))
        return cls(len(days), nmae, pinball)


def judge(said: SaidForecasts, history: Mapping[datetime, float]) -> Iterator[Score]:
    """Nothing where too little is known of the day, or where nothing flowed."""
    for forecast in said.forecasts:
        actual = [history.get(said.start + step * STEP) for step in range(forecast.power_w.size)]
        known = np.array([value is not None for value in actual])
        measured_w = np.array([value or 0.0 for value in actual])[known]
        if known.sum() >= LEAST_STEPS and np.any(measured_w):
            yield Score(
                source=forecast.source,
                start=said.start,
                steps=int(known.sum()),
                mean_w=float(np.abs(measured_w).mean()),
                nmae=nmae(forecast.power_w[known], measured_w),
                pinball=pinball(forecast.quantiles_w[:, known], measured_w),
            )


def nmae(forecast_w: Array, actual_w: Array) -> float:
    return float(np.abs(forecast_w - actual_w).sum() / np.abs(actual_w).sum())


def pinball(quantiles_w: Array, actual_w: Array) -> float:
    """`quantiles_w` has shape (3, steps)."""
    short = actual_w - quantiles_w
    levels = np.array(QUANTILES)[:, None]
    loss = np.maximum(levels * short, (levels - 1.0) * short)
    return float(loss.mean() / np.abs(actual_w).mean())


def trusted(scores: Iterable[Score]) -> tuple[ForecastSource, ...]:
    """The learned sources that beat the floor on the days on which both were judged, the best first."""
    by_source: dict[ForecastSource, dict[datetime, Score]] = {}
    for score in scores:
        by_source.setdefault(score.source, {})[score.start] = score
    floor = by_source.get(ForecastSource.PERSISTENCE, {})
    shares = {source: _share_of(by_source.get(source, {}), floor) for source in LEARNED_SOURCES}
    better = {source: share for source, share in shares.items() if share is not None}
    return tuple(sorted(better, key=lambda source: better[source]))


def _share_of(scores: Mapping[datetime, Score], floor: Mapping[datetime, Score]) -> float | None:
    """The error as a share of the floor's; None where it is not below in both ways of counting, or on few days."""
    both = scores.keys() & floor.keys()
    own, other = (RunningScore.of(days[start] for start in both) for days in (scores, floor))
    if own is None or other is None or own.days < LEAST_DAYS:
        return None
    return own.nmae / other.nmae if own.nmae < other.nmae and own.pinball < other.pinball else None
