"""What becomes of our own messages."""

import json

import pytest

from s2.errors import WrongState
from s2.events import AcknowledgementMissing, CloseRequested, InstructionUpdated, ReceptionReceived
from s2.messages import Message, ReceptionStatusValues
from s2.session import Session
from tests.support.s2_sessions import (
    CEM,
    MENU,
    NOW,
    Pair,
    at,
    details,
    kinds,
    message,
    new_id,
    selection,
    stamp,
    text,
)

Status = ReceptionStatusValues


def busy(pair: Pair, message_id: str, seconds: float = 0) -> list[str]:
    """The RM cannot take a message of the CEM's in."""
    reception = text("ReceptionStatus", subject_message_id=message_id, status="TEMPORARY_ERROR")
    return kinds(pair.cem.receive_text(reception, at(seconds)))


def sent_ids(session: Session) -> list[str]:
    return [json.loads(each)["message_id"] for each in session.data_to_send()]


def test_reports_what_is_never_acknowledged_and_closes_after_three_in_a_row() -> None:
    pair = Pair().offer("FRBC")
    for number in range(3):
        pair.cem.send(message("FRBC.Instruction", id=f"i-{number}"), NOW)

    events = pair.cem.tick(at(10))

    assert kinds(events) == ["AcknowledgementMissing"] * 3 + ["CloseRequested"]
    assert isinstance(events[0], AcknowledgementMissing)
    assert events[0].findings[0].rule == "R-01"
    assert isinstance(events[-1], CloseRequested)
    assert events[-1].code == 1002


def test_an_answer_in_between_starts_the_count_anew() -> None:
    pair = Pair().offer("FRBC")
    for number in range(4):
        pair.cem.send(message("FRBC.Instruction", id=f"i-{number}", message_id=f"m-{number}"), at(number))
    pair.cem.data_to_send()

    assert kinds(pair.cem.tick(at(11))) == ["AcknowledgementMissing"] * 2
    pair.cem.receive_text(text("ReceptionStatus", subject_message_id="m-3"), at(11))
    assert kinds(pair.cem.tick(at(12))) == ["AcknowledgementMissing"]
    assert not pair.cem.closed


def test_a_late_answer_still_counts() -> None:
    pair = Pair().offer("FRBC")
    pair.cem.send(message("FRBC.Instruction", message_id="m-1"), NOW)
    pair.cem.tick(at(10))

    events = pair.cem.receive_text(text("ReceptionStatus", subject_message_id="m-1"), at(20))

    assert kinds(events) == ["ReceptionReceived", "InstructionUpdated"]


def test_sends_the_same_message_again_while_the_peer_is_busy_and_reports_the_last_verdict() -> None:
    pair = Pair().offer("FRBC")
    pair.cem.send(message("FRBC.Instruction", message_id="m-1"), NOW)
    (first,) = pair.cem.data_to_send()

    moment = 0.0
    for delay in (1, 2, 4):
        assert busy(pair, "m-1", moment) == []
        moment += delay
        assert pair.cem.next_deadline() == at(moment)
        assert pair.cem.tick(at(moment)) == []
        assert pair.cem.data_to_send() == [first]

    assert busy(pair, "m-1", moment) == ["ReceptionReceived", "InstructionUpdated"]
    (entry,) = pair.cem.ledger
    assert entry.reception is Status.TEMPORARY_ERROR
    assert entry.ended


def test_does_not_send_again_what_may_not_be_said_any_more() -> None:
    pair = Pair().offer("FRBC")
    pair.cem.send(message("FRBC.Instruction", message_id="m-1"), NOW)
    busy(pair, "m-1")
    pair.cem.data_to_send()
    pair.cem.receive_text(text("RevokeObject", object_type="FRBC.SystemDescription", object_id=menu_id(pair)), NOW)
    pair.cem.data_to_send()

    reported, updated = pair.cem.tick(at(1))

    assert pair.cem.data_to_send() == []
    assert isinstance(reported, ReceptionReceived)
    assert (reported.status, reported.label) == (
        Status.TEMPORARY_ERROR,
        "not sent again: R-44: no system description is in force",
    )
    assert isinstance(updated, InstructionUpdated)


def menu_id(pair: Pair) -> str:
    description = pair.cem.resource.description_at(NOW)
    assert description is not None
    return description.message_id


def test_does_not_send_an_overtaken_selection_again() -> None:
    pair = Pair().open()
    pair.cem.send(message("SelectControlType", message_id="s-1", control_type="FILL_RATE_BASED_CONTROL"), NOW)
    busy(pair, "s-1")
    pair.cem.send(selection("PEBC"), NOW)
    pair.cem.data_to_send()

    (overtaken,) = pair.cem.tick(NOW)

    assert isinstance(overtaken, ReceptionReceived)
    assert overtaken.label == "overtaken"
    pair.cem.tick(at(1))
    assert pair.cem.data_to_send() == []
    assert pair.cem.state.value == "PEBC"


