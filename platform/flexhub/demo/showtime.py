"""When the demo's day begins, and the clock that shows it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from flexhub.clock import Clock
from flexhub.demo.street import START_TIME, TIMEZONE

# What the processes need from their start to the first message. The clock is set back by it, so that the street wakes
# up at the moment that its cars and dishwashers were planned for.
BOOT_S = 12.0


def opening(real_now: datetime, *, speed: float) -> datetime:
    """The moment that the street is planned for: now in real time, else the next half past ten.

    It lies ahead of real time, never behind: a device that stamps its description with real time is then in force.
    """
    if speed == 1:
        return real_now
    local = real_now.astimezone(ZoneInfo(TIMEZONE))
    start = datetime.combine(local.date(), START_TIME, ZoneInfo(TIMEZONE))
    if start - timedelta(seconds=BOOT_S * speed) < local:
        start = datetime.combine(local.date() + timedelta(days=1), START_TIME, ZoneInfo(TIMEZONE))
    return start.astimezone(UTC)


def clock_for(start: datetime, *, speed: float) -> Clock:
    """A clock that shows `start` once the processes are up; the system's own for real time."""
    if speed == 1:
        return Clock.system()
    return Clock.starting_at(start - timedelta(seconds=BOOT_S * speed), factor=speed)
