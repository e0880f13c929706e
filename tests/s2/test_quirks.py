"""Each quirk: what it makes of a message, what it tells, and that it is silent where it does not apply."""

from typing import Any

import pytest

from s2.conversation import Conversation
from s2.events import InstructionUpdated, MessageReceived, MessageRefused
from s2.findings import Finding, Severity
from s2.messages import (
    InstructionStatus,
    InstructionStatusUpdate,
    NumberRange,
    PEBCPowerConstraints,
    ReceptionStatusValues,
)
from s2.quirks import permitted
from s2.session import Session
from s2.strictness import STRICT, Quirk, Strictness
from s2.versions import ALL_PROFILES, WireProfile
from tests.support.s2_samples import sample
from tests.support.s2_sessions import (
    ALL_CONTROL_TYPES,
    CEM,
    NOW,
    RM,
    conversation,
    message,
    new_id,
    selection,
    statuses,
    text,
)

Status = ReceptionStatusValues


def with_quirk(*quirks: Quirk) -> Strictness:
    return Strictness(quirks=frozenset(quirks))


def cem(strictness: Strictness, family: str) -> Session:
    """A CEM under this control type."""
    session = Session(CEM, new_id=new_id, agreed=WireProfile.V1_0_0, strictness=strictness)
    session.start(NOW)
    session.receive_text(text("ResourceManagerDetails", available_control_types=ALL_CONTROL_TYPES), NOW)
    session.send(selection(family), NOW)
    session.data_to_send()
    return session


def talk(family: str, strictness: Strictness) -> Conversation:
    begun = conversation(family)
    begun.strictness = strictness
    return begun


def limit_ranges(start: float, end: float) -> list[dict[str, Any]]:
    """The upper limits run from `start` to `end`; the lower ones as in the sample."""
    upper, lower = sample("PEBC.PowerConstraints")["allowed_limit_ranges"]
    return [upper | {"range_boundary": {"start_of_range": start, "end_of_range": end}}, lower]


# Reversed limit range.


def test_a_reversed_limit_range_is_turned_round() -> None:
    session = cem(with_quirk(Quirk.REVERSED_LIMIT_RANGE), "PEBC")

    (event,) = session.receive_text(text("PEBC.PowerConstraints", allowed_limit_ranges=limit_ranges(7400, 0)), NOW)

    assert isinstance(event, MessageReceived)
    assert isinstance(event.message, PEBCPowerConstraints)
    assert event.message.allowed_limit_ranges[0].range_boundary == NumberRange(start_of_range=0, end_of_range=7400)
    assert event.rewritten
    (finding,) = event.findings
    assert (finding.rule, finding.severity, finding.quirk) == ("R-17", Severity.WARNING, "reversed-limit-range")
    assert finding.path == "$.allowed_limit_ranges[0].range_boundary"
    assert finding.text == "start 7400 should not be above end 0; read from 0 to 7400"
    assert session.resource.constraints["constraints-1"] == event.message
    assert statuses(session.data_to_send()) == [Status.OK]


def test_instructions_follow_the_range_as_it_was_read() -> None:
    session = cem(with_quirk(Quirk.REVERSED_LIMIT_RANGE), "PEBC")
    session.receive_text(text("PEBC.PowerConstraints", allowed_limit_ranges=limit_ranges(0, -5000)), NOW)

    assert session.send(message("PEBC.Instruction"), NOW) == ()


@pytest.mark.parametrize(("start", "end"), [(0, 0), (-5000, 0)])
def test_an_ordered_limit_range_is_left_alone(start: float, end: float) -> None:
    said = message("PEBC.PowerConstraints", allowed_limit_ranges=limit_ranges(start, end))

    taken, findings = talk("PEBC", with_quirk(Quirk.REVERSED_LIMIT_RANGE)).read(said, RM, NOW)

    assert taken is said
    assert findings == ()


def test_only_the_boundaries_of_limits_may_run_downwards() -> None:
    description = sample("FRBC.SystemDescription")
    description["storage"]["fill_level_range"] = {"start_of_range": 100, "end_of_range": 0}

    _, findings = talk("FRBC", with_quirk(*Quirk)).read(
        message("FRBC.SystemDescription", storage=description["storage"]), RM, NOW
    )

    assert ("R-17", Severity.ERROR) in {(each.rule, each.severity) for each in findings}


# Message id as instruction id.


def instructed(strictness: Strictness) -> Session:
    session = cem(strictness, "FRBC")
    session.receive_text(text("FRBC.SystemDescription"), NOW)
    session.receive_text(text("FRBC.ActuatorStatus"), NOW)
    session.send(message("FRBC.Instruction", message_id="m-1", id="i-1"), NOW)
    session.data_to_send()
    return session


def test_an_instruction_is_found_by_its_message_id() -> None:
    session = instructed(with_quirk(Quirk.MESSAGE_ID_AS_INSTRUCTION_ID))

    received, updated = session.receive_text(text("InstructionStatusUpdate", instruction_id="m-1"), NOW)

    assert isinstance(received, MessageReceived)
    assert isinstance(received.message, InstructionStatusUpdate)
    assert received.message.instruction_id == "i-1"
    assert received.rewritten
    (finding,) = received.findings
    assert (finding.rule, finding.severity, finding.path) == ("R-35", Severity.WARNING, "$.instruction_id")
    assert finding.quirk == "message-id-as-instruction-id"
    assert finding.text == "should be the id of the instruction, not its message_id; read as i-1"
    assert isinstance(updated, InstructionUpdated)
    assert (updated.entry.id, updated.entry.status) == ("i-1", InstructionStatus.STARTED)
    assert updated.entry.findings == received.findings