def test_an_answer_to_an_older_selection_changes_nothing() -> None:
    pair = Pair().open()
    pair.cem.send(message("SelectControlType", message_id="s-1", control_type="FILL_RATE_BASED_CONTROL"), NOW)
    pair.cem.send(message("SelectControlType", message_id="s-2", control_type="NO_SELECTION"), NOW)

    events = pair.cem_hears(text("ReceptionStatus", subject_message_id="s-1", status="INVALID_CONTENT"))

    assert kinds(events) == ["ReceptionReceived"]
    assert pair.cem.control_type is not None
    assert pair.cem.control_type.value == "NO_SELECTION"


def test_a_selection_that_crossed_with_new_details_does_not_count_when_acknowledged() -> None:
    pair = Pair().open()
    pair.cem.send(message("SelectControlType", message_id="s-1", control_type="FILL_RATE_BASED_CONTROL"), NOW)
    pair.cem_hears(text("ResourceManagerDetails"))

    events = pair.cem_hears(text("ReceptionStatus", subject_message_id="s-1", status="OK"))

    assert kinds(events) == ["ReceptionReceived"]
    assert pair.cem.control_type is None


def test_does_not_send_a_selection_again_after_new_details() -> None:
    pair = Pair().open()
    pair.cem.send(message("SelectControlType", message_id="s-1", control_type="FILL_RATE_BASED_CONTROL"), NOW)
    busy(pair, "s-1")
    pair.cem_hears(text("ResourceManagerDetails"))
    pair.cem.data_to_send()

    (reported,) = pair.cem.tick(at(1))

    assert pair.cem.data_to_send() == []
    assert isinstance(reported, ReceptionReceived)
    assert reported.status is Status.TEMPORARY_ERROR


def revocation(instruction_id: str) -> Message:
    return message("RevokeObject", object_type="FRBC.Instruction", object_id=instruction_id)


def test_an_older_word_is_not_said_again_after_a_newer_one() -> None:
    pair = Pair().offer("FRBC")
    for message_id, level in (("m-1", 10), ("m-2", 11)):
        pair.rm.send(message("FRBC.StorageStatus", message_id=message_id, present_fill_level=level), NOW)
    pair.rm.data_to_send()

    (event,) = pair.rm_hears(text("ReceptionStatus", subject_message_id="m-1", status="TEMPORARY_ERROR"))
    pair.rm_hears(text("ReceptionStatus", subject_message_id="m-2"))

    assert isinstance(event, ReceptionReceived)
    assert pair.rm.next_deadline() is None


def test_an_instruction_is_not_sent_again_after_one_that_took_its_place() -> None:
    pair = Pair().offer("FRBC")
    pair.cem.send(message("FRBC.Instruction", message_id="m-1", id="i-1"), NOW)
    busy(pair, "m-1")
    pair.cem.send(message("FRBC.Instruction", message_id="m-2", id="i-2", operation_mode_factor=0), NOW)
    pair.cem.data_to_send()

    reported, updated = pair.cem.tick(at(1))

    assert pair.cem.data_to_send() == []
    assert isinstance(reported, ReceptionReceived)
    assert (reported.status, reported.label) == (Status.TEMPORARY_ERROR, "overtaken")
    assert isinstance(updated, InstructionUpdated)
    assert updated.entry.ended


def test_an_instruction_whose_time_went_to_a_later_one_is_not_sent_again() -> None:
    pair = Pair().offer("FRBC")
    pair.cem.send(message("FRBC.Instruction", message_id="m-1", id="i-1"), NOW)
    pair.cem.send(message("FRBC.Instruction", message_id="m-2", id="i-2", execution_time=stamp(2)), NOW)
    busy(pair, "m-1", 1.5)
    pair.cem.data_to_send()

    reported, _ = pair.cem.tick(at(2.5))

    assert pair.cem.data_to_send() == []
    assert isinstance(reported, ReceptionReceived)
    assert reported.label == "not sent again: overtaken"


def test_a_revoked_instruction_is_not_sent_again() -> None:
    pair = Pair().offer("FRBC")
    pair.cem.send(message("FRBC.Instruction", message_id="m-1", id="i-1"), NOW)
    busy(pair, "m-1")
    pair.cem.data_to_send()
    pair.cem.send(revocation("i-1"), NOW)
    pair.cem.data_to_send()

    pair.cem.tick(at(1))

    assert pair.cem.data_to_send() == []


def test_an_instruction_that_ended_meanwhile_is_not_sent_again() -> None:
    pair = Pair().offer("FRBC")
    pair.cem.send(message("FRBC.Instruction", message_id="m-1", id="i-1"), NOW)
    busy(pair, "m-1")
    pair.cem_hears(text("InstructionStatusUpdate", instruction_id="i-1", status_type="REJECTED"))
    pair.cem.data_to_send()

    reported, _ = pair.cem.tick(at(1))

    assert pair.cem.data_to_send() == []
    assert isinstance(reported, ReceptionReceived)
    assert reported.label == "not sent again: the instruction has ended"


