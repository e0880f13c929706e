"""Durations as counts in buckets of a fixed number, which grow with the duration.

A bucket is at most 1/32 as wide as the durations in it, so a percentile is at most that much too high and never too
low. Two histograms add up to that of all durations, whatever process measured them.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from math import ceil

# Each power of two microseconds has so many buckets, as a power of two.
_FINENESS = 5
_BUCKETS = 1024
# 19 hours; what takes longer is counted as this.
_LONGEST_US = (1 << 36) - 1


class Histogram:
    """All durations in seconds. `longest_s` is exact."""

    __slots__ = ("_counts", "count", "longest_s")

    def __init__(self) -> None:
        self._counts = array("Q", bytes(8 * _BUCKETS))
        self.count = 0
        self.longest_s = 0.0

    def add(self, duration_s: float) -> None:
        """A negative duration, as of a clock that was set back, counts as none."""
        self._counts[_bucket(duration_s)] += 1
        self.count += 1
        self.longest_s = max(self.longest_s, duration_s)

    def merge(self, other: Histogram) -> None:
        for index, count in enumerate(other._counts):
            if count:
                self._counts[index] += count
        self.count += other.count
        self.longest_s = max(self.longest_s, other.longest_s)

    def percentile(self, share: float) -> float:
        """The duration that `share` (0 to 1) of all do not exceed, by nearest rank; 0 where there are none."""
        rank = max(1, ceil(share * self.count))
        seen = 0
        for index, count in enumerate(self._counts):
            seen += count
            if count and seen >= rank:
                return min(_upper_end_s(index), self.longest_s)
        return 0.0

    def as_dict(self) -> dict[str, object]:
        """For another process: the buckets that hold anything."""
        buckets = [[index, count] for index, count in enumerate(self._counts) if count]
        return {"longest_s": self.longest_s, "buckets": buckets}

    @classmethod
    def of(cls, longest_s: float, buckets: Iterable[tuple[int, int]]) -> Histogram:
        """The inverse of `as_dict`."""
        made = cls()
        made.longest_s = longest_s
        for index, count in buckets:
            made._counts[index] = count
            made.count += count
        return made


def _bucket(duration_s: float) -> int:
    micros = min(max(int(duration_s * 1e6), 0), _LONGEST_US)
    shift = max(0, micros.bit_length() - _FINENESS - 1)
    return (shift << _FINENESS) + (micros >> shift)


def _upper_end_s(index: int) -> float:
    shift = max(0, (index >> _FINENESS) - 1)
    return ((index - (shift << _FINENESS) + 1) << shift) / 1e6
