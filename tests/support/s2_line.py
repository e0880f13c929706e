"""Two sessions on a line that a script spoils, in simulated time; an observer hears both sides as they speak.

A script is a list of actions, each a tuple of its name and plain arguments, so that hypothesis can draw, shrink and
print it. What a session refuses to send is not sent, as with a careless shell.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from s2.errors import LocalProtocolError
from s2.events import AcknowledgementMissing, Event, ReceptionReceived
from s2.messages import EnergyManagementRole, Message, parse_message
from s2.observer import Observed, Observer
from s2.receptions import NIL_ID
from s2.session import Session
from s2.versions import WireProfile
from tests.support.s2_samples import sample
from tests.support.s2_sessions import ALL_CONTROL_TYPES, CEM, CONTROLLED, MENU, NOW, RM, new_id

Action = tuple[Any, ...]

OTHER = {CEM: RM, RM: CEM}

#: In a RevokeObject of a system description, the message_id of the last one.
LAST = "the-last-one"


@dataclass
class End:
    """A session with a record of what it was told, what it said and what it experienced."""

    session: Session
    available: bool = True
    heard: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def hear(self, wire_text: str, now: datetime) -> None:
        if not self.session.closed:
            self.heard.append(wire_text)
            self.events += self.session.receive_text(wire_text, now, available=self.available)

    def send(self, message: Message, now: datetime) -> None:
        with suppress(LocalProtocolError):
            self.session.send(message, now)

    def tick(self, now: datetime) -> None:
        self.events += self.session.tick(now)
        due = self.session.next_deadline()
        assert due is None or due > now

    def unsettled(self) -> set[str]:
        """The ids of what it said and never heard of again, neither an answer nor that there is none."""
        said = {document["message_id"] for each in self.said if "message_id" in (document := json.loads(each))}
        settled = [each.subject for each in self.events if isinstance(each, ReceptionReceived)]
        settled += [each.message for each in self.events if isinstance(each, AcknowledgementMissing)]
        return said - {getattr(each, "message_id", None) for each in settled}


class Line:
    """A CEM and an RM with a line between them. Where they are `late`, their answers wait until they are released."""

    def __init__(self, profile: WireProfile = WireProfile.V1_0_0, *, agreed: bool = False, late: bool = False) -> None:
        self.now = NOW
        self.late = late
        self.answers: dict[EnergyManagementRole, list[str]] = {CEM: [], RM: []}
        self.profile = profile
        settled = profile if agreed else None
        self.ends = {role: End(Session(role, new_id=new_id, versions=[profile], agreed=settled)) for role in (CEM, RM)}
        self.under_way: dict[EnergyManagementRole, list[str]] = {CEM: [], RM: []}
        self.observer = Observer(settled)
        self.observed: list[Observed] = []
        self._last_ids: dict[str, str] = {}
        for end in self.ends.values():
            end.events += end.session.start(self.now)
            self.collect()

    def collect(self) -> None:
        """Put what the sessions want to say on the line, by way of the observer."""
        for role, end in self.ends.items():
            for each in end.session.data_to_send():
                end.said.append(each)
                if self.late and json.loads(each)["message_type"] == "ReceptionStatus":
                    self.answers[role].append(each)
                else:
                    self._put(role, each)

    def release(self, role: EnergyManagementRole, count: int = 1_000) -> None:
        """Let the answers of a side go that were late."""
        held = self.answers[role]
        for _ in range(min(count, len(held))):
            self._put(role, held.pop(0))

    def _put(self, role: EnergyManagementRole, wire_text: str) -> None:
        self.under_way[OTHER[role]].append(wire_text)
        self.observed += self.observer.feed(wire_text, role, self.now)

    def carry(self, to: EnergyManagementRole, count: int = 1_000) -> None:
        texts = self.under_way[to]
        for _ in range(min(count, len(texts))):
            self.ends[to].hear(texts.pop(0), self.now)
            self.collect()

    def carry_all(self) -> None:
        while any(self.under_way.values()) or any(self.answers.values()):
            for role in self.ends:
                self.carry(role)
                self.release(role)

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.observed += self.observer.tick(self.now)
        due = self.observer.next_deadline()
        assert due is None or due > self.now
        for end in self.ends.values():
            end.tick(self.now)
            self.collect()

    def settle(self) -> None:
        """Let the line work and time go on until nobody has anything left to do."""
        for end in self.ends.values():
            end.available = True
        for _ in range(1_000):
            self.carry_all()
            deadlines = [due for end in self.ends.values() if (due := end.session.next_deadline()) is not None]
            if not deadlines:
                return
            self.wait(max(0.0, (min(deadlines) - self.now).total_seconds()))
        raise AssertionError("there is always something left to do")

    def message(self, message_type: str, **changes: object) -> Message:
        """The sample in our version, under an id of its own."""
        document = sample(message_type, self.profile, **{"message_id": new_id(), **changes})
        if document.get("object_id") == LAST:
            document["object_id"] = self._last_ids.get(document["object_type"], "nothing")
        self._last_ids[message_type] = document["message_id"]
        return parse_message(json.dumps(document), self.profile)

    def say(self, role: EnergyManagementRole, message_type: str, **changes: object) -> None:
        """Let a side say it, if its session lets it."""
        self.ends[role].send(self.message(message_type, **changes), self.now)
        self.collect()

    def open(self, family: str | None = None) -> Line:
        """Come as far as this control type with the sample menu, unless one of the two has left."""
        self.carry_all()
        self.say(RM, "ResourceManagerDetails", available_control_types=ALL_CONTROL_TYPES)
        self.carry_all()
        if family is not None:
            self.say(CEM, "SelectControlType", control_type=CONTROLLED[family].value)
            self.carry_all()
            for message_type in MENU[family]:
                self.say(RM, message_type)
        self.carry_all()
        return self

    def play(self, script: Iterable[Action]) -> Line:
        for name, *arguments in script:
            _ACTIONS[name](self, *arguments)
        return self

    def _drop(self, to: EnergyManagementRole) -> None:
        del self.under_way[to][:1]

    def _duplicate(self, to: EnergyManagementRole) -> None:
        self.under_way[to][:0] = self.under_way[to][:1]

    def _inject(self, to: EnergyManagementRole, wire_text: str) -> None:
        self.ends[to].hear(wire_text, self.now)
        self.collect()

    def _make_available(self, role: EnergyManagementRole, available: bool) -> None:
        self.ends[role].available = available

    def _say(self, role: EnergyManagementRole, message_type: str, changes: dict[str, object]) -> None:
        moments = {
            key: (self.now + value).isoformat() for key, value in changes.items() if isinstance(value, timedelta)
        }
        self.say(role, message_type, **{**changes, **moments})


_ACTIONS: dict[str, Callable[..., object]] = {
    "open": Line.open,
    "say": Line._say,
    "carry": Line.carry,
    "release": Line.release,
    "wait": Line.wait,
    "drop": Line._drop,
    "duplicate": Line._duplicate,
    "inject": Line._inject,
    "available": Line._make_available,
}


def subject_of(wire_text: str) -> str | None:
    """Whom the answer to this text has to name; None where there must not be an answer."""
    try:
        document = json.loads(wire_text)
    except ValueError:
        return NIL_ID
    if not isinstance(document, dict):
        return NIL_ID
    if document.get("message_type") == "ReceptionStatus":
        return None
    return str(document.get("message_id", NIL_ID))


def check_answers(end: End) -> None:
    """Every message that was heard is answered once, in the order of arrival."""
    expected = [subject for each in end.heard if (subject := subject_of(each)) is not None]
    given = [
        each["subject_message_id"] for each in map(json.loads, end.said) if each["message_type"] == "ReceptionStatus"
    ]
    assert given == expected
