"""A session as its shell sees it: what is read, what is answered, what is told."""

import json
from datetime import timedelta

import pytest

from s2.errors import ProfileError, RuleBroken, WrongState
from s2.events import (
    CloseRequested,
    ControlTypeSelected,
    InstructionUpdated,
    MessageReceived,
    MessageRefused,
    Opened,
    ReceptionReceived,
    ReceptionUnmatched,
)
from s2.messages import ControlType, InstructionStatus, ReceptionStatusValues
from s2.receptions import NIL_ID
from s2.session import QUEUE_LIMIT, Session
from s2.states import SessionState
from s2.versions import WireProfile
from tests.support.s2_samples import L1, sample
from tests.support.s2_sessions import (
    CEM,
    NOW,
    RM,
    Pair,
    answers,
    at,
    details,
    kinds,
    message,
    new_id,
    selection,
    stamp,
    statuses,
    text,
)

Status = ReceptionStatusValues


def refusal(pair: Pair, wire_text: str) -> MessageRefused:
    """What the CEM says of a text, which it has to answer exactly once."""
    (event,) = pair.cem_hears(wire_text)
    (answer,) = answers(pair.cem.data_to_send())
    assert isinstance(event, MessageRefused)
    assert answer["status"] == event.status.value
    assert answer["subject_message_id"] == event.message_id
    assert answer["diagnostic_label"].startswith(event.findings[0].rule)
    return event


# Negotiation.


def test_both_sides_open_whoever_speaks_first() -> None:
    pair = Pair()
    pair.cem_events += pair.cem.start(NOW)
    pair.deliver()
    pair.rm_events += pair.rm.start(NOW)
    pair.deliver()

    assert pair.cem.profile is pair.rm.profile is WireProfile.V1_0_0
    assert kinds(pair.cem_events).count("Opened") == kinds(pair.rm_events).count("Opened") == 1
    assert pair.cem.state is pair.rm.state is SessionState.UNCONTROLLED


def test_answers_the_handshake_before_it_chooses_the_version() -> None:
    session = Session(CEM, new_id=new_id)
    session.start(NOW)
    session.data_to_send()

    events = session.receive_text(text("Handshake", supported_protocol_versions=["0.0.1", "v0.0.2-beta"]), NOW)

    reception, choice = map(json.loads, session.data_to_send())
    assert reception["status"] == "OK"
    assert choice["selected_protocol_version"] == "v0.0.2-beta"
    assert kinds(events) == ["MessageReceived", "Opened"]
    assert session.profile is WireProfile.V0_0_2_BETA


def test_parts_from_an_rm_with_which_it_shares_no_version() -> None:
    session = Session(CEM, new_id=new_id)
    session.start(NOW)
    session.data_to_send()

    events = session.receive_text(text("Handshake", supported_protocol_versions=["9.0"]), NOW)

    reception, farewell = map(json.loads, session.data_to_send())
    assert reception["status"] == "INVALID_CONTENT"
    assert (farewell["message_type"], farewell["request"]) == ("SessionRequest", "TERMINATE")
    assert isinstance(events[-1], CloseRequested)
    assert events[-1].code == 1002
    assert session.closed


def test_an_rm_parts_from_a_cem_that_chooses_what_it_did_not_offer() -> None:
    session = Session(RM, new_id=new_id, versions=[WireProfile.V0_0_2_BETA])
    session.start(NOW)
    session.receive_text(text("Handshake", role="CEM", supported_protocol_versions=["0.0.2-beta"]), NOW)

    events = session.receive_text(text("HandshakeResponse", selected_protocol_version="1.0.0"), NOW)

    assert kinds(events) == ["MessageRefused", "CloseRequested"]


def test_waits_for_the_handshake_only_so_long() -> None:
    session = Session(CEM, new_id=new_id, handshake_timeout=timedelta(seconds=5))
    session.start(NOW)

    assert session.next_deadline() == at(5)
    assert session.tick(at(4)) == []
    (event,) = session.tick(at(5))
    assert isinstance(event, CloseRequested)
    assert event.code == 1002
    assert session.next_deadline() is None


