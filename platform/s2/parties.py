"""The two parties of a conversation as an observer follows them: what each has said, heard and left unanswered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from s2.conversation import Conversation
from s2.findings import Finding
from s2.messages import EnergyManagementRole, Message, ReceptionStatus, ReceptionStatusValues, SelectControlType
from s2.recent import RecentKeys
from s2.receptions import NIL_ID
from s2.strictness import Strictness

#: A party that lets more than this wait for an answer loses the oldest; they are neither missed nor wrongly answered.
MOST_UNANSWERED = 256

_MOST_TEXTS = 256


@dataclass(slots=True, eq=False)
class Said:
    """What became of one text, however often it was said.

    `effective`: it counts in its speaker's own view. `taken`: it counts in the listener's view.
    """

    effective: bool
    taken: bool = False
    status: ReceptionStatusValues | None = None


@dataclass(slots=True, eq=False)
class Utterance:
    """One text that waits for its answer; without message it was not readable.

    Without deadline the answer is missing or was TEMPORARY_ERROR; in both cases it may still come. `read`: the listener
    is known to have read it without an answer that says so.
    """

    number: int
    message_id: str
    said: Said
    deadline: datetime | None
    message: Message | None = None
    findings: tuple[Finding, ...] = ()
    read: bool = False


class Party:
    """One side. `view` is the conversation as this side knows it: all it has said, and what it has read of the other's.

    `strictness` is how its messages are judged. `acknowledges`: it has answered something. `astray`: it has perhaps
    answered in another order than it read, so that its view lacks what it knows. `has_left`: for it the conversation is
    over. `selection`: its latest selection; `refused_at`: the last number before that one was refused. `spoke_at`: the
    number of its last utterance that belongs to a control type.
    """

    __slots__ = (
        "_earliest",
        "_forgotten",
        "_ids",
        "_texts",
        "acknowledges",
        "astray",
        "has_left",
        "refused_at",
        "role",
        "selection",
        "spoke_at",
        "strictness",
        "unanswered",
        "view",
    )

    def __init__(self, role: EnergyManagementRole, view: Conversation, strictness: Strictness) -> None:
        self.role = role
        self.view = view
        self.strictness = strictness
        self.acknowledges = False
        self.astray = False
        self.has_left = False
        self.selection: Utterance | None = None
        self.refused_at: int | None = None
        self.spoke_at = 0
        self.unanswered: list[Utterance] = []
        # Nothing is due before this; it may be too early, since an answer does not change it.
        self._earliest: datetime | None = None
        self._forgotten = 0
        self._ids = RecentKeys(_MOST_TEXTS)
        self._texts: dict[int, Said] = {}

    def uses(self, message_id: str) -> bool:
        return self._ids.find(message_id) is not None

    def said(self, text: str) -> Said | None:
        """What became of this very text, if the party has said it before."""
        return self._texts.get(hash(text))

    def remember(self, message_id: str, text: str, said: Said) -> None:
        self._ids.add(message_id)
        self._texts[hash(text)] = said
        if len(self._texts) > _MOST_TEXTS:
            del self._texts[next(iter(self._texts))]

    def forget_texts(self, but: Said | None = None) -> None:
        """From here on the same text is a new message again (see `s2.receptions`), except what waits for an answer."""
        kept = {id(but), *(id(each.said) for each in self.unanswered)}
        self._texts = {key: said for key, said in self._texts.items() if id(said) in kept}
        for each in self.unanswered:
            if not each.read:
                each.said.taken = False

    def await_answer(self, utterance: Utterance) -> None:
        self.unanswered.append(utterance)
        self._watch(utterance.deadline)
        if isinstance(utterance.message, SelectControlType):
            self.selection, self.refused_at = utterance, None
        if utterance.message is not None and _belongs_to_a_control_type(utterance.message):
            self.spoke_at = utterance.number
        if len(self.unanswered) > MOST_UNANSWERED:
            del self.unanswered[0]
            self._forgotten += 1

    def say_again(self, said: Said, deadline: datetime) -> None:
        """What was answered TEMPORARY_ERROR waits for its answer once more."""
        said.status = None
        self._watch(deadline)
        for each in self.unanswered:
            if each.said is said:
                each.deadline = deadline
                return

    def settle(self, reception: ReceptionStatus) -> Utterance | None:
        """Find what the answer is about; only after TEMPORARY_ERROR another answer may follow.

        One id may stand for several utterances: the oldest that still waits is meant.
        """
        status = reception.status
        named = [each for each in self.unanswered if each.message_id == reception.subject_message_id]
        found = next((each for each in named if each.deadline is not None), named[0] if named else None)
        if found is None:
            return None
        found.said.status = status
        if status is ReceptionStatusValues.TEMPORARY_ERROR:
            found.deadline = None
        else:
            self.unanswered.remove(found)
        return found

    def heard_of_refusal(self, answered: Utterance) -> bool:
        """Whether its answer to this shows, for the first time, that it has read the refusal of its selection."""
        if self.refused_at is None or answered.number <= self.refused_at:
            return False
        self.refused_at = None
        return True

    def may_be_meant(self, reception: ReceptionStatus) -> bool:
        """Whether an answer that fits nothing may be to something of this party all the same.

        It may be to an utterance that was forgotten here. And the nil id names what the other side could not read,
        which need not be unreadable: whatever it was, that will turn out to be without answer.
        """
        if reception.subject_message_id == NIL_ID:
            return any(each.deadline is not None for each in self.unanswered)
        if self._forgotten == 0:
            return False
        self._forgotten -= 1
        return True

    def unread(self) -> Iterator[Utterance]:
        """What the other side may have read without having said so."""
        return (each for each in self.unanswered if each.message and not each.read and each.said.status is None)

    def missing(self, now: datetime) -> list[Utterance]:
        """The utterances whose deadline has passed, each told once."""
        if self._earliest is None or self._earliest > now:
            return []
        late = [each for each in self.unanswered if each.deadline is not None and each.deadline <= now]
        for each in late:
            each.deadline = None
        self._earliest = self.next_deadline()
        return late

    def next_deadline(self) -> datetime | None:
        return min((each.deadline for each in self.unanswered if each.deadline is not None), default=None)

    def _watch(self, deadline: datetime | None) -> None:
        if deadline is not None and (self._earliest is None or deadline < self._earliest):
            self._earliest = deadline


def _belongs_to_a_control_type(message: Message) -> bool:
    return isinstance(message, SelectControlType) or "." in message.message_type
