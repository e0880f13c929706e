"""Two ends of a relay with a Session behind each: what crosses, what does not, and how both sides come together."""

from __future__ import annotations

import json

import pytest

from flexhub.gateway.relay_events import Disputed, Passed, Taken
from s2.events import AcknowledgementMissing, MessageReceived, MessageRefused, ReceptionReceived, ReceptionUnmatched
from s2.messages import FRBCInstruction, FRBCStorageStatus
from s2.states import SessionState
from s2.strictness import Strictness
from s2.versions import WireProfile
from tests.support.relay_line import RelayLine, controlled
from tests.support.s2_sessions import CEM, RM, details, message, new_id, stamp, text


def test_the_peers_agree_and_converse_end_to_end() -> None:
    line = controlled()
    instruction = message("FRBC.Instruction", execution_time=stamp(0))
    assert isinstance(instruction, FRBCInstruction)
    line.says(line.cem, instruction)
    update = message("InstructionStatusUpdate", instruction_id=instruction.id, timestamp=stamp(0))
    line.says(line.rm, update)

    received = [each.message for each in line.cem.events if isinstance(each, MessageReceived)]
    assert received[-1] == update
    for peer in (line.cem, line.rm):
        assert set(peer.statuses()) == {"OK"}
        assert peer.end is not None
        assert (peer.end.state, peer.end.profile) == (SessionState.FRBC, WireProfile.V1_0_0)
        assert peer.openings == 1
        assert not [each for each in peer.told if isinstance(each, MessageRefused | Disputed | ReceptionUnmatched)]


def test_every_text_crosses_as_it_was_written() -> None:
    line = controlled()

    assert line.cem.heard == line.rm.said
    assert line.rm.heard == line.cem.said


def test_an_end_never_answers_what_is_right() -> None:
    line = RelayLine().joined()
    assert line.rm.end is not None
    line.rm.end.receive_text(text("ResourceManagerDetails"), line.now)

    assert line.rm.end.data_to_send() == []


@pytest.mark.parametrize(
    ("wire_text", "status"),
    [
        ("{not json", "INVALID_DATA"),
        ('{"message_type":"Nonsense","message_id":"m-1"}', "INVALID_MESSAGE"),
        (text("FRBC.ActuatorStatus", operation_mode_factor=1.3), "INVALID_CONTENT"),
        (text("OMBC.TimerStatus"), "INVALID_CONTENT"),
        (text("FRBC.Instruction"), "INVALID_CONTENT"),
    ],
)
def test_a_breach_is_answered_here_and_never_crosses(wire_text: str, status: str) -> None:
    line = controlled()
    heard = list(line.cem.heard)

    line.blurts(line.rm, wire_text)

    assert line.rm.statuses()[-1] == status
    assert line.cem.heard == heard
    assert isinstance(line.rm.told[-1], MessageRefused)
    assert line.rm.told[-1].findings


def test_a_binary_frame_is_answered_here() -> None:
    line = controlled()
    assert line.rm.end is not None

    (refused,) = line.rm.end.receive_bytes(b"\x00", line.now)

    assert isinstance(refused, MessageRefused)
    assert "INVALID_DATA" in line.rm.end.data_to_send()[0]


def test_a_lenient_type_is_passed_on_without_what_nobody_knows() -> None:
    line = controlled(strictness=Strictness(lenient=True))
    document = json.loads(text("FRBC.StorageStatus")) | {"colour": "red"}

    line.blurts(line.rm, json.dumps(document))

    assert "colour" not in line.cem.heard[-1]
    assert json.loads(line.cem.heard[-1])["message_id"] == document["message_id"]
    passed = [each for each in line.rm.told if isinstance(each, Passed)][-1]
    assert [(each.rule, each.severity) for each in passed.findings] == [("R-09", "warning")]


def test_a_verdict_on_nothing_is_recorded_and_does_not_cross() -> None:
    line = controlled()
    heard = list(line.cem.heard)

    line.blurts(line.rm, text("ReceptionStatus", subject_message_id="nothing"))

    assert line.cem.heard == heard
    assert isinstance(line.rm.told[-1], ReceptionUnmatched)
    assert line.rm.told[-1].findings[0].rule == "R-02"


def test_a_refusal_of_the_far_peer_crosses_and_is_judged() -> None:
    line = controlled()
    assert line.rm.end is not None
    storage = text("FRBC.StorageStatus")
    line.rm.end.receive_text(storage, line.now)
    (parcel,) = line.rm.end.take_parcels()
    assert line.rm.address is not None
    assert line.cem.end is not None
    line.cem.end.hear_message(parcel.payload, parcel.message_id, line.rm.address, line.now)

    refusal = text("ReceptionStatus", subject_message_id=parcel.message_id, status="INVALID_CONTENT")
    line.cem.end.data_to_send()
    line.blurts(line.cem, refusal)

    assert line.rm.heard[-1] == refusal
    verdict = [each for each in line.cem.told if isinstance(each, ReceptionReceived)][-1]
    assert verdict.status.value == "INVALID_CONTENT"
    assert len([each for each in line.rm.told if isinstance(each, Disputed)]) == 1