def test_under_connect_it_is_open_from_the_start() -> None:
    session = Session(CEM, new_id=new_id, agreed=WireProfile.V1_0_0)

    assert session.start(NOW) == [Opened(WireProfile.V1_0_0)]
    assert session.data_to_send() == []
    (event,) = session.receive_text(text("ResourceManagerDetails"), NOW)
    assert isinstance(event, MessageReceived)


def test_a_handshake_under_connect_is_taken_with_a_warning_and_ignored() -> None:
    session = Session(CEM, new_id=new_id, agreed=WireProfile.V1_0_0)
    session.start(NOW)

    (event,) = session.receive_text(text("Handshake"), NOW)

    assert isinstance(event, MessageReceived)
    assert [finding.rule for finding in event.findings] == ["R-13"]
    assert statuses(session.data_to_send()) == [Status.OK]


# Answers.


@pytest.mark.parametrize(
    ("wire_text", "status", "rule"),
    [
        ("this is not JSON", Status.INVALID_DATA, "R-03"),
        ("", Status.INVALID_DATA, "R-03"),
        ("[1, 2, 3]", Status.INVALID_DATA, "R-03"),
        ("null", Status.INVALID_DATA, "R-03"),
        ("\ud800", Status.INVALID_DATA, "R-03"),
        ("[" * 100_000, Status.INVALID_DATA, "R-03"),
        ('{"message_type":"PowerMeasurement"}', Status.INVALID_DATA, "R-03"),
        (json.dumps(sample("PowerMeasurement", message_id="not an id!")), Status.INVALID_DATA, "R-03"),
        (text("PowerMeasurement").replace("PowerMeasurement", "PowerGuess"), Status.INVALID_MESSAGE, "R-03"),
        (text("PowerMeasurement", values=[]), Status.INVALID_MESSAGE, "R-03"),
        (text("PowerMeasurement", measurement_timestamp="2026-01-15T12:00:00"), Status.INVALID_MESSAGE, "R-03"),
        (text("FRBC.ActuatorStatus", operation_mode_factor=1.3), Status.INVALID_CONTENT, "R-20"),
        (text("InstructionStatusUpdate", instruction_id="unknown"), Status.INVALID_CONTENT, "R-35"),
        (text("OMBC.Status"), Status.INVALID_CONTENT, "R-12"),
        (text("HandshakeResponse"), Status.INVALID_CONTENT, "R-11"),
        (text("FRBC.Instruction"), Status.INVALID_CONTENT, "R-11"),
    ],
)
def test_answers_bad_input_as_the_standard_says_and_lives(wire_text: str, status: Status, rule: str) -> None:
    pair = Pair().offer("FRBC")

    event = refusal(pair, wire_text)

    assert event.status is status
    assert event.findings[0].rule == rule
    assert (event.message_id == NIL_ID) == (status is Status.INVALID_DATA)
    assert kinds(pair.cem_hears(text("PowerMeasurement"))) == ["MessageReceived"]


def test_answers_a_binary_frame_with_the_nil_id() -> None:
    pair = Pair().open()

    (event,) = pair.cem.receive_bytes(b"\x00\xff", NOW)

    assert isinstance(event, MessageRefused)
    assert (event.status, event.message_id) == (Status.INVALID_DATA, NIL_ID)
    assert statuses(pair.cem.data_to_send()) == [Status.INVALID_DATA]


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"operation_mode_factor": 1.3}, "R-20"),
        ({"operation_mode": "mode-x"}, "R-123"),
        ({"actuator_id": "actuator-x"}, "R-122"),
    ],
)
def test_an_rm_refuses_an_instruction_that_names_what_is_not_there(changes: dict[str, object], rule: str) -> None:
    pair = Pair().offer("FRBC")

    (event,) = pair.rm_hears(text("FRBC.Instruction", **changes))

    assert isinstance(event, MessageRefused)
    assert (event.status, event.findings[0].rule) == (Status.INVALID_CONTENT, rule)
    assert len(pair.rm.ledger) == 0


