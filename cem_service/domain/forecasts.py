"""Forecasts as values: where each comes from, how sure it is, and what was said to be judged by later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

import numpy as np

from cem_service.domain.series import Array
from cem_service.domain.usual_day import QUANTILES, UsualDay


class ForecastSource(StrEnum):
    """What a forecast is made from. `label` is how people are told."""

    DEVICE = "device"
    WEATHER = "weather"
    USUAL_DAY = "usual_day"
    PERSISTENCE = "persistence"
    DAYLIGHT = "daylight"
    PRESENT = "present"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS = {
    ForecastSource.DEVICE: "the device's own forecast",
    ForecastSource.WEATHER: "the weather",
    ForecastSource.USUAL_DAY: "the usual day",
    ForecastSource.PERSISTENCE: "the day before repeated",
    ForecastSource.DAYLIGHT: "the hours of daylight",
    ForecastSource.PRESENT: "what was measured so far",
}


@dataclass(frozen=True, slots=True)
class Forecast:
    """`power_w` is the expected mean of each step, shape (steps,); `quantiles_w` its QUANTILES, shape (3, steps).

    `as_of` is when the newest of what it rests on was known; None where nobody says.
    """

    source: ForecastSource
    power_w: Array
    quantiles_w: Array
    as_of: datetime | None

    @property
    def errors_of_the_sun_w(self) -> Array:
        """By how much the quantiles differ from what is expected to be fed in, shape (3, steps).

        0 in steps that draw: only the sun errs in one direction all day.
        """
        feeds_in = self.power_w < 0.0
        errors: Array = np.where(feeds_in, np.minimum(self.quantiles_w, 0.0) - self.power_w, 0.0)
        return errors

    @classmethod
    def certain(cls, source: ForecastSource, power_w: Array, as_of: datetime | None) -> Self:
        """One that says nothing of how sure it is: all its quantiles are the same."""
        return cls(source, power_w, np.broadcast_to(power_w, (len(QUANTILES), power_w.size)), as_of)


# By link; that of the base load is under None.
Forecasts = Mapping[UUID | None, Forecast]


@dataclass(frozen=True, slots=True)
class SaidForecasts:
    """What each source said of the quarter hours from `start` on, kept until they are over and can be judged."""

    start: datetime
    forecasts: tuple[Forecast, ...]

    def as_dict(self) -> dict[str, Any]:
        said = {
            one.source.value: [np.round(row).tolist() for row in (one.power_w, *one.quantiles_w)]
            for one in self.forecasts
        }
        return {"start": self.start.isoformat(), "said": said}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `as_dict`, up to rounding. Raises KeyError, TypeError or ValueError on anything else."""
        start = datetime.fromisoformat(data["start"])
        return cls(start, tuple(_read(ForecastSource(name), rows, start) for name, rows in data["said"].items()))


def _read(source: ForecastSource, rows: Any, start: datetime) -> Forecast:
    power_w, *quantiles_w = np.array(rows, dtype=np.float64).reshape(1 + len(QUANTILES), -1)
    return Forecast(source, power_w, np.array(quantiles_w), start)


@dataclass(frozen=True, slots=True)
class Learned:
    """What is known of one series of a site: its usual day, and which sources have earned trust, the best first."""

    usual_day: UsualDay | None = None
    trusted: tuple[ForecastSource, ...] = ()
    learned_at: datetime | None = None


NOTHING_LEARNED = Learned()
