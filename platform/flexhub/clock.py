"""One clock for the whole hub, passed in wherever time matters.

In production it is the system's clock. In the demo a factor makes simulated time run faster, for devices and
energy managers alike: both compute it from the same origin, so no message is needed to keep them in step.

What runs on this clock: everything that S2 messages speak of (timestamps, durations, deadlines of a session,
plans). What does not: leases, socket pings and pauses between polls, which guard real machines.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta


class ClockError(ValueError):
    """The text does not describe a clock."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Maps real seconds since the epoch to the hub's time: `origin + (real - real_origin_s) * factor`."""

    origin: datetime
    real_origin_s: float
    factor: float
    real_time: Callable[[], float] = field(default=time.time, repr=False, compare=False)

    @classmethod
    def system(cls) -> Clock:
        return cls(origin=datetime.fromtimestamp(0, UTC), real_origin_s=0.0, factor=1.0)

    @classmethod
    def starting_at(cls, origin: datetime, *, factor: float) -> Clock:
        """A clock that shows `origin` now and runs `factor` times as fast as real time."""
        return cls(origin=origin, real_origin_s=time.time(), factor=factor)

    @classmethod
    def parse(cls, text: str) -> Clock:
        """Read `system`, or `<origin>@<real origin in epoch seconds>x<factor>` as `str()` writes it.

        Raises ClockError.
        """
        if text == "system":
            return cls.system()
        try:
            origin_text, _, rest = text.partition("@")
            real_text, _, factor_text = rest.partition("x")
            origin, real_origin_s, factor = datetime.fromisoformat(origin_text), float(real_text), float(factor_text)
            is_clock = factor > 0 and origin.tzinfo is not None
        except ValueError:
            is_clock = False
        if not is_clock:
            raise ClockError(f"{text!r} is neither 'system' nor like '2026-04-21T10:00:00+00:00@1766000000.0x60'")
        return cls(origin=origin.astimezone(UTC), real_origin_s=real_origin_s, factor=factor)

    def __str__(self) -> str:
        if self == Clock.system():
            return "system"
        return f"{self.origin.isoformat()}@{self.real_origin_s!r}x{self.factor!r}"

    def now(self) -> datetime:
        return self.origin + timedelta(seconds=(self.real_time() - self.real_origin_s) * self.factor)

    def shown_at(self, moment: datetime) -> datetime:
        """What this clock showed at a real moment, such as PostgreSQL writes it down."""
        return self.origin + timedelta(seconds=(moment.timestamp() - self.real_origin_s) * self.factor)

    def real_seconds(self, duration: timedelta) -> float:
        """How long `duration` of this clock takes in real seconds."""
        return duration.total_seconds() / self.factor

    def real_seconds_until(self, moment: datetime) -> float:
        """Real seconds to wait for `moment`; never negative."""
        return max(0.0, self.real_seconds(moment - self.now()))

    def duration_of(self, real_s: float) -> timedelta:
        """How much of this clock's time passes in `real_s` real seconds."""
        return timedelta(seconds=real_s * self.factor)
