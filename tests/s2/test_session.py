"""A session as its shell sees it: control types, instructions and the end."""

from contextlib import suppress

import pytest

from s2.errors import ProfileError, RuleBroken, WrongState
from s2.events import (
    CloseRequested,
    ControlTypeSelected,
    InstructionRevoked,
    InstructionUpdated,
    MessageReceived,
    ReceptionReceived,
    ReceptionUnmatched,
)
from s2.messages import ControlType, InstructionStatus, ReceptionStatusValues
from s2.receptions import NIL_ID
from s2.session import QUEUE_LIMIT, Session
from s2.versions import WireProfile
from tests.support.s2_sessions import (
    MENU,
    NOW,
    RM,
    Pair,
    at,
    details,
    kinds,
    message,
    new_id,
    selection,
    statuses,
    text,
)

Status = ReceptionStatusValues


# The control type and what depends on it.


def test_the_selection_is_active_when_sent_and_reported_when_acknowledged() -> None:
    pair = Pair().open()

    pair.cem.send(selection("FRBC"), NOW)
    assert pair.cem.control_type is ControlType.FILL_RATE_BASED_CONTROL
    assert not any(isinstance(event, ControlTypeSelected) for event in pair.cem_events)
    pair.deliver()

    expected = ControlTypeSelected(ControlType.FILL_RATE_BASED_CONTROL)
    assert expected in pair.cem_events
    assert expected in pair.rm_events


def test_a_refused_selection_leaves_no_control_type() -> None:
    pair = Pair().open()
    pair.cem.send(message("SelectControlType", message_id="s-1", control_type="FILL_RATE_BASED_CONTROL"), NOW)

    events = pair.cem_hears(text("ReceptionStatus", subject_message_id="s-1", status="INVALID_CONTENT"))

    assert kinds(events) == ["ReceptionReceived"]
    assert pair.cem.control_type is None


def test_details_end_control_and_open_instructions_on_both_sides() -> None:
    pair = Pair().offer("FRBC")
    pair.cem_says(message("FRBC.Instruction"))
    pair.cem_events.clear()

    pair.rm_says(details())

    assert kinds(pair.cem_events) == ["MessageReceived", "InstructionUpdated"]
    assert pair.cem.control_type is pair.rm.control_type is None
    for session in (pair.cem, pair.rm):
        (entry,) = session.ledger
        assert (entry.status, entry.ended_locally) == (InstructionStatus.ABORTED, True)


def test_a_selection_ends_open_instructions_and_says_so_at_the_next_turn() -> None:
    pair = Pair().offer("FRBC")
    pair.cem_says(message("FRBC.Instruction"))

    pair.cem.send(selection("PEBC"), NOW)

    assert pair.cem.next_deadline() == NOW
    (event,) = pair.cem.tick(NOW)
    assert isinstance(event, InstructionUpdated)
    assert event.entry.ended_locally


# Instructions, from the CEM's side.


def test_follows_an_instruction_to_its_end() -> None:
    pair = Pair().offer("FRBC")
    pair.cem_events.clear()

    pair.cem_says(message("FRBC.Instruction"))
    for status in ("ACCEPTED", "STARTED", "SUCCEEDED"):
        pair.rm_says(message("InstructionStatusUpdate", status_type=status))

    updates = [event.entry for event in pair.cem_events if isinstance(event, InstructionUpdated)]
    assert [(each.reception, each.status) for each in updates] == [
        (Status.OK, None),
        (Status.OK, InstructionStatus.ACCEPTED),
        (Status.OK, InstructionStatus.STARTED),
        (Status.OK, InstructionStatus.SUCCEEDED),
    ]


def test_a_status_may_come_before_the_reception() -> None:
    pair = Pair().offer("FRBC")
    pair.cem.send(message("FRBC.Instruction", message_id="m-1"), NOW)

    early = pair.cem_hears(text("InstructionStatusUpdate", status_type="STARTED"))
    late = pair.cem_hears(text("ReceptionStatus", subject_message_id="m-1", status="OK"))

    assert kinds(early) == ["MessageReceived", "InstructionUpdated"]
    assert kinds(late) == ["ReceptionReceived", "InstructionUpdated"]


