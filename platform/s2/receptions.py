"""Reception statuses: which one a message gets, how it is written, and what a repeated message gets.

The receiver's verdict on a message is chosen while reading and never waits for anything (a peer that awaits our
acknowledgement while we await its own would stop both).

    INVALID_DATA      not JSON, not an object, no usable message_id; the subject is the nil UUID
    INVALID_MESSAGE   a message_id, but the schema is broken
    INVALID_CONTENT   schema-valid, but not allowed now, or breaking a semantic rule
    TEMPORARY_ERROR   our own trouble; the peer sends the same message again
    OK                received and valid; never says that anything was executed

Repetition: the standard does not outlaw a repeated message_id, and its own walk-through uses one id for every message.
So the text decides. The same text again gets the same answer and no second processing; another text under a used id
is a new message, with a warning (R-07). Three things are not repetitions. A message that was answered TEMPORARY_ERROR
is sent again because we asked for it. After new details or a selection the RM publishes everything anew, which may be
word for word what it published before. And a peer that uses one id for everything may report a state, another one, and
the first one again in the same words: so a reused id ends the memory of answers.
"""

from __future__ import annotations

import json

from s2.messages import ReceptionStatusValues
from s2.recent import RecentKeys

#: The subject of an answer to something that has no message_id.
NIL_ID = "00000000-0000-0000-0000-000000000000"

_STATUSES = tuple(ReceptionStatusValues)
_OK = ReceptionStatusValues.OK


def reception_text(
    subject_message_id: str, status: ReceptionStatusValues = ReceptionStatusValues.OK, label: str | None = None
) -> str:
    """A ReceptionStatus as it goes over the wire.

    Written out here because it is sent once for each received message; the id was already checked against the
    pattern of ids, which has no character that JSON escapes.
    """
    head = f'{{"message_type":"ReceptionStatus","subject_message_id":"{subject_message_id}","status":"{status.value}"'
    return head + "}" if label is None else f'{head},"diagnostic_label":{json.dumps(label)}}}'


class Receptions:
    """The last `capacity` messages and how they were answered."""

    __slots__ = ("_capacity", "_ids", "_labels", "_statuses", "_texts")

    def __init__(self, capacity: int = 256) -> None:
        self._capacity = capacity
        self._ids = RecentKeys(capacity)
        self._texts = RecentKeys(capacity)
        self._statuses = bytearray(capacity)
        self._labels: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self._texts)

    def answer_for(self, message_id: str, text: str) -> str | None:
        """The answer to give again, when this very text was answered before."""
        slot = self._texts.find(text)
        if slot is None:
            return None
        return reception_text(message_id, _STATUSES[self._statuses[slot]], self._labels.get(slot))

    def uses(self, message_id: str) -> bool:
        return self._ids.find(message_id) is not None

    def forget_answers(self) -> None:
        """From here on the same text is a new message again; that its id was used before is still known."""
        self._texts = RecentKeys(self._capacity)
        self._labels.clear()

    def remember(
        self, message_id: str, text: str, status: ReceptionStatusValues = _OK, label: str | None = None
    ) -> None:
        self._ids.add(message_id)
        slot = self._texts.add(text)
        self._statuses[slot] = _STATUSES.index(status)
        if label is not None:
            self._labels[slot] = label
        elif self._labels:
            self._labels.pop(slot, None)