def test_an_rm_rejects_limits_outside_its_offer_by_status_update() -> None:
    pair = Pair().offer("PEBC")
    envelope = {"id": "e-1", "commodity_quantity": L1}
    element = {"duration": 1000, "upper_limit": 9000, "lower_limit": 0}

    events = pair.rm_hears(
        text("PEBC.Instruction", power_envelopes=[envelope | {"power_envelope_elements": [element]}])
    )

    (event,) = events
    assert isinstance(event, MessageRefused)
    assert (event.status, event.findings[0].rule) == (Status.OK, "R-76")
    reception, update = map(json.loads, pair.rm.data_to_send())
    assert reception["status"] == "OK"
    assert (update["instruction_id"], update["status_type"]) == ("instruction-1", "REJECTED")
    (entry,) = pair.rm.ledger
    assert entry.status is InstructionStatus.REJECTED


def test_never_answers_a_reception_status() -> None:
    pair = Pair().open()

    events = pair.cem_hears(text("ReceptionStatus", subject_message_id="nothing"))
    events += pair.cem_hears('{"message_type":"ReceptionStatus","subject_message_id":"m-1","status":"FINE"}')
    events += pair.cem_hears('{"message_type":"ReceptionStatus"}')

    assert kinds(events) == ["ReceptionUnmatched"] * 3
    assert pair.cem.data_to_send() == []


def test_the_same_text_gets_the_same_answer_and_no_second_effect() -> None:
    pair = Pair().offer("FRBC")
    for wire_text in (text("PowerMeasurement"), text("OMBC.Status")):
        first = pair.cem_hears(wire_text)
        again = pair.cem_hears(wire_text)

        answer, repeated = pair.cem.data_to_send()
        assert len(first) == 1
        assert again == []
        assert answer == repeated


def test_another_text_under_a_used_id_is_processed_with_a_warning() -> None:
    pair = Pair().offer("FRBC")
    pair.cem_hears(text("FRBC.StorageStatus", message_id="xxx", present_fill_level=1))

    (event,) = pair.cem_hears(text("FRBC.StorageStatus", message_id="xxx", present_fill_level=2))

    assert isinstance(event, MessageReceived)
    assert [finding.rule for finding in event.findings] == ["R-07"]


def test_a_menu_published_again_word_for_word_counts_after_a_new_selection() -> None:
    pair = Pair().open("FRBC")
    menu = text("FRBC.SystemDescription", message_id="xxx")
    pair.cem_hears(menu)
    pair.cem_says(selection("FRBC"))
    assert pair.cem.resource.description_at(NOW) is None

    pair.cem_hears(menu)

    assert pair.cem.resource.description_at(NOW) is not None


def test_while_storage_is_down_the_peer_is_asked_to_send_again() -> None:
    pair = Pair().offer("FRBC")
    menu = text("FRBC.SystemDescription", message_id="m-1", valid_from=stamp(1))

    (event,) = pair.cem_hears(menu, available=False)
    assert isinstance(event, MessageRefused)
    assert event.status is Status.TEMPORARY_ERROR
    assert not any(each.message_id == "m-1" for each in pair.cem.resource._descriptions)

    (event,) = pair.cem_hears(menu)
    assert isinstance(event, MessageReceived)
    assert event.findings == ()
    assert statuses(pair.cem.data_to_send()) == [Status.TEMPORARY_ERROR, Status.OK]


def test_bad_content_is_refused_for_good_even_while_storage_is_down() -> None:
    pair = Pair().open("FRBC")

    (event,) = pair.cem_hears(text("OMBC.Status"), available=False)

    assert isinstance(event, MessageRefused)
    assert event.status is Status.INVALID_CONTENT


def test_shakes_hands_while_storage_is_down() -> None:
    session = Session(CEM, new_id=new_id)
    session.start(NOW)

    assert kinds(session.receive_text(text("Handshake"), NOW, available=False)) == ["MessageReceived", "Opened"]


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
