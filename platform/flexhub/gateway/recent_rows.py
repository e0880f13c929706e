"""The rows that Redis took lately. Until a worker has stored them, Redis is the only one to have them.

A worker comes for them every second. Redis that comes back empty in between has lost what was acknowledged, so a
process that finds its lease gone writes the last rows once more. Whoever stores them knows those that are stored.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple


class _Taken(NamedTuple):
    at_s: float
    telemetry: Sequence[str]
    ledger: Sequence[str]

    def __len__(self) -> int:
        return len(self.telemetry) + len(self.ledger)


class RecentRows:
    """Encoded rows of the last `keep_s`, and `most` of them at most; the oldest go first."""

    __slots__ = ("_keep_s", "_most", "_size", "_taken")

    def __init__(self, *, keep_s: float, most: int) -> None:
        self._keep_s = keep_s
        self._most = most
        self._size = 0
        self._taken: deque[_Taken] = deque()

    def __len__(self) -> int:
        return self._size

    def add(self, telemetry: Sequence[str], ledger: Sequence[str], now_s: float) -> None:
        """Redis has these now; neither list may change any more."""
        taken = _Taken(now_s, telemetry, ledger)
        if len(taken):
            self._taken.append(taken)
            self._size += len(taken)
        while self._taken and (self._size > self._most or self._taken[0].at_s <= now_s - self._keep_s):
            self._size -= len(self._taken.popleft())

    def take(self) -> tuple[list[str], list[str]]:
        """All that there are, telemetry and ledger, in their order; they are forgotten here."""
        taken, self._taken, self._size = self._taken, deque(), 0
        telemetry = [row for each in taken for row in each.telemetry]
        return telemetry, [row for each in taken for row in each.ledger]
