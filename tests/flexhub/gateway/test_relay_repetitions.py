"""Two ends of a relay with a Session behind each: what is said again, and what is too much."""

from __future__ import annotations

import json
from datetime import timedelta

from flexhub.gateway.relay_mail import MOST_CHARACTERS, MOST_WAITING
from s2.events import AcknowledgementMissing, CloseRequested, ReceptionReceived
from s2.messages import FRBCInstruction, FRBCStorageStatus
from tests.support.relay_line import RelayLine, controlled
from tests.support.s2_sessions import MENU, details, message, selection, stamp, text


class Slow:
    """An RM that gets a message and takes its time; everybody else is quick."""

    def __init__(self) -> None:
        self.line = controlled()
        instruction = message("FRBC.Instruction", execution_time=stamp(0))
        assert isinstance(instruction, FRBCInstruction)
        self.message_id = instruction.message_id
        self.line.rm.deaf = True
        self.line.says(self.line.cem, instruction)

    def told(self) -> int:
        return sum(self.message_id in each for each in self.line.rm.heard + self.line.rm.unheard)

    def answers(self, status: str) -> None:
        self.line.rm.unheard.clear()
        self.line.blurts(self.line.rm, text("ReceptionStatus", subject_message_id=self.message_id, status=status))


def test_a_message_whose_verdict_is_late_is_not_told_twice() -> None:
    slow = Slow()
    slow.line.wait(8.1)
    assert slow.line.cem.statuses()[-1] == "TEMPORARY_ERROR"

    slow.line.wait(1)
    assert slow.told() == 1
    slow.answers("OK")

    assert slow.line.cem.statuses()[-1] == "OK"
    assert not slow.line.rm.unheard


def test_a_verdict_that_was_lost_is_given_again_without_the_peer() -> None:
    slow = Slow()
    slow.line.lossy = True
    slow.answers("INVALID_CONTENT")
    slow.line.lossy = False

    slow.line.wait(9.2)

    assert slow.line.cem.statuses()[-2:] == ["TEMPORARY_ERROR", "INVALID_CONTENT"]
    assert not slow.line.rm.unheard


def test_what_the_peer_wants_to_hear_again_is_told_again() -> None:
    slow = Slow()
    slow.answers("TEMPORARY_ERROR")

    slow.line.wait(1.1)
    assert slow.told() == 1
    slow.answers("OK")

    assert slow.line.cem.statuses()[-2:] == ["TEMPORARY_ERROR", "OK"]


def test_an_impatient_repetition_crosses_once_and_gets_one_verdict() -> None:
    slow = Slow()
    wire_text = slow.line.cem.said[-1]
    slow.line.blurts(slow.line.cem, wire_text)
    before = len(slow.line.cem.statuses())

    slow.answers("OK")
    slow.line.wait(8.1)

    assert slow.line.cem.statuses()[before:] == ["OK"]
    assert not slow.line.rm.unheard


def test_a_state_is_told_again_once_the_rm_begins_anew() -> None:
    line = controlled()
    storage = text("FRBC.StorageStatus")
    line.blurts(line.rm, storage)
    line.says(line.rm, details())
    line.says(line.cem, selection("FRBC"))
    for message_type in MENU["FRBC"]:
        line.says(line.rm, message(message_type))

    line.blurts(line.rm, storage)

    assert line.cem.heard.count(storage) == 2


def test_a_peer_that_leaves_too_much_unanswered_lets_the_other_wait() -> None:
    line = controlled()
    line.cem.deaf = True
    for _ in range(MOST_WAITING + 1):
        line.blurts(line.rm, text("FRBC.StorageStatus"))

    assert line.rm.statuses()[-1] == "TEMPORARY_ERROR"
    assert "too much waits" in line.rm.heard[-1]
    assert len(line.cem.unheard) == MOST_WAITING


def test_few_large_messages_are_too_much_as_well() -> None:
    line = controlled()
    line.cem.deaf = True
    for _ in range(5):
        line.blurts(line.rm, text("ResourceManagerDetails", name="x" * (MOST_CHARACTERS // 4)))

    assert len(line.cem.unheard) == 4
    assert "too much waits" in line.rm.heard[-1]


def test_a_verdict_is_told_as_one() -> None:
    line = controlled()
    line.says(line.rm, message("FRBC.StorageStatus"))

    verdicts = [each for each in line.cem.told if isinstance(each, ReceptionReceived)]
    assert verdicts[-1].status.value == "OK"
    assert isinstance(verdicts[-1].subject, FRBCStorageStatus)


def test_a_peer_that_does_not_answer_is_told_on_and_left() -> None:
    line = controlled()
    assert line.cem.end is not None
    assert line.rm.address is not None
    for _ in range(3):
        storage = text("FRBC.StorageStatus")
        line.cem.end.hear_message(storage, json.loads(storage)["message_id"], line.rm.address, line.now)
    line.cem.end.data_to_send()

    line.wait(10.1)

    missing = [each for each in line.cem.told if isinstance(each, AcknowledgementMissing)]
    assert [each.findings[0].rule for each in missing] == ["R-01"] * 3
    assert line.cem.end is None


def test_a_socket_that_says_nothing_is_closed() -> None:
    line = RelayLine()
    line.open(line.rm)
    end = line.rm.end
    assert end is not None
    end.start(line.now)

    assert end.next_deadline() is not None
    events = end.tick(line.now + timedelta(seconds=31))

    assert CloseRequested(1002, "no handshake in time") in events
    assert end.next_deadline() is None
