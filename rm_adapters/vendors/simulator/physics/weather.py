"""A sun and an outside temperature that are the same every day, and the minutes in which they do not change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import cos, pi, sin

_MINUTE = timedelta(minutes=1)


def sun(moment: datetime) -> float:
    """The share of the peak that a roof yields, 0 to 1: from six to six, most at noon."""
    return max(0.0, sin(pi * (_hour(moment) - 6.0) / 12.0))


def outside_c(moment: datetime) -> float:
    """Coldest at three in the morning, warmest at three in the afternoon."""
    return 5.0 - 4.0 * cos(2.0 * pi * (_hour(moment) - 3.0) / 24.0)


def minutes(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The time between the two, cut at the full minutes."""
    while start < end:
        stop = min(end, minute_of(start) + _MINUTE)
        yield start, stop
        start = stop


def minute_of(moment: datetime) -> datetime:
    """The full minute that the moment is in."""
    return moment.replace(second=0, microsecond=0)


def _hour(moment: datetime) -> float:
    return moment.hour + moment.minute / 60.0
