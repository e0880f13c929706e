"""What one client said and heard, with every answer: the testimony that an audit goes by."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

OK, TEMPORARY = "OK", "TEMPORARY_ERROR"


@dataclass(slots=True)
class Note:
    """One message by its id, with all `texts` under which it came and the answers to it, oldest first.

    `connection` and `at_s` (monotonic) are those of the first time that it was said or heard.
    """

    kind: str
    connection: int
    at_s: float
    texts: set[str] = field(default_factory=set)
    statuses: list[str] = field(default_factory=list)
    document: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return OK in self.statuses


@dataclass(frozen=True, slots=True)
class End:
    """How a connection, or the attempt at one, ended. `asked`: the other side had sent SessionRequest RECONNECT.

    `attempt` and `status` (HTTP) are of a connection that never came up, which has no `code`.
    """

    at_s: float
    connection: int
    code: int | None
    reason: str
    asked: bool = False

    @property
    def polite(self) -> bool:
        """Told before, closed in good order."""
        return self.asked and self.code in (1000, 1001, 1012)


class Journal:
    """`said` and `heard` by message id; `ends` of connections. `connection` counts those that came up."""

    def __init__(self) -> None:
        self.said: dict[str, Note] = {}
        self.heard: dict[str, Note] = {}
        self.ends: list[End] = []
        self.unmatched: list[str] = []
        self.connection = 0
        self._asked = False
        self._newest: dict[str, Note] = {}

    def begin(self) -> None:
        self.connection += 1
        self._asked = False
        self._newest.clear()

    def end(self, code: int | None, reason: str) -> None:
        self.ends.append(End(time.monotonic(), self.connection, code, reason, self._asked and code is not None))

    def note_said(self, text: str) -> None:
        self._note(text, by_us=True)

    def note_heard(self, text: str) -> None:
        self._note(text, by_us=False)

    def newest(self, kind: str) -> Note | None:
        """What was acknowledged last of this kind, in the present connection.

        After a TEMPORARY_ERROR that is not always what was said last: a measurement is said again, however old it is.
        """
        return self._newest.get(kind)

    def _note(self, text: str, *, by_us: bool) -> None:
        document = json.loads(text)
        kind = document["message_type"]
        messages, subjects = (self.said, self.heard) if by_us else (self.heard, self.said)
        if kind == "ReceptionStatus":
            subject = subjects.get(document["subject_message_id"])
            if subject is None:
                self.unmatched.append(text)
            else:
                subject.statuses.append(document["status"])
                if not by_us and document["status"] == OK and subject.connection == self.connection:
                    self._newest[subject.kind] = subject
            return
        self._asked = self._asked or (kind == "SessionRequest" and not by_us)
        note = messages.setdefault(document["message_id"], Note(kind, self.connection, time.monotonic()))
        note.document = document
        note.texts.add(text)