def test_a_refused_selection_counts_for_neither_end() -> None:
    line = RelayLine().joined()
    line.says(line.rm, details())
    assert line.rm.end is not None
    assert line.cem.end is not None
    assert line.rm.address is not None
    assert line.cem.address is not None
    select = text("SelectControlType", control_type="FILL_RATE_BASED_CONTROL")
    line.cem.end.receive_text(select, line.now)
    (parcel,) = line.cem.end.take_parcels()
    line.rm.end.hear_message(parcel.payload, parcel.message_id, line.cem.address, line.now)
    line.rm.end.data_to_send()
    line.blurts(line.rm, text("ReceptionStatus", subject_message_id=parcel.message_id, status="INVALID_CONTENT"))

    assert line.rm.end.state is line.cem.end.state is SessionState.UNCONTROLLED


def test_what_the_far_peer_has_taken_is_told_once() -> None:
    line = controlled()

    line.says(line.rm, message("PowerMeasurement"))

    taken = [each.message.message_type for each in line.rm.told if isinstance(each, Taken)]
    assert taken.count("PowerMeasurement") == 1


def test_two_hundred_messages_each_way_keep_their_order() -> None:
    line = controlled()
    said = {RM: [new_id() for _ in range(200)], CEM: [new_id() for _ in range(200)]}
    for rm_id, cem_id in zip(said[RM], said[CEM], strict=True):
        assert line.rm.session is not None
        assert line.cem.session is not None
        line.rm.session.send(message("FRBC.StorageStatus", message_id=rm_id), line.now)
        line.cem.session.send(message("FRBC.Instruction", message_id=cem_id, id=new_id()), line.now)
    line.deliver()

    for speaker, listener in ((line.rm, line.cem), (line.cem, line.rm)):
        ids = [json.loads(each).get("message_id") for each in listener.heard]
        assert [each for each in ids if each in said[speaker.role]] == said[speaker.role]
        assert set(speaker.statuses()) == {"OK"}


# -- What cannot be passed on ------------------------------------------------------------------------------------------


def test_while_the_far_end_is_absent_the_peer_is_told() -> None:
    line = RelayLine()

    line.open(line.rm)
    line.wait(3)

    assert line.rm.statuses() == ["TEMPORARY_ERROR"]
    assert "not connected" in line.rm.heard[0]


def test_while_the_bus_is_down_the_peer_is_told_and_says_it_again() -> None:
    line = controlled()
    storage = message("FRBC.StorageStatus")
    assert isinstance(storage, FRBCStorageStatus)
    line.reachable = False
    line.says(line.rm, storage)
    assert line.rm.statuses()[-1] == "TEMPORARY_ERROR"

    line.reachable = True
    line.wait(1.2)

    assert line.rm.statuses()[-1] == "OK"
    assert storage.message_id in line.cem.heard[-1]


def test_without_room_for_it_the_peer_is_told() -> None:
    line = controlled()

    line.blurts(line.rm, text("FRBC.StorageStatus"), available=False)

    assert line.rm.statuses()[-1] == "TEMPORARY_ERROR"


def test_what_is_said_again_after_a_loss_is_no_breach() -> None:
    line = controlled()
    instruction = message("FRBC.Instruction", execution_time=stamp(5))
    assert isinstance(instruction, FRBCInstruction)
    line.reachable = False
    line.says(line.cem, instruction)

    line.reachable = True
    line.wait(1.2)

    assert line.cem.statuses()[-2:] == ["TEMPORARY_ERROR", "OK"]
    assert sum(instruction.message_id in each for each in line.rm.heard) == 1


def test_a_message_that_vanishes_is_answered_before_the_peer_gives_up() -> None:
    line = controlled()
    line.lossy = True
    line.says(line.rm, message("FRBC.StorageStatus"))
    line.wait(8.1)

    assert line.rm.statuses()[-1] == "TEMPORARY_ERROR"
    assert not [each for each in line.rm.events if isinstance(each, AcknowledgementMissing)]


def test_a_late_verdict_is_dropped() -> None:
    line = controlled()
    assert line.rm.end is not None
    assert line.cem.address is not None
    storage = text("FRBC.StorageStatus")
    line.lossy = True
    line.blurts(line.rm, storage)
    line.wait(8.1)
    message_id = json.loads(storage)["message_id"]
    late = text("ReceptionStatus", subject_message_id=message_id, status="OK")

    assert line.rm.end.hear_reception(late, message_id, line.cem.address, line.now) == []
    assert line.rm.end.data_to_send() == []