def test_a_status_after_the_end_is_taken_with_a_warning() -> None:
    pair = Pair().offer("FRBC")
    pair.cem_says(message("FRBC.Instruction"))
    pair.rm_says(message("InstructionStatusUpdate", status_type="SUCCEEDED"))

    received, updated = pair.cem_hears(text("InstructionStatusUpdate", status_type="STARTED"))

    assert isinstance(received, MessageReceived)
    assert [finding.rule for finding in received.findings] == ["R-37"]
    assert isinstance(updated, InstructionUpdated)
    assert updated.entry.status is InstructionStatus.SUCCEEDED
    assert [finding.rule for finding in updated.entry.findings] == ["R-37"]


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"operation_mode_factor": 1.3}, "R-20"),
        ({"operation_mode_factor": -0.1}, "R-20"),
        ({"operation_mode": "mode-x"}, "R-123"),
        ({"actuator_id": "actuator-x"}, "R-122"),
        ({"id": "instruction-1"}, "R-34"),
    ],
)
def test_refuses_to_send_what_breaks_a_rule(changes: dict[str, object], rule: str) -> None:
    pair = Pair().offer("FRBC")
    pair.cem_says(message("FRBC.Instruction", id="instruction-1"))

    with pytest.raises(RuleBroken) as caught:
        pair.cem.send(message("FRBC.Instruction", **{"id": "instruction-2", **changes}), NOW)

    assert [finding.rule for finding in caught.value.findings] == [rule]
    assert pair.cem.data_to_send() == []
    assert len(pair.cem.ledger) == 1


def test_returns_the_warnings_against_what_it_sends() -> None:
    pair = Pair().offer("FRBC")

    warnings = pair.cem.send(message("FRBC.Instruction", operation_mode="mode-off"), NOW)

    assert [finding.rule for finding in warnings] == ["R-52"]
    assert len(pair.cem.data_to_send()) == 1


def test_refuses_to_send_at_the_wrong_time_or_from_the_wrong_side() -> None:
    pair = Pair().open("FRBC")

    for session, message_type in (
        (pair.cem, "PEBC.Instruction"),
        (pair.cem, "FRBC.StorageStatus"),
        (pair.rm, "FRBC.Instruction"),
        (pair.rm, "OMBC.Status"),
        (pair.cem, "Handshake"),
        (pair.cem, "ReceptionStatus"),
    ):
        with pytest.raises(WrongState):
            session.send(message(message_type), NOW)


def test_refuses_to_send_what_the_version_does_not_know() -> None:
    session = Session(RM, new_id=new_id, agreed=WireProfile.V0_0_2_BETA)
    session.start(NOW)
    session.send(details(), NOW)
    session.receive_text(text("SelectControlType", control_type="DEMAND_DRIVEN_BASED_CONTROL"), NOW)
    session.data_to_send()

    with pytest.raises(ProfileError):
        session.send(message("DDBC.PresentDemandStatus"), NOW)

    assert session.data_to_send() == []


# Instructions, from the RM's side.


def test_a_revoked_instruction_is_told_to_the_device_which_reports_its_end() -> None:
    pair = Pair().offer("FRBC")
    pair.cem_says(message("FRBC.Instruction", id="i-1"))
    pair.rm_events.clear()

    pair.cem_says(message("RevokeObject", object_type="FRBC.Instruction", object_id="i-1"))

    assert kinds(pair.rm_events) == ["MessageReceived", "InstructionRevoked"]
    revoked = pair.rm_events[-1]
    assert isinstance(revoked, InstructionRevoked)
    assert revoked.entry.id == "i-1"
    pair.rm_says(message("InstructionStatusUpdate", instruction_id="i-1", status_type="REVOKED"))
    for session in (pair.cem, pair.rm):
        (entry,) = session.ledger
        assert entry.status is InstructionStatus.REVOKED


def test_a_revocation_that_comes_too_late_is_acknowledged_without_effect() -> None:
    pair = Pair().offer("FRBC")
    pair.cem_says(message("FRBC.Instruction", id="i-1"))
    pair.rm_says(message("InstructionStatusUpdate", instruction_id="i-1", status_type="SUCCEEDED"))
    pair.rm_events.clear()

    pair.cem_says(message("RevokeObject", object_type="FRBC.Instruction", object_id="i-1"))

    assert kinds(pair.rm_events) == ["MessageReceived"]


