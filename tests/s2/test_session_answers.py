"""What a session answers to whatever it reads."""

import json

import pytest

from s2.events import (
    MessageReceived,
    MessageRefused,
)
from s2.messages import InstructionStatus, ReceptionStatusValues
from s2.receptions import NIL_ID
from s2.session import Session
from s2.versions import WireProfile
from tests.support.s2_samples import L1, sample
from tests.support.s2_sessions import (
    CEM,
    NOW,
    RM,
    Pair,
    answers,
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
        (text("PowerMeasurement", values=[]), Status.INVALID_MESSAGE, "R-08"),
        (text("PowerMeasurement", measurement_timestamp="2026-01-15T12:00:00"), Status.INVALID_MESSAGE, "R-22"),
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


def test_an_rm_refuses_limits_outside_its_offer_where_that_is_preferred() -> None:
    rm = Session(RM, new_id=new_id, agreed=WireProfile.V1_0_0, rejects_by_update=False)
    rm.start(NOW)
    rm.send(details(), NOW)
    rm.receive_text(text("SelectControlType", control_type="POWER_ENVELOPE_BASED_CONTROL"), NOW)
    rm.send(message("PEBC.PowerConstraints"), NOW)
    rm.data_to_send()
    element = {"duration": 1000, "upper_limit": 9000, "lower_limit": 0}
    envelope = {"id": "e-1", "commodity_quantity": L1, "power_envelope_elements": [element]}

    (event,) = rm.receive_text(text("PEBC.Instruction", power_envelopes=[envelope]), NOW)

    assert isinstance(event, MessageRefused)
    assert (event.status, event.findings[0].rule) == (Status.INVALID_CONTENT, "R-76")
    assert statuses(rm.data_to_send()) == [Status.INVALID_CONTENT]
    assert len(rm.ledger) == 0


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


def test_a_state_that_returns_under_the_one_id_of_all_messages_is_news() -> None:
    pair = Pair().offer("FRBC")
    on, off = (
        text("FRBC.ActuatorStatus", message_id="xxx", active_operation_mode_id=mode) for mode in ("mode-on", "mode-off")
    )
    for wire_text in (on, off, on):
        pair.cem_hears(wire_text)

    assert pair.cem.resource.active_mode("actuator-1", NOW) == "mode-on"
    assert pair.cem_hears(on) == []


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
    assert not any(each.message_id == "m-1" for each in pair.cem.resource.descriptions)

    (event,) = pair.cem_hears(menu)
    assert isinstance(event, MessageReceived)
    assert event.findings == ()
    assert statuses(pair.cem.data_to_send()) == [Status.TEMPORARY_ERROR, Status.OK]


def test_bad_content_is_refused_for_good_even_while_storage_is_down() -> None:
    pair = Pair().open("FRBC")

    (event,) = pair.cem_hears(text("OMBC.Status"), available=False)

    assert isinstance(event, MessageRefused)
    assert event.status is Status.INVALID_CONTENT


def test_what_follows_a_message_that_was_put_off_is_not_refused_for_that() -> None:
    pair = Pair().offer("FRBC")
    actuator = sample("FRBC.SystemDescription")["actuators"][0] | {"id": "actuator-new"}
    menu = text("FRBC.SystemDescription", valid_from=stamp(1), actuators=[actuator])
    status = text("FRBC.ActuatorStatus", actuator_id="actuator-new")

    events = [event for each in (menu, status) for event in pair.cem_hears(each, available=False)]
    assert [event.status for event in events if isinstance(event, MessageRefused)] == [Status.TEMPORARY_ERROR] * 2

    events = [event for each in (menu, status) for event in pair.cem_hears(each)]
    assert kinds(events) == ["MessageReceived"] * 2


def test_what_is_wrong_in_itself_is_refused_even_while_storage_is_down() -> None:
    pair = Pair().offer("FRBC")

    (event,) = pair.cem_hears(text("FRBC.ActuatorStatus", operation_mode_factor=1.3), available=False)

    assert isinstance(event, MessageRefused)
    assert event.status is Status.INVALID_CONTENT


def test_shakes_hands_while_storage_is_down() -> None:
    session = Session(CEM, new_id=new_id)
    session.start(NOW)

    assert kinds(session.receive_text(text("Handshake"), NOW, available=False)) == ["MessageReceived", "Opened"]
