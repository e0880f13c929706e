"""What we sent and the peer has not acknowledged yet, with the moments at which something has to happen.

A message waits for its ReceptionStatus until its deadline; then it is reported missing, once, and stays here only in
case the answer is late. A message that was answered TEMPORARY_ERROR is sent again after a pause, unchanged and under
the same message_id, as often as there are pauses.

A message that is sent again arrives after what was said meanwhile, and would count as the newer word. So what has been
overtaken is not sent again: by another message on the same thing, by an instruction to the same actuator that begins
before it does, by a revocation of what it published, by a change of the control type, or by our farewell.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from s2.messages import Handshake, HandshakeResponse, Message, RevokeObject, SessionRequest
from s2.rules.instructions import INSTRUCTIONS

#: What identifies the thing that a message is about: for an instruction whom it instructs, otherwise what it publishes.
_INSTRUCTED = ("actuator_id", "power_profile_id", "sequence_container_id")
_PUBLISHED = ("id", "actuator_id", "timer_id", "instruction_id", "object_id")

#: Of these, none replaces another.
_EACH_COUNTS = frozenset({"PowerMeasurement"})

_EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Waiting:
    """One message of ours. Without deadline and resend_at it was reported missing.

    `until`: something newer counts from then on, and this must not begin to count after it.
    """

    message_id: str
    message: Message
    deadline: datetime | None
    resend_at: datetime | None = None
    resent: int = 0
    until: datetime | None = None

    def is_overtaken(self, now: datetime) -> bool:
        return self.until is not None and _begins(self.message, now) >= self.until


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
        """Plan to send a settled message again; False when it was sent often enough or has been overtaken."""
        if waiting.resent >= len(self._retry_delays) or waiting.is_overtaken(now):
            return False
        waiting.deadline, waiting.resend_at = None, now + self._retry_delays[waiting.resent]
        self._waiting[waiting.message_id] = waiting
        return True

    def overtake(self, newer: Message, now: datetime) -> list[Message]:
        """Give up what `newer` overtakes; return what would have been sent again."""
        begins = _begins(newer, now)
        for waiting in self._waiting.values():
            if _replaces(newer, waiting.message):
                waiting.until = begins if waiting.until is None else min(waiting.until, begins)
        return self._withdraw_overtaken(now)

    def end_control(self, now: datetime) -> list[Message]:
        """Give up all that belongs to a control type; return what would have been sent again."""
        for waiting in self._waiting.values():
            if _belongs_to_a_control_type(waiting.message):
                waiting.until = _EARLIEST
        return self._withdraw_overtaken(now)

    def _withdraw_overtaken(self, now: datetime) -> list[Message]:
        overtaken = [each for each in self._waiting.values() if each.resend_at is not None and each.is_overtaken(now)]
        for each in overtaken:
            del self._waiting[each.message_id]
        return [each.message for each in overtaken]

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


def _begins(message: Message, now: datetime) -> datetime:
    """When the message counts if it is sent now; an instruction of the past is carried out at once (R-41)."""
    return max(now, message.execution_time) if isinstance(message, INSTRUCTIONS) else now


def _replaces(newer: Message, older: Message) -> bool:
    if isinstance(newer, SessionRequest):
        return not isinstance(older, Handshake | HandshakeResponse)
    if newer.message_type == older.message_type:
        return newer.message_type not in _EACH_COUNTS and _subject_of(newer) == _subject_of(older)
    return _revokes(newer, older) or _revokes(older, newer)


def _subject_of(message: Message) -> tuple[str, ...]:
    """What the message is about, besides its type."""
    names = _INSTRUCTED if isinstance(message, INSTRUCTIONS) else _PUBLISHED
    return tuple(getattr(message, name, "") for name in names)


def _revokes(message: Message, other: Message) -> bool:
    if not isinstance(message, RevokeObject) or message.object_type.value != other.message_type:
        return False
    # A system description has no id but that of its message.
    return message.object_id == getattr(other, "id", getattr(other, "message_id", None))


def _belongs_to_a_control_type(message: Message) -> bool:
    # What became of an instruction may still be told (see `conversation`).
    return "." in message.message_type or isinstance(message, RevokeObject)
