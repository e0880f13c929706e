"""Which forecast a plan stood on and how good such forecasts have been, in English. Pure."""

from __future__ import annotations

from datetime import timedelta

from cem_service.domain.forecasts import ForecastSource
from cem_service.planners.scores import RunningScore

_MINUTES_UNTIL_HOURS = 120
_OF_NOW = "its power of the moment"


def basis(source: ForecastSource, age: timedelta | None) -> str:
    """Such as: the weather, 20 min old."""
    label = _OF_NOW if source is ForecastSource.PRESENT else source.label
    return label if age is None else f"{label}, {_in_words(age)} old"


def judgement(source: ForecastSource, own: RunningScore | None, floor: RunningScore | None) -> str:
    """How far off the source was on average, and how far repeating the day before would have been."""
    if own is None:
        return "It has not been judged yet."
    days = "the last day" if own.days == 1 else f"the last {own.days} days that were judged"
    text = f"Over {days} it was off by {own.nmae:.0%} of the mean power"
    if source is ForecastSource.PERSISTENCE or floor is None:
        return f"{text}."
    return f"{text}; {ForecastSource.PERSISTENCE.label} was off by {floor.nmae:.0%}."


def _in_words(age: timedelta) -> str:
    minutes = max(int(age.total_seconds()) // 60, 0)
    return f"{minutes} min" if minutes < _MINUTES_UNTIL_HOURS else f"{minutes // 60} h"
