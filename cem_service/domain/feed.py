"""What a feed tells a site: prices, grid carbon, weather, limits, each with its age and its holes.

A feed is somebody else's word on the outside world, and it may be late, old or full of holes. None of these stops a
plan: each reader has something to fall back on, and asks here what it has to do so for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import numpy as np

from cem_service.domain.series import Array, StepSeries

# An answer that is this many periods old should have been replaced twice.
LATE_AFTER_PERIODS = 2
# Below this share of a stretch without a value, the difference is rounding.
_WHOLE = 1.0 - 1e-6


class SeriesKind(StrEnum):
    """What a series holds; `unit` is that of its values."""

    PRICE = "price"
    EXPORT_PRICE = "export_price"
    GRID_CARBON = "grid_carbon"
    IRRADIANCE = "irradiance"
    TEMPERATURE = "temperature"
    IMPORT_LIMIT = "import_limit"
    EXPORT_LIMIT = "export_limit"

    @property
    def unit(self) -> str:
        return _UNITS[self]

    @property
    def label(self) -> str:
        """As people say it, in the plural, at the beginning of a sentence."""
        return _LABELS[self]


# A limit that is not given is none, and so a series of limits has no holes.
LIMITS = frozenset({SeriesKind.IMPORT_LIMIT, SeriesKind.EXPORT_LIMIT})
_UNITS = {
    SeriesKind.PRICE: "EUR/kWh",
    SeriesKind.EXPORT_PRICE: "EUR/kWh",
    SeriesKind.GRID_CARBON: "g/kWh",
    SeriesKind.IRRADIANCE: "W/m²",
    SeriesKind.TEMPERATURE: "°C",
    SeriesKind.IMPORT_LIMIT: "W",
    SeriesKind.EXPORT_LIMIT: "W",
}
_LABELS = {
    SeriesKind.PRICE: "Prices",
    SeriesKind.EXPORT_PRICE: "Prices of feeding in",
    SeriesKind.GRID_CARBON: "Values of grid carbon",
    SeriesKind.IRRADIANCE: "Values of irradiance",
    SeriesKind.TEMPERATURE: "Temperatures",
    SeriesKind.IMPORT_LIMIT: "Limits of import",
    SeriesKind.EXPORT_LIMIT: "Limits of export",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSeries:
    """The last good answer of a feed about one kind of value, in the unit of its kind.

    `source` is what people call the feed. A value that is NaN is missing, and so is all outside the series.
    `fetched_at` is when the answer came, None before the first one; one older than `valid_for` is not used any more.
    `every` is how often a new one is expected.
    """

    source: str
    kind: SeriesKind
    steps: StepSeries
    fetched_at: datetime | None
    every: timedelta
    valid_for: timedelta

    def age(self, now: datetime) -> timedelta | None:
        return None if self.fetched_at is None else now - self.fetched_at

    def is_usable(self, now: datetime) -> bool:
        age = self.age(now)
        return age is not None and age <= self.valid_for

    def is_late(self, now: datetime) -> bool:
        age = self.age(now)
        return age is not None and age > LATE_AFTER_PERIODS * self.every

    def means(self, edges: Array) -> Array:
        """The mean over each stretch between two of `edges`, seconds since the epoch; NaN where a part is missing."""
        known = ~np.isnan(self.steps.values)
        covered = StepSeries(self.steps.edges, known.astype(np.float64)).means(edges, 0.0)
        filled = StepSeries(self.steps.edges, np.where(known, self.steps.values, 0.0)).means(edges, 0.0)
        means: Array = np.where(covered >= _WHOLE, filled, np.nan)
        return means

    def lowest(self, edges: Array) -> Array:
        """The lowest value that holds anywhere in each stretch; infinite where none does. For limits."""
        values = np.where(np.isnan(self.steps.values), np.inf, self.steps.values)
        return StepSeries(self.steps.edges, values).extremes(edges, np.inf, highest=False)

    def usable_means(self, edges: Array, now: datetime) -> Array:
        """As `means`; nothing at all from an answer that is too old."""
        return self.means(edges) if self.is_usable(now) else np.full(edges.size - 1, np.nan)


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFeeds:
    """What the site follows. None: it follows no feed for that, and nothing is missing."""

    import_price: FeedSeries | None = None
    export_price: FeedSeries | None = None
    grid_carbon: FeedSeries | None = None
    irradiance: FeedSeries | None = None
    temperature: FeedSeries | None = None
    import_limit: FeedSeries | None = None
    export_limit: FeedSeries | None = None

    def followed(self) -> Iterator[FeedSeries]:
        for field in fields(self):
            series = getattr(self, field.name)
            if series is not None:
                yield series


NO_FEEDS = SiteFeeds()


def missing_stretches(means: Array, edges: Array) -> list[tuple[datetime, datetime]]:
    """From when to when no mean is known, each stretch as long as it goes on."""
    unknown = np.concatenate(([False], np.isnan(means), [False])).astype(np.int8)
    change = np.diff(unknown)
    moments = [datetime.fromtimestamp(float(edge), UTC) for edge in edges]
    starts, ends = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
    return [(moments[start], moments[end]) for start, end in zip(starts, ends, strict=True)]