def test_the_right_id_stays_right() -> None:
    session = instructed(with_quirk(Quirk.MESSAGE_ID_AS_INSTRUCTION_ID))

    received, _ = session.receive_text(text("InstructionStatusUpdate", instruction_id="i-1"), NOW)

    assert isinstance(received, MessageReceived)
    assert not received.rewritten
    assert received.findings == ()


def test_an_id_of_nothing_stays_unknown() -> None:
    session = instructed(with_quirk(Quirk.MESSAGE_ID_AS_INSTRUCTION_ID))

    (event,) = session.receive_text(text("InstructionStatusUpdate", instruction_id="m-2"), NOW)

    assert isinstance(event, MessageRefused)
    assert [each.rule for each in event.findings] == ["R-35"]


def test_an_end_that_comes_after_control_is_understood_as_well() -> None:
    session = instructed(with_quirk(Quirk.MESSAGE_ID_AS_INSTRUCTION_ID))
    session.send(message("SelectControlType", control_type="NO_SELECTION"), NOW)
    session.tick(NOW)

    _, updated = session.receive_text(
        text("InstructionStatusUpdate", instruction_id="m-1", status_type="SUCCEEDED"), NOW
    )

    assert isinstance(updated, InstructionUpdated)
    assert updated.entry.status is InstructionStatus.SUCCEEDED


# Undeclared leakage.


def storage(**declared: bool) -> dict[str, Any]:
    """The sample's storage with other declarations."""
    return {"storage": sample("FRBC.SystemDescription")["storage"] | declared}


def test_undeclared_leakage_is_taken_as_it_is() -> None:
    session = cem(with_quirk(Quirk.UNDECLARED_LEAKAGE), "FRBC")
    session.receive_text(text("FRBC.SystemDescription", **storage(provides_leakage_behaviour=False)), NOW)

    (event,) = session.receive_text(text("FRBC.LeakageBehaviour"), NOW)

    assert isinstance(event, MessageReceived)
    assert not event.rewritten
    (finding,) = event.findings
    assert (finding.rule, finding.severity, finding.quirk) == ("R-124", Severity.WARNING, "undeclared-leakage")


def test_a_forecast_that_was_not_declared_stays_refused() -> None:
    session = cem(with_quirk(Quirk.UNDECLARED_LEAKAGE), "FRBC")
    session.receive_text(text("FRBC.SystemDescription", **storage(provides_usage_forecast=False)), NOW)

    (event,) = session.receive_text(text("FRBC.UsageForecast"), NOW)

    assert isinstance(event, MessageRefused)
    assert [each.rule for each in event.findings] == ["R-124"]


def test_a_breach_that_is_permitted_is_a_warning() -> None:
    said = message("FRBC.LeakageBehaviour")
    found = (Finding("R-124", Severity.ERROR, "none is declared"), Finding("R-121", Severity.ERROR, "a gap"))

    permission, gap = permitted(said, found, frozenset({Quirk.UNDECLARED_LEAKAGE}))

    assert (permission.rule, permission.severity) == ("R-124", Severity.WARNING)
    assert (permission.quirk, permission.text) == ("undeclared-leakage", "none is declared; taken all the same")
    assert gap == found[1]


def test_what_else_was_not_declared_stays_forbidden() -> None:
    found = (Finding("R-124", Severity.ERROR, "none is declared"),)

    assert permitted(message("FRBC.UsageForecast"), found, frozenset(Quirk)) == found
    assert permitted(message("FRBC.LeakageBehaviour"), found, frozenset()) == found


# All of them.

_HABITS = [
    (Quirk.REVERSED_LIMIT_RANGE, "PEBC", "PEBC.PowerConstraints", {"allowed_limit_ranges": limit_ranges(1, 0)}),
    (Quirk.MESSAGE_ID_AS_INSTRUCTION_ID, "FRBC", "InstructionStatusUpdate", {"instruction_id": "m-1"}),
]


@pytest.mark.parametrize(("quirk", "family", "message_type", "changes"), _HABITS)
def test_a_quirk_counts_only_where_it_is_switched_on(
    quirk: Quirk, family: str, message_type: str, changes: dict[str, Any]
) -> None:
    for strictness in (STRICT, Strictness(lenient=True), with_quirk(*(set(Quirk) - {quirk}))):
        session = instructed(strictness) if family == "FRBC" else cem(strictness, family)

        (event,) = session.receive_text(text(message_type, **changes), NOW)

        assert isinstance(event, MessageRefused)
        assert event.status is Status.INVALID_CONTENT


def test_without_allowances_reading_is_judging() -> None:
    begun = Conversation(ALL_PROFILES, agreed=None, crossing_time=NOW - NOW)
    said = message("OMBC.Status")

    assert begun.read(said, RM, NOW) == (said, begun.judge(said, RM, NOW))
