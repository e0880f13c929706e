"""Forecasts learned from the past of a series, and the choice among them.

A source is used only once it was better than the day before repeated on days that had not come when it spoke; see
`scores`. Where it has nothing to say, the next best takes its place, and at last the floor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from cem_service.domain.feed import FeedSeries
from cem_service.domain.forecasts import Forecast, ForecastSource, Learned
from cem_service.planners.horizon import Horizon
from cem_service.planners.plan import STEP
from cem_service.planners.sunshine import forecast_sunshine
from cem_service.planners.usual_day import forecast_usual, quantiles_around


@dataclass(frozen=True, slots=True)
class Series:
    """`history` in W by the start of each quarter hour; `irradiance` where the site follows the weather."""

    history: Mapping[datetime, float]
    learned: Learned
    irradiance: FeedSeries | None

    def best(self, floor: Forecast, horizon: Horizon) -> Forecast:
        """What has earned trust, each filled up by the one after it; the floor where nothing has."""
        best = floor
        for source in reversed(self.learned.trusted):
            best = _SOURCES[source](self, best, horizon) or best
        return best

    def each(self, floor: Forecast, horizon: Horizon) -> Iterator[Forecast]:
        """What every source says by itself, trusted or not."""
        for source in _SOURCES.values():
            if (forecast := source(self, floor, horizon)) is not None:
                yield forecast


def known_until(history: Mapping[datetime, float]) -> datetime | None:
    return max(history) + STEP if history else None


def _weather(series: Series, otherwise: Forecast, horizon: Horizon) -> Forecast | None:
    return forecast_sunshine(series.history, series.irradiance, horizon, otherwise)


def _usual_day(series: Series, _: Forecast, horizon: Horizon) -> Forecast | None:
    usual = series.learned.usual_day
    if usual is None:
        return None
    expected_w = forecast_usual(usual, series.history, horizon)
    as_of = known_until(series.history)
    return Forecast(ForecastSource.USUAL_DAY, expected_w, quantiles_around(usual, expected_w, horizon), as_of)


_SOURCES: Mapping[ForecastSource, Callable[[Series, Forecast, Horizon], Forecast | None]] = {
    ForecastSource.WEATHER: _weather,
    ForecastSource.USUAL_DAY: _usual_day,
}
# What has to earn trust before a plan uses it.
LEARNED_SOURCES = tuple(_SOURCES)
