"""When sessions want to be woken: one heap for the process instead of one timer for each session.

Sessions move their deadlines at every acknowledgement. Entries are therefore never taken out of the heap; an entry
whose moment is no longer its session's is dropped, or put back, when it comes up.
"""

from __future__ import annotations

import heapq
from datetime import datetime
from itertools import count
from typing import Generic, Protocol, TypeVar


class Timed(Protocol):
    """What has deadlines. `wake_at` is the moment of its earliest entry in the heap and belongs to Deadlines."""

    wake_at: datetime | None

    def next_deadline(self) -> datetime | None: ...


T = TypeVar("T", bound=Timed)


class Deadlines(Generic[T]):
    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, T]] = []
        self._order = count()

    def __len__(self) -> int:
        return len(self._heap)

    def note(self, timed: T) -> None:
        """Call after anything that may have moved `timed`'s deadline. Cheap when it did not come closer."""
        deadline = timed.next_deadline()
        if deadline is None or (timed.wake_at is not None and timed.wake_at <= deadline):
            return
        timed.wake_at = deadline
        heapq.heappush(self._heap, (deadline, next(self._order), timed))

    def due(self, now: datetime) -> list[T]:
        """Those whose deadline has passed, each once. The caller lets them act and notes them again."""
        ready: list[T] = []
        while self._heap and self._heap[0][0] <= now:
            moment, _, timed = heapq.heappop(self._heap)
            if timed.wake_at != moment:
                continue
            timed.wake_at = None
            deadline = timed.next_deadline()
            if deadline is None:
                continue
            if deadline <= now:
                ready.append(timed)
            else:
                self.note(timed)
        return ready
