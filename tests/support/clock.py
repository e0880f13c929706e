"""A clock that stands still until a test moves it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from flexhub.clock import Clock


@dataclass(slots=True)
class SettableTime:
    """Stands for `time.time`."""

    value_s: float = 0.0

    def __call__(self) -> float:
        return self.value_s


@dataclass(frozen=True, slots=True)
class FixedClock(Clock):
    """`advance()` moves it by seconds of its own time, whatever its factor."""

    real_time: Callable[[], float]

    @classmethod
    def at(cls, moment: datetime = datetime(2026, 4, 21, 10, 0, tzinfo=UTC), *, factor: float = 1.0) -> Self:
        return cls(origin=moment, real_origin_s=0.0, factor=factor, real_time=SettableTime())

    def advance(self, seconds: float) -> None:
        # `at()` is the only maker, so the time is one that can be set.
        assert isinstance(self.real_time, SettableTime)
        self.real_time.value_s += seconds / self.factor
