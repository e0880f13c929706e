"""The guard: the last word on what is written to a device. Pure.

A broken CEM can never cause discomfort, danger or wear, because nothing reaches a device without having been held
against its limits here. They are data: the adapter gives those of the device, the manifest those of the vendor, the
owner a band of comfort. Two questions are asked. May this command be written? And later, with each reading: may it go
on? A room cools down long after the instruction that switched the heater off was a good one.

Giving a device back to itself is never refused: that is what every refusal falls back to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from rm_adapters.sdk import Bounds, Command, Limits, Preferences, Reason, Reject, Snapshot
from rm_adapters.sdk.manifest import Write

_DAY = timedelta(days=1)


def combined(limits: Limits, write: Write | None, preferences: Preferences) -> Limits:
    """What holds all together: the stricter number of two, and the bounds of both device and owner."""
    most = [each for each in (limits.max_writes_a_day, write.max_a_day if write else None) if each is not None]
    comfort = tuple(
        Bounds(of=name, low=low, high=high, reason=Reason.COMFORT) for name, (low, high) in preferences.comfort.items()
    )
    return Limits(
        min_interval=max(limits.min_interval, write.min_interval if write else timedelta()),
        max_writes_a_day=min(most, default=None),
        bounds=limits.bounds + comfort,
    )


def judge(
    command: Command,
    snapshot: Snapshot,
    limits: Limits,
    writes: Sequence[datetime],
    now: datetime,
    *,
    abnormal: bool = False,
) -> Reject | None:
    """Why the command may not be written now; None where it may be. `writes` are the former ones, oldest first."""
    return overstepped(command, snapshot, limits, abnormal=abnormal) or _too_often(limits, writes, now)


def overstepped(command: Command, snapshot: Snapshot, limits: Limits, *, abnormal: bool = False) -> Reject | None:
    """The bound that the command, in force or about to be, drives a reading beyond; None where there is none."""
    if not snapshot.online:
        return Reject(Reason.AVAILABILITY, "the device is offline")
    return next(_beyond(command, snapshot, limits, abnormal), None)


def _beyond(command: Command, snapshot: Snapshot, limits: Limits, abnormal: bool) -> Iterator[Reject]:
    for bounds in limits.bounds:
        direction = command.drives.get(bounds.of, 0)
        if direction == 0 or (abnormal and bounds.reason is Reason.COMFORT):
            continue
        value = snapshot.reading(bounds.of)
        if value is None:
            yield Reject(Reason.AVAILABILITY, f"{bounds.of} is not known")
        elif direction > 0 and bounds.high is not None and value >= bounds.high:
            yield Reject(bounds.reason, f"{bounds.of} is {value:g}, and should stay below {bounds.high:g}")
        elif direction < 0 and bounds.low is not None and value <= bounds.low:
            yield Reject(bounds.reason, f"{bounds.of} is {value:g}, and should stay above {bounds.low:g}")


def _too_often(limits: Limits, writes: Sequence[datetime], now: datetime) -> Reject | None:
    if writes and now - writes[-1] < limits.min_interval:
        text = f"writes have to be {limits.min_interval.total_seconds():g} s apart"
        return Reject(Reason.DURABILITY, text, writes[-1] + limits.min_interval)
    today = [each for each in writes if now - each < _DAY]
    if limits.max_writes_a_day is not None and len(today) >= limits.max_writes_a_day:
        text = f"{limits.max_writes_a_day} writes in 24 h are the most"
        return Reject(Reason.DURABILITY, text, today[-limits.max_writes_a_day] + _DAY)
    return None
