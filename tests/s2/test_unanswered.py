"""Messages that wait for their acknowledgement."""

from datetime import timedelta

from s2.messages import Message
from s2.unanswered import Unanswered, Waiting
from tests.support.s2_sessions import NOW, at, message

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

    assert unanswered.withdraw_older(message("FRBC.ActuatorStatus", actuator_id="a-1")) == [older]
    assert [each.message_id for each in unanswered.to_resend(at(1))] == ["m-2"]


def test_measurements_do_not_replace_each_other() -> None:
    unanswered = waiting_list()
    add(unanswered, "m-1")
    unanswered.postpone(settled(unanswered, "m-1"), NOW)

    assert unanswered.withdraw_older(message("PowerMeasurement")) == []


def test_is_full_at_its_capacity_but_lets_reported_messages_go() -> None:
    unanswered = waiting_list(capacity=2)
    add(unanswered, "m-1")
    add(unanswered, "m-2")
    assert unanswered.full

    unanswered.missing(at(10))

    assert not unanswered.full
    assert len(unanswered) == 0
