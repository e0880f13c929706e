"""Which forecast a plan stands on, and how good such forecasts have been, as data that can be told in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from cem_service.domain.forecasts import ForecastSource
from cem_service.domain.reason import Figure, Reason, ReasonCode
from cem_service.planners.scores import RunningScore


def basis(source: ForecastSource, age: timedelta | None) -> Reason:
    figures: dict[str, Figure] = {"forecast": source.value}
    if age is not None:
        # A clock that was set back makes nothing younger than new.
        figures["age_s"] = max(age.total_seconds(), 0.0)
    return Reason(ReasonCode.FORECAST, figures=figures)


def judgement(source: ForecastSource, running: Mapping[ForecastSource, RunningScore]) -> Reason:
    """How far off the source was on average, and how far repeating the day before would have been."""
    own, floor = running.get(source), running.get(ForecastSource.PERSISTENCE)
    if own is None:
        return Reason(ReasonCode.FORECAST_NEW)
    figures: dict[str, Figure] = {"days": float(own.days), "off_by": own.nmae}
    if floor is not None and source is not ForecastSource.PERSISTENCE:
        figures["floor_off_by"] = floor.nmae
    return Reason(ReasonCode.FORECAST_SCORE, figures=figures)
