"""Messages that wait for their acknowledgement."""

from datetime import timedelta

import pytest

from s2.messages import Message
from s2.unanswered import Unanswered, Waiting
from tests.support.s2_sessions import NOW, at, message, stamp

TIMEOUT = timedelta(seconds=10)


def waiting_list(capacity: int = 256) -> Unanswered:
    return Unanswered(TIMEOUT, (timedelta(seconds=1), timedelta(seconds=2)), capacity)


def add(unanswered: Unanswered, message_id: str, message_type: str = "PowerMeasurement", **changes: object) -> Message:
    added = message(message_type, message_id=message_id, **changes)
    unanswered.add(message_id, added, NOW)
    return added


def settled(unanswered: Unanswered, message_id: str) -> Waiting:
    waiting = unanswered.settle(message_id)
    assert waiting is not None
    return waiting


def test_reports_a_message_missing_once_and_still_takes_a_late_answer() -> None:
    unanswered = waiting_list()
    sent = add(unanswered, "m-1")

    assert unanswered.missing(at(9)) == []
    assert unanswered.missing(at(10)) == [sent]
    assert unanswered.missing(at(11)) == []
    assert unanswered.next_deadline() is None
    assert unanswered.settle("m-1") is not None
    assert unanswered.settle("m-1") is None


def test_sends_again_after_each_pause_and_then_no_more() -> None:
    unanswered = waiting_list()
    add(unanswered, "m-1")

    assert unanswered.postpone(settled(unanswered, "m-1"), NOW)
    assert unanswered.next_deadline() == at(1)
    assert list(unanswered.to_resend(at(0.9))) == []
    assert [each.message_id for each in unanswered.to_resend(at(1))] == ["m-1"]
    assert unanswered.next_deadline() == at(11)
    assert unanswered.postpone(settled(unanswered, "m-1"), at(2))
    assert unanswered.next_deadline() == at(4)
    assert [each.resent for each in unanswered.to_resend(at(4))] == [2]
    assert not unanswered.postpone(settled(unanswered, "m-1"), at(5))


def test_a_newer_word_on_the_same_thing_withdraws_the_older_one() -> None:
    unanswered = waiting_list()
    older = add(unanswered, "m-1", "FRBC.ActuatorStatus", actuator_id="a-1")
    add(unanswered, "m-2", "FRBC.ActuatorStatus", actuator_id="a-2")
    for message_id in ("m-1", "m-2"):
        unanswered.postpone(settled(unanswered, message_id), NOW)

    assert unanswered.overtake(message("FRBC.ActuatorStatus", actuator_id="a-1"), NOW) == [older]
    assert [each.message_id for each in unanswered.to_resend(at(1))] == ["m-2"]


def test_what_was_overtaken_before_its_answer_came_is_not_planned_again() -> None:
    unanswered = waiting_list()
    add(unanswered, "m-1", "FRBC.StorageStatus")

    assert unanswered.overtake(message("FRBC.StorageStatus"), NOW) == []
    assert not unanswered.postpone(settled(unanswered, "m-1"), NOW)


def instruct(unanswered: Unanswered, message_id: str, seconds: float, actuator_id: str = "a-1") -> Message:
    return add(
        unanswered,
        message_id,
        "FRBC.Instruction",
        id=message_id,
        actuator_id=actuator_id,
        execution_time=stamp(seconds),
    )


def newer(seconds: float) -> Message:
    return message("FRBC.Instruction", id="newer", actuator_id="a-1", execution_time=stamp(seconds))


def test_an_instruction_gives_way_to_a_newer_one_that_begins_no_later() -> None:
    unanswered = waiting_list()
    older = [instruct(unanswered, "m-1", 60), instruct(unanswered, "m-2", 90)]
    instruct(unanswered, "m-3", 30)
    instruct(unanswered, "m-4", 60, actuator_id="a-2")
    for number in range(1, 5):
        unanswered.postpone(settled(unanswered, f"m-{number}"), NOW)

    assert unanswered.overtake(newer(60), NOW) == older
    assert [each.message_id for each in unanswered.to_resend(at(1))] == ["m-3", "m-4"]


def test_an_instruction_that_is_late_by_now_gives_way_too() -> None:
    unanswered = waiting_list()
    instruct(unanswered, "m-1", 0)
    unanswered.overtake(newer(2), NOW)
    unanswered.overtake(newer(60), NOW)
    unanswered.postpone(settled(unanswered, "m-1"), at(1.5))

    (waiting,) = unanswered.to_resend(at(2.5))

    assert not waiting.is_overtaken(at(1.9))
    assert waiting.is_overtaken(at(2.5))


@pytest.mark.parametrize(
    ("published", "revoked"),
    [
        (("FRBC.Instruction", {"id": "i-1"}), "i-1"),
        (("FRBC.SystemDescription", {}), "m-1"),
        (("PEBC.PowerConstraints", {"id": "c-1"}), "c-1"),
    ],
)
def test_what_was_revoked_is_not_published_again_nor_the_other_way_round(
    published: tuple[str, dict[str, str]], revoked: str
) -> None:
    message_type, changes = published
    unanswered = waiting_list()
    object_ = add(unanswered, "m-1", message_type, **changes)
    unanswered.postpone(settled(unanswered, "m-1"), NOW)
    revocation = message("RevokeObject", message_id="r-1", object_type=message_type, object_id=revoked)

    assert unanswered.overtake(message("RevokeObject", object_type=message_type, object_id="other"), NOW) == []
    assert unanswered.overtake(revocation, NOW) == [object_]

    unanswered.add("r-1", revocation, NOW)
    unanswered.postpone(settled(unanswered, "r-1"), NOW)
    assert unanswered.overtake(object_, NOW) == [revocation]


def test_what_belongs_to_a_control_type_ends_with_it() -> None:
    unanswered = waiting_list()
    ended = [add(unanswered, "m-1", "FRBC.SystemDescription"), add(unanswered, "m-2", "RevokeObject")]
    for message_id, message_type in (
        ("m-3", "PowerForecast"),
        ("m-4", "InstructionStatusUpdate"),
        ("m-5", "FRBC.StorageStatus"),
    ):
        add(unanswered, message_id, message_type)
    for message_id in ("m-1", "m-2", "m-3", "m-4"):
        unanswered.postpone(settled(unanswered, message_id), NOW)

    assert unanswered.end_control(NOW) == ended
    assert not unanswered.postpone(settled(unanswered, "m-5"), NOW)
    assert [each.message_id for each in unanswered.to_resend(at(1))] == ["m-3", "m-4"]


def test_measurements_do_not_replace_each_other() -> None:
    unanswered = waiting_list()
    add(unanswered, "m-1")
    unanswered.postpone(settled(unanswered, "m-1"), NOW)

    assert unanswered.overtake(message("PowerMeasurement"), NOW) == []


def test_nothing_but_a_greeting_is_said_again_after_the_farewell() -> None:
    unanswered = waiting_list()
    add(unanswered, "m-1", "Handshake")
    measured = add(unanswered, "m-2")
    for message_id in ("m-1", "m-2"):
        unanswered.postpone(settled(unanswered, message_id), NOW)

    assert unanswered.overtake(message("SessionRequest"), NOW) == [measured]
    assert [each.message_id for each in unanswered.to_resend(at(1))] == ["m-1"]


def test_is_full_at_its_capacity_but_lets_reported_messages_go() -> None:
    unanswered = waiting_list(capacity=2)
    add(unanswered, "m-1")
    add(unanswered, "m-2")
    assert unanswered.full

    unanswered.missing(at(10))

    assert not unanswered.full
    assert len(unanswered) == 0
