"""What an end of a relayed link has under way: parcels to the far end, and messages that wait for their verdict."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from flexhub.bus import SeatAddress
from flexhub.bus.envelope import EnvelopeKind
from s2.messages import Message, ReceptionStatusValues
from s2.recent import RecentKeys
from s2.receptions import reception_text

#: So many messages in one direction may wait for their verdicts; a peer that awaits each answer has one.
MOST_WAITING = 256
#: And so many characters of them, the last one not counted: it may be as long as a frame.
MOST_CHARACTERS = 1024 * 1024
_MOST_TEXTS = 256
_MOST_LATE = 64

_STATUSES = tuple(ReceptionStatusValues)
# How a verdict is kept: as its place among the statuses, counted from one.
_NO_VERDICT = 0
_AGAIN = _STATUSES.index(ReceptionStatusValues.TEMPORARY_ERROR) + 1


@dataclass(frozen=True, slots=True)
class Parcel:
    """Something for the session at `to`, as an Envelope of the bus carries it."""

    to: SeatAddress
    kind: EnvelopeKind
    payload: str
    message_id: str = ""


@dataclass(slots=True)
class Waiting:
    """A message that has no verdict yet, and how it was written."""

    message_id: str
    message: Message
    deadline: datetime
    text: str


class Outstanding:
    """Messages without verdict, oldest first. All wait equally long, so the oldest is also the first to be overdue.

    With `forgives` an overdue message may still be settled.
    """

    __slots__ = ("_characters", "_forgives", "_late", "_patience", "_waiting")

    def __init__(self, patience: timedelta, *, forgives: bool = False) -> None:
        self._patience = patience
        self._forgives = forgives
        self._waiting: list[Waiting] = []
        self._late: list[Waiting] = []
        # Of those that wait and are not late.
        self._characters = 0

    @property
    def full(self) -> bool:
        return len(self._waiting) >= MOST_WAITING or self._characters >= MOST_CHARACTERS

    def add(self, message_id: str, message: Message, now: datetime, text: str) -> None:
        self._waiting.append(Waiting(message_id, message, now + self._patience, text))
        self._characters += len(text)

    def holds(self, message_id: str) -> bool:
        """Whether a message of this id waits, and is not overdue."""
        return any(each.message_id == message_id for each in self._waiting)

    def settle(self, message_id: str) -> Waiting | None:
        """Take out the oldest message of this id; None where there is none."""
        if (waiting := _take(self._waiting, message_id)) is not None:
            self._characters -= len(waiting.text)
            return waiting
        return _take(self._late, message_id)

    def next_deadline(self) -> datetime | None:
        return self._waiting[0].deadline if self._waiting else None

    @property
    def oldest(self) -> datetime:
        """When the oldest of them began to wait. There has to be one."""
        return self._waiting[0].deadline - self._patience

    def overdue(self, now: datetime) -> list[Waiting]:
        """Those whose time is over, each told once."""
        late: list[Waiting] = []
        while self._waiting and self._waiting[0].deadline <= now:
            late.append(self._waiting.pop(0))
        self._characters -= sum(len(each.text) for each in late)
        if late and self._forgives:
            self._late = _newest([*self._late, *late])
        return late

    def take_all(self) -> list[Waiting]:
        """Give up all of them; a verdict that comes later is for nothing."""
        taken, self._waiting, self._late, self._characters = self._waiting, [], [], 0
        return taken


def _newest(late: list[Waiting]) -> list[Waiting]:
    """As many of the newest as may be kept."""
    characters = 0
    for number, waiting in enumerate(reversed(late)):
        characters += len(waiting.text)
        if number == _MOST_LATE or characters > MOST_CHARACTERS:
            return late[len(late) - number :]
    return late


def _take(messages: list[Waiting], message_id: str) -> Waiting | None:
    for position, waiting in enumerate(messages):
        if waiting.message_id == message_id:
            return messages.pop(position)
    return None


class Texts:
    """Which texts one side has said of late, so that a repetition counts once (see `s2.receptions`)."""

    __slots__ = ("_ids", "_texts")

    def __init__(self) -> None:
        self._ids = RecentKeys(_MOST_TEXTS)
        self._texts = RecentKeys(_MOST_TEXTS)

    def knows(self, text: str) -> bool:
        return self._texts.find(text) is not None

    def uses(self, message_id: str) -> bool:
        return self._ids.find(message_id) is not None

    def remember(self, message_id: str, text: str) -> None:
        self._ids.add(message_id)
        self._texts.add(text)

    def forget(self) -> None:
        """From here on the same text is a new message again."""
        self._texts = RecentKeys(_MOST_TEXTS)


class Told(Texts):
    """What a peer was told of late, and its verdicts: what is said again, because a verdict got lost, is told once."""

    __slots__ = ("_labels", "_verdicts")

    def __init__(self) -> None:
        super().__init__()
        self._verdicts = bytearray(_MOST_TEXTS)
        self._labels: dict[int, str | None] = {}

    def remember(self, message_id: str, text: str) -> None:
        self._ids.add(message_id)
        self._verdicts[self._texts.add(text)] = _NO_VERDICT

    def judge(self, text: str, status: ReceptionStatusValues, label: str | None) -> None:
        """Take in the peer's verdict on a text that it was told. After TEMPORARY_ERROR it is to be told again."""
        slot = self._texts.find(text)
        if slot is None:
            return
        self._verdicts[slot] = _STATUSES.index(status) + 1
        if label is None:
            self._labels.pop(slot, None)
        else:
            self._labels[slot] = label

    def awaits(self, text: str) -> bool:
        """Whether it was told this and has said nothing about it yet."""
        slot = self._texts.find(text)
        return slot is not None and self._verdicts[slot] == _NO_VERDICT

    def answer_to(self, message_id: str, text: str) -> str | None:
        """Its verdict on this text again; None while there is none."""
        slot = self._texts.find(text)
        if slot is None or self._verdicts[slot] in (_NO_VERDICT, _AGAIN):
            return None
        return reception_text(message_id, _STATUSES[self._verdicts[slot] - 1], self._labels.get(slot))

    def forget(self) -> None:
        super().forget()
        self._labels.clear()
