"""When a hosted RM wants to be called again, and when it wants a reading. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from rm_adapters.execution import HOLD, may_write
from rm_adapters.turn import GONE_AFTER, Freshness, Turn

#: Readings that fail are tried again ever more rarely, but never more rarely than this.
LONGEST_PAUSE = timedelta(minutes=15)

_FIRST_PAUSE = timedelta(seconds=5)


def pause_after(failures: int) -> timedelta:
    """How long to wait after so many failures in a row."""
    return min(_FIRST_PAUSE * float(2 ** min(failures - 1, 10)), LONGEST_PAUSE)


def next_call(turn: Turn) -> datetime | None:
    """The next moment at which time alone changes something; None where it never does."""
    return min((each for each in _moments(turn) if each > turn.now), default=None)


def next_reading(turn: Turn) -> datetime | None:
    """When to read the device; None where nobody needs it."""
    state, poll = turn.state, turn.resource.manifest.poll
    if state.unauthorised or not (state.link or _is_busy(turn)):
        return None
    if state.read_at is None:
        return max(turn.now, state.retry_at or turn.now)
    moment = state.read_at + (poll.during_instruction if _is_busy(turn) else poll.normal)
    last_write = state.writes[-1] if state.writes else None
    if last_write is not None and state.read_at < last_write + turn.manners.settle and _is_busy(turn):
        moment = min(moment, last_write + turn.manners.settle)
    return max(moment, state.retry_at or moment)


def _moments(turn: Turn) -> Iterator[datetime]:
    state, manners = turn.state, turn.manners
    for order in state.orders:
        yield order.due_at
        if not order.planned and order.due_at <= turn.now:
            yield order.due_at + manners.confirm_within + HOLD
    if state.release_at is not None:
        yield state.release_at
    if state.write is not None and state.write.first_sent_at is not None:
        yield state.write.first_sent_at + manners.confirm_within
    if state.write is not None and state.write.sent_at is None and not may_write(turn):
        yield state.writes[-1] + manners.min_interval
    if state.link is not None and state.snapshot is not None and turn.freshness is not Freshness.GONE:
        yield (
            state.snapshot.observed_at + turn.resource.manifest.poll.valid_for * GONE_AFTER + timedelta(milliseconds=1)
        )


def _is_busy(turn: Turn) -> bool:
    """Whether something hangs on the next reading."""
    state = turn.state
    if state.write is not None or state.releasing:
        return True
    return any(each.due_at <= turn.now for each in state.orders)
