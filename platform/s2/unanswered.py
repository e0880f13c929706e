"""What we sent and the peer has not acknowledged yet, with the moments at which something has to happen.

A message waits for its ReceptionStatus until its deadline; then it is reported missing, once, and stays here only in
case the answer is late. A message that was answered TEMPORARY_ERROR is sent again after a pause, unchanged and under
the same message_id, as often as there are pauses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from s2.messages import Message


@dataclass(slots=True)
class Waiting:
    """One message of ours. Without deadline and resend_at it was reported missing."""

    message_id: str
    message: Message
    deadline: datetime | None
    resend_at: datetime | None = None
    resent: int = 0


class Unanswered:
    """The waiting messages by message_id, bounded."""

    __slots__ = ("_capacity", "_retry_delays", "_timeout", "_waiting")

    def __init__(self, timeout: timedelta, retry_delays: Sequence[timedelta], capacity: int = 256) -> None:
        self._timeout = timeout
        self._retry_delays = tuple(retry_delays)
        self._capacity = capacity
        self._waiting: dict[str, Waiting] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """No room for another message; those already reported missing give up their place."""
        if len(self._waiting) < self._capacity:
            return False
        for message_id in [key for key, waiting in self._waiting.items() if _was_reported(waiting)]:
            del self._waiting[message_id]
        return len(self._waiting) >= self._capacity

    def add(self, message_id: str, message: Message, now: datetime) -> None:
        self._waiting[message_id] = Waiting(message_id, message, now + self._timeout)

    def settle(self, message_id: str) -> Waiting | None:
        """Take out the message that this acknowledgement is for; None when there is none."""
        return self._waiting.pop(message_id, None)

    def postpone(self, waiting: Waiting, now: datetime) -> bool:
        """Plan to send a settled message again; False when it has been sent often enough."""
        if waiting.resent >= len(self._retry_delays):
            return False
        waiting.deadline, waiting.resend_at = None, now + self._retry_delays[waiting.resent]
        self._waiting[waiting.message_id] = waiting
        return True

    def withdraw_older(self, message: Message) -> list[Message]:
        """Give up what is about to be sent again, but of which `message` says something newer.

        Sent after it, the older word would count as the newer one. Measurements do not replace each other.
        """
        subject = _subject_of(message)
        if subject is None or all(waiting.resend_at is None for waiting in self._waiting.values()):
            return []
        older = [
            waiting
            for waiting in self._waiting.values()
            if waiting.resend_at is not None and _subject_of(waiting.message) == subject
        ]
        for waiting in older:
            del self._waiting[waiting.message_id]
        return [waiting.message for waiting in older]

    def to_resend(self, now: datetime) -> Iterator[Waiting]:
        """The messages whose pause is over; they wait for an answer again from now on."""
        for waiting in list(self._waiting.values()):
            if waiting.resend_at is not None and waiting.resend_at <= now:
                waiting.deadline, waiting.resend_at = now + self._timeout, None
                waiting.resent += 1
                yield waiting

    def missing(self, now: datetime) -> list[Message]:
        """The messages whose deadline has passed, each reported once."""
        late = [
            waiting for waiting in self._waiting.values() if waiting.deadline is not None and waiting.deadline <= now
        ]
        for waiting in late:
            waiting.deadline = None
        return [waiting.message for waiting in late]

    def next_deadline(self) -> datetime | None:
        moments = [moment for waiting in self._waiting.values() if (moment := waiting.resend_at or waiting.deadline)]
        return min(moments, default=None)


def _was_reported(waiting: Waiting) -> bool:
    return waiting.deadline is None and waiting.resend_at is None


def _subject_of(message: Message) -> tuple[str, ...] | None:
    """What the message replaces when it is said again; None where each one counts by itself."""
    if message.message_type == "PowerMeasurement":
        return None
    parts = (getattr(message, name, "") for name in ("id", "actuator_id", "timer_id", "instruction_id", "object_id"))
    return (message.message_type, *parts)