def test_a_selection_tells_the_device_what_counts_no_longer_before_what_comes() -> None:
    pair = Pair().offer("FRBC")
    pair.cem_says(message("FRBC.Instruction", id="i-1"))
    pair.rm_events.clear()

    pair.cem_says(selection("FRBC"))

    assert kinds(pair.rm_events) == ["MessageReceived", "InstructionUpdated", "ControlTypeSelected"]
    ended = pair.rm_events[1]
    assert isinstance(ended, InstructionUpdated)
    assert (ended.entry.id, ended.entry.ended_locally) == ("i-1", True)
    pair.rm_says(message("InstructionStatusUpdate", instruction_id="i-1", status_type="ABORTED"))
    (entry,) = pair.cem.ledger
    assert (entry.status, entry.ended_locally) == (InstructionStatus.ABORTED, False)


def test_new_details_tell_the_device_what_counts_no_longer_at_the_next_turn() -> None:
    pair = Pair().offer("FRBC")
    pair.cem_says(message("FRBC.Instruction", id="i-1"))

    pair.rm.send(details(), NOW)

    assert pair.rm.next_deadline() == NOW
    (event,) = pair.rm.tick(NOW)
    assert isinstance(event, InstructionUpdated)
    assert event.entry.ended_locally


def test_a_device_publishes_everything_anew_after_each_selection() -> None:
    pair = Pair().offer("FRBC")

    for _ in range(2):
        pair.cem_says(selection("FRBC"))
        for message_type in MENU["FRBC"]:
            pair.rm_says(message(message_type))

    assert pair.cem.resource.active_mode("actuator-1", NOW) == "mode-on"
    assert set(statuses(pair.to_rm)) == {Status.OK}


# The end.


def test_takes_leave_when_the_peer_asks() -> None:
    pair = Pair().open()

    events = pair.cem_hears(text("SessionRequest"))

    assert kinds(events) == ["MessageReceived", "CloseRequested"]
    assert events[-1] == CloseRequested(1000, "the RM asked for it")
    assert statuses(pair.cem.data_to_send()) == [Status.OK]
    assert pair.cem_hears(text("PowerMeasurement")) == []
    assert pair.cem.receive_bytes(b"", NOW) == pair.cem.tick(at(99)) == []
    with pytest.raises(WrongState):
        pair.cem.send(selection("FRBC"), NOW)


def test_closes_once_its_own_request_is_answered() -> None:
    pair = Pair().open()

    pair.cem.send(message("SessionRequest"), NOW)
    with pytest.raises(WrongState):
        pair.cem.send(selection("FRBC"), NOW)
    pair.deliver()

    assert kinds(pair.cem_events)[-1] == "CloseRequested"
    assert pair.cem.closed
    assert pair.rm.closed


def test_takes_leave_of_a_peer_that_answers_nothing() -> None:
    pair = Pair().open()
    with suppress(WrongState):
        for number in range(1_000):
            pair.rm.send(message("PowerMeasurement", message_id=f"m-{number}"), NOW)
    with pytest.raises(WrongState, match="acknowledgement"):
        pair.rm.send(message("PowerMeasurement", message_id="one-more"), NOW)

    pair.rm.send(message("SessionRequest"), NOW)

    assert "SessionRequest" in pair.rm.data_to_send()[-1]


def test_closes_when_the_peer_cannot_go_on() -> None:
    pair = Pair().open()
    pair.cem.send(message("SelectControlType", message_id="s-1", control_type="FILL_RATE_BASED_CONTROL"), NOW)

    events = pair.cem_hears(text("ReceptionStatus", subject_message_id="s-1", status="PERMANENT_ERROR"))

    assert isinstance(events[0], ReceptionReceived)
    assert isinstance(events[-1], CloseRequested)
    assert events[-1].code == 1000


def test_gives_up_on_a_peer_that_writes_and_does_not_read() -> None:
    pair = Pair().open()

    events = [event for _ in range(QUEUE_LIMIT + 1) for event in pair.cem_hears("flood")]

    assert isinstance(events[-1], CloseRequested)
    assert events[-1].code == 1008
    assert len(pair.cem.data_to_send()) == QUEUE_LIMIT + 1


def test_unmatched_answers_are_told() -> None:
    pair = Pair().open()

    (event,) = pair.cem_hears(text("ReceptionStatus", subject_message_id=NIL_ID, status="INVALID_DATA"))

    assert isinstance(event, ReceptionUnmatched)
    assert (event.subject_message_id, event.status) == (NIL_ID, Status.INVALID_DATA)
