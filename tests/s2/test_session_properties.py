"""Two sessions back to back over a bad line: texts get lost, come twice, are garbled or have no business there.

Whatever happens, no session raises, every message is answered exactly once while the session lives, answers come in the
order of arrival, and memory stays bounded.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from s2.messages import Message, dump_message, parse_message
from s2.receptions import NIL_ID
from s2.session import Session
from s2.strictness import STRICT, Quirk, Strictness
from s2.versions import WireProfile
from tests.support.s2_samples import samples
from tests.support.s2_sessions import (
    CEM,
    CONTROLLED,
    MENU,
    NOW,
    RM,
    details,
    message,
    new_id,
    selection,
    text,
    try_to_send,
)
from tests.support.s2_strategies import messages

PROFILE = WireProfile.V1_0_0
TYPES = sorted(samples())
FAMILIES = sorted(CONTROLLED)


@dataclass
class End:
    """A session with a record of what it was asked and what it answered; `busy` while its shell has no storage."""

    session: Session
    busy: bool = False
    heard: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def hear(self, wire_text: str, now: datetime) -> None:
        if not self.session.closed:
            self.heard.append(wire_text)
            self.session.receive_text(wire_text, now, available=not self.busy)

    def speak(self) -> list[str]:
        said = self.session.data_to_send()
        self.said += said
        return said


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
    expected = [subject for each in end.heard if (subject := subject_of(each)) is not None]
    given_answers = [
        each["subject_message_id"] for each in map(json.loads, end.said) if each["message_type"] == "ReceptionStatus"
    ]
    assert given_answers == expected


actions = st.one_of(
    st.tuples(st.just("send"), st.sampled_from(["cem", "rm"]), st.sampled_from(TYPES)),
    st.tuples(st.just("offer"), st.just("rm"), st.sampled_from(FAMILIES)),
    st.tuples(st.just("select"), st.just("cem"), st.sampled_from(FAMILIES)),
    st.tuples(
        st.just("inject"),
        st.sampled_from(["cem", "rm"]),
        st.sampled_from([*TYPES, *(f"+{each}" for each in TYPES), "", "[]", "{}", "nul", '{"a":1e999}']),
    ),
    st.tuples(
        st.sampled_from(["drop", "duplicate", "carry", "tick", "busy"]), st.sampled_from(["cem", "rm"]), st.just("")
    ),
)

strictnesses = st.builds(Strictness, lenient=st.booleans(), quirks=st.frozensets(st.sampled_from(Quirk)))


def frame(what: str) -> str:
    """A message of that type, one with an unknown key after a plus sign, or the text itself."""
    if what in TYPES:
        return text(what)
    return text(what[1:], stray=1) if what.startswith("+") else what


class Line:
    """A CEM and an RM on a line that a script of actions spoils."""

    def __init__(self, strictness: Strictness = STRICT) -> None:
        self.now = NOW
        self.ends = {
            "cem": End(Session(CEM, new_id=new_id, strictness=strictness)),
            "rm": End(Session(RM, new_id=new_id, strictness=strictness)),
        }
        self.under_way: dict[str, list[str]] = {"cem": [], "rm": []}
        for end in self.ends.values():
            end.session.start(self.now)

    def collect(self) -> None:
        self.under_way["rm"] += self.ends["cem"].speak()
        self.under_way["cem"] += self.ends["rm"].speak()

    def carry_all(self) -> None:
        self.collect()
        while any(self.under_way.values()):
            for name, texts in self.under_way.items():
                carried, texts[:] = list(texts), []
                for each in carried:
                    self.ends[name].hear(each, self.now)
            self.collect()

    def do(self, action: str, name: str, what: str) -> None:
        end, texts = self.ends[name], self.under_way[name]
        match action:
            case "send":
                try_to_send(end.session, message(what), self.now)
            case "offer":
                for each in (details(), *(message(message_type) for message_type in MENU[what])):
                    try_to_send(end.session, each, self.now)
            case "select":
                try_to_send(end.session, selection(what), self.now)
            case "inject":
                end.hear(frame(what), self.now)
            case "busy":
                end.busy = not end.busy
            case "drop" if texts:
                del texts[0]
            case "duplicate" if texts:
                texts.insert(0, texts[0])
            case "tick":
                self.now += timedelta(seconds=2)
                end.session.tick(self.now)
            case _:
                self.carry_all()
        self.collect()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(actions, max_size=60), strictnesses)
def test_survives_a_bad_line(script: list[tuple[str, str, str]], strictness: Strictness) -> None:
    line = Line(strictness)
    line.carry_all()

    for action, name, what in script:
        line.do(action, name, what)

    for end in line.ends.values():
        check_answers(end)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(messages(PROFILE), max_size=8), st.sampled_from(FAMILIES), st.booleans(), strictnesses)
def test_takes_any_valid_message_in_any_state(
    heard: list[Message], family: str, as_cem: bool, strictness: Strictness
) -> None:
    line = Line(strictness)
    line.carry_all()
    for action, name, what in (
        ("offer", "rm", family),
        ("carry", "rm", ""),
        ("select", "cem", family),
        ("carry", "rm", ""),
    ):
        line.do(action, name, what)
    end = line.ends["cem" if as_cem else "rm"]

    for each in heard:
        end.hear(dump_message(each, PROFILE), line.now)
    line.collect()

    check_answers(end)


@settings(max_examples=300, deadline=None)
@given(st.text(), st.binary(max_size=20))
def test_takes_any_text_and_any_bytes(wire_text: str, data: bytes) -> None:
    session = Session(CEM, new_id=new_id)
    session.start(NOW)
    session.data_to_send()

    session.receive_text(wire_text, NOW)
    session.receive_bytes(data, NOW)

    assert len(session.data_to_send()) == 2


def test_memory_is_bounded_against_a_peer_that_talks_without_end() -> None:
    line = Line()
    line.carry_all()
    for action, name, what in (
        ("offer", "rm", "FRBC"),
        ("carry", "rm", ""),
        ("select", "cem", "FRBC"),
        ("carry", "rm", ""),
    ):
        line.do(action, name, what)
    cem, rm = line.ends["cem"].session, line.ends["rm"].session

    for number in range(1500):
        for message_type in (
            *MENU["FRBC"],
            "FRBC.TimerStatus",
            "InstructionStatusUpdate",
            "PowerMeasurement",
            "OMBC.Status",
        ):
            cem.receive_text(text(message_type), line.now)
        rm.receive_text(text("FRBC.Instruction", id=f"i-{number}"), line.now)
        for session in (cem, rm):
            for each in session.data_to_send():
                parse_message(each, PROFILE)

    assert len(rm.ledger) <= 550
    assert len(cem._receptions) <= 256
    assert len(cem._deferred) == 0
    assert len(cem.resource.descriptions) <= 8
