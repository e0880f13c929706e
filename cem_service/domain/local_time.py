"""Where moments lie in the week of those who live by the local clock: what prices and habits go by."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from flexhub.telemetry.quarters import quarter_start

SATURDAY = 5  # as datetime.weekday() has it

Places = NDArray[np.intp]


def places_in_week(moments: Iterable[datetime], timezone: str) -> tuple[Places, Places]:
    """(1 on a weekend, the quarter hour of the local day) of each moment."""
    zone = ZoneInfo(timezone)
    local = [moment.astimezone(UTC).astimezone(zone) for moment in moments]
    weekends = np.array([moment.weekday() >= SATURDAY for moment in local], dtype=np.intp)
    quarters = np.array([moment.hour * 4 + moment.minute // 15 for moment in local], dtype=np.intp)
    return weekends, quarters


def places_of_steps(start: datetime, steps: int, step: timedelta, timezone: str) -> tuple[Places, Places]:
    """The same of the start of each step; `step` is a whole number of quarter hours. The arrays are read-only.

    Steps advance in elapsed time, so a day with 23 or 25 local hours needs no special case: the local clock is looked
    at afresh for each step.
    """
    return _of_steps(quarter_start(start), steps, step, timezone)


# All homes of a zone ask for the same in a quarter hour, for a plan as for a look.
@lru_cache(maxsize=64)
def _of_steps(start: datetime, steps: int, step: timedelta, timezone: str) -> tuple[Places, Places]:
    places = places_in_week((start + index * step for index in range(steps)), timezone)
    for each in places:
        each.flags.writeable = False
    return places