def test_nothing_from_before_a_selection_is_said_again_after_it() -> None:
    pair = Pair().offer("FRBC")
    pair.cem.send(message("FRBC.Instruction", message_id="m-1", id="i-1"), NOW)
    busy(pair, "m-1")
    pair.rm.send(message("FRBC.SystemDescription", message_id="d-1"), NOW)
    pair.rm_hears(text("ReceptionStatus", subject_message_id="d-1", status="TEMPORARY_ERROR"))
    pair.rm.data_to_send()
    pair.cem.data_to_send()

    pair.cem_says(selection("FRBC"))
    for message_type in MENU["FRBC"]:
        pair.rm_says(message(message_type))
    pair.cem.tick(at(1))
    pair.rm.tick(at(1))

    assert pair.cem.data_to_send() == pair.rm.data_to_send() == []
    (entry,) = pair.cem.ledger
    assert (entry.ended_locally, entry.reception) == (True, Status.TEMPORARY_ERROR)


def test_what_crossed_with_a_selection_is_not_said_again() -> None:
    pair = Pair().offer("FRBC")
    pair.cem_says(message("FRBC.Instruction", id="i-1"))
    pair.rm.send(message("InstructionStatusUpdate", message_id="u-1", instruction_id="i-1"), NOW)
    pair.rm.data_to_send()
    pair.rm_hears(text("ReceptionStatus", subject_message_id="u-1", status="TEMPORARY_ERROR"))
    pair.cem_says(message("SelectControlType", control_type="NO_SELECTION"))

    (reported,) = pair.rm.tick(at(1))

    assert pair.rm.data_to_send() == []
    assert isinstance(reported, ReceptionReceived)
    assert reported.label is not None
    assert reported.label.startswith("not sent again: R-12")


def test_leaves_when_nobody_answers_its_farewell() -> None:
    pair = Pair().open()
    pair.cem.send(message("SessionRequest"), NOW)

    events = pair.cem.tick(at(10))

    assert kinds(events) == ["AcknowledgementMissing", "CloseRequested"]
    assert isinstance(events[-1], CloseRequested)
    assert events[-1].code == 1000


def test_says_nothing_again_after_its_farewell() -> None:
    pair = Pair().offer("FRBC")
    pair.cem.send(message("FRBC.Instruction", message_id="m-1", id="i-1"), NOW)
    busy(pair, "m-1")
    pair.cem.send(message("SessionRequest"), NOW)
    pair.cem.data_to_send()

    assert kinds(pair.cem.tick(at(1))) == ["ReceptionReceived", "InstructionUpdated"]
    assert pair.cem.data_to_send() == []


def test_does_not_wait_for_a_busy_peer_to_take_its_leave() -> None:
    pair = Pair().open()
    pair.cem.send(message("SessionRequest", message_id="bye"), NOW)

    assert busy(pair, "bye") == ["ReceptionReceived", "CloseRequested"]


def test_closes_when_its_handshake_is_refused() -> None:
    session = Session(CEM, new_id=new_id)
    session.start(NOW)
    (hello,) = sent_ids(session)

    events = session.receive_text(text("ReceptionStatus", subject_message_id=hello, status="INVALID_CONTENT"), NOW)

    assert kinds(events) == ["ReceptionReceived", "CloseRequested"]


def test_a_busy_peer_gets_the_handshake_again() -> None:
    session = Session(CEM, new_id=new_id)
    session.start(NOW)
    (hello,) = sent_ids(session)

    session.receive_text(text("ReceptionStatus", subject_message_id=hello, status="TEMPORARY_ERROR"), NOW)
    session.tick(at(1))

    assert sent_ids(session) == [hello]


def test_sends_no_more_while_too_much_is_unanswered() -> None:
    pair = Pair().open()

    for _ in range(256):
        pair.rm.send(message("PowerMeasurement"), NOW)
    with pytest.raises(WrongState, match="acknowledgement"):
        pair.rm.send(message("PowerMeasurement"), NOW)

    assert len(pair.rm.data_to_send()) == 256


def test_a_description_may_be_published_ahead_of_time_and_instructed_for_then() -> None:
    pair = Pair().open("FRBC")
    pair.rm_says(message("FRBC.SystemDescription", valid_from=stamp(600)))

    pair.cem_says(message("FRBC.Instruction", execution_time=stamp(600)))

    (entry,) = pair.cem.ledger
    assert entry.reception is Status.OK


def test_details_sent_again_are_told_apart_from_their_repetition() -> None:
    pair = Pair().open("FRBC")

    pair.rm_says(details())
    pair.rm_says(details())

    assert kinds(pair.cem_events).count("MessageReceived") == 4
