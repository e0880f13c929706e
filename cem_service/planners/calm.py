"""How calm the reactive layer keeps: which changes are worth a message, and when something is said again."""

from __future__ import annotations

from datetime import datetime, timedelta

from cem_service.planners.plan import STEP
from flexhub.telemetry.quarters import quarter_start

# A change smaller than both is not worth a message. With 50 W and 1 % a battery is told a third less often (170 instead
# of 257 times in twelve hours of a virtual home, 101 instead of 180 times a day in the closed loop), and saves a
# hundredth less.
DEADBAND_W = 10.0
DEADBAND_SHARE = 0.0025

# An instruction that does not show in the device's status is repeated after this long: never a fight.
REPEAT_AFTER = timedelta(minutes=2)


def deadband_w(largest_power_w: float) -> float:
    return max(DEADBAND_W, DEADBAND_SHARE * largest_power_w)


def next_look(now: datetime) -> datetime:
    """A mode is told without an end; it is looked at again when the next quarter hour begins."""
    return quarter_start(now) + STEP
