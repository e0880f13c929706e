"""Values that are constant over consecutive stretches of time, as S2 forecasts and profiles are (R-33)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_NOTHING = np.zeros(1)


@dataclass(frozen=True, slots=True)
class StepSeries:
    """`values[k]` holds from `edges[k]` to `edges[k + 1]`; edges are seconds since the epoch and ascend."""

    edges: Array
    values: Array

    @classmethod
    def consecutive(cls, start: datetime, pieces: Iterable[tuple[int, float]]) -> Self:
        """Pieces of (duration in ms, value), each beginning where the one before ends. Empty pieces are dropped."""
        kept = [(duration_ms / 1000.0, value) for duration_ms, value in pieces if duration_ms > 0]
        edges = np.zeros(len(kept) + 1)
        np.array([duration_s for duration_s, _ in kept], dtype=np.float64).cumsum(out=edges[1:])
        edges += start.timestamp()
        return cls(edges, np.array([value for _, value in kept], dtype=np.float64))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self | None:
        """Parts that follow each other as one series, with 0 between them; None where two of them overlap."""
        if len(parts) == 1:
            return parts[0]
        if any(before.edges[-1] > after.edges[0] for before, after in pairwise(parts)):
            return None
        values = [piece for part in parts for piece in (part.values, _NOTHING)][:-1]
        return cls(np.concatenate([part.edges for part in parts]), np.concatenate(values))

    def means(self, edges: Array, outside: float) -> Array:
        """The mean over each stretch between two of `edges`; `outside` counts where the series says nothing."""
        if self.values.size == 0:
            return np.full(edges.size - 1, outside)
        # The integral of the difference to `outside` is flat outside the series, which is how np.interp extends it.
        integral = np.zeros(self.edges.size)
        ((self.values - outside) * (self.edges[1:] - self.edges[:-1])).cumsum(out=integral[1:])
        at_edges = np.interp(edges, self.edges, integral)
        means = (at_edges[1:] - at_edges[:-1]) / np.maximum(edges[1:] - edges[:-1], 1e-9) + outside
        # Cancellation in the integral must not carry a mean beyond the values that it is the mean of.
        lowest, highest = min(self.values.min(), outside), max(self.values.max(), outside)
        result: Array = np.minimum(np.maximum(means, lowest), highest)
        return result

    def extremes(self, edges: Array, outside: float, *, highest: bool) -> Array:
        """The highest (or lowest) value that holds anywhere in each stretch; `outside` where none does."""
        result = np.full(edges.size - 1, outside)
        pick = np.maximum if highest else np.minimum
        firsts = np.searchsorted(edges, self.edges[:-1], side="right") - 1
        lasts = np.searchsorted(edges, self.edges[1:], side="left")
        for first, last, value in zip(firsts.tolist(), lasts.tolist(), self.values.tolist(), strict=True):
            stretch = result[max(first, 0) : last]
            stretch[:] = np.where(stretch == outside, value, pick(stretch, value))
        return result
