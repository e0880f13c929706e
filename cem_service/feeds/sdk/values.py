"""The values that a provider's folder and the framework hand to each other. All are immutable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Self

import numpy as np

from cem_service.domain.feed import SeriesKind
from cem_service.domain.series import StepSeries
from cem_service.feeds.sdk.errors import Malformed

# Ten days of quarter hours: a plan looks ahead one day, and a row must stay small.
MOST_PIECES = 1_000

#: From when to when, and the value that holds there; None where the provider says that it has none.
Piece = tuple[datetime, datetime, float | None]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a provider: the settings of the feed, its credential, and for which time. Aware, in UTC."""

    settings: Mapping[str, Any]
    credential: str = field(repr=False)
    start: datetime
    end: datetime

    def number(self, name: str) -> float | None:
        value = self.settings.get(name)
        return None if value is None else float(value)


@dataclass(frozen=True, slots=True)
class Series:
    """What a provider says about one kind of value, in the unit of its kind; between two pieces nothing is known."""

    kind: SeriesKind
    steps: StepSeries

    @classmethod
    def of(cls, kind: SeriesKind, pieces: Iterable[Piece], *, field: str) -> Self:
        """Raises Malformed, naming `field`, when pieces overlap, end before they begin, or are too many."""
        ordered = sorted(pieces, key=lambda piece: piece[0])
        if len(ordered) > MOST_PIECES:
            raise Malformed(field, f"has more than {MOST_PIECES} values")
        if any(end <= start for start, end, _ in ordered):
            raise Malformed(field, "has a value that ends before it begins")
        for (_, end, _), (start, _, _) in pairwise(ordered):
            if start < end:
                raise Malformed(field, f"has two values for {start:%Y-%m-%dT%H:%MZ}")
        return cls(kind, _steps(ordered))

    @property
    def ends_at(self) -> datetime | None:
        """When the last known value ends; None where there is no value at all."""
        known = np.flatnonzero(~np.isnan(self.steps.values))
        return datetime.fromtimestamp(float(self.steps.edges[known[-1] + 1]), UTC) if known.size else None

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON types; null is a value that is missing."""
        values = [None if np.isnan(value) else round(float(value), 6) for value in self.steps.values]
        return {"edges_s": [float(edge) for edge in self.steps.edges], "values": values}

    @classmethod
    def from_dict(cls, kind: SeriesKind, data: Mapping[str, Any]) -> Self:
        """The inverse of `as_dict`. Raises KeyError, TypeError or ValueError on anything else."""
        values = np.array([np.nan if value is None else float(value) for value in data["values"]], dtype=np.float64)
        edges = np.array(data["edges_s"], dtype=np.float64)
        if edges.size != (values.size + 1 if values.size else 0) or not (np.diff(edges) > 0).all():
            raise ValueError("edges and values do not belong together")
        return cls(kind, StepSeries(edges, values))


def repeated(values: Iterable[tuple[datetime, float | None]], step: timedelta) -> list[Piece]:
    """Pieces that last one step each."""
    return [(start, start + step, value) for start, value in values]


def _steps(pieces: list[Piece]) -> StepSeries:
    """With a piece of NaN for each gap between two."""
    edges: list[float] = []
    values: list[float] = []
    for start, end, value in pieces:
        if edges and start.timestamp() > edges[-1]:
            values.append(np.nan)
            edges.append(start.timestamp())
        if not edges:
            edges.append(start.timestamp())
        values.append(np.nan if value is None else value)
        edges.append(end.timestamp())
    return StepSeries(np.array(edges, dtype=np.float64), np.array(values, dtype=np.float64))
