"""Descriptions that are announced before they count."""

from s2.events import DescriptionInForce, Event, MessageReceived
from s2.messages import Message
from s2.session import Session
from tests.support.s2_sessions import NOW, Pair, at, kinds, message, selection, stamp, text


def announced(pair: Pair, seconds: float, message_id: str) -> Message:
    """The RM publishes a description that counts so many seconds from NOW."""
    description = message("FRBC.SystemDescription", message_id=message_id, valid_from=stamp(seconds))
    pair.rm_says(description)
    return description


def in_force(session: Session) -> str | None:
    description = session.resource.description_at(NOW)
    return None if description is None else description.message_id


def told(events: list[Event]) -> list[str]:
    return [event.description.message_id for event in events if isinstance(event, DescriptionInForce)]


def test_an_announced_description_is_told_when_its_time_has_come() -> None:
    pair = Pair().offer("FRBC")
    former = in_force(pair.cem)

    announced(pair, 60, "d-1")

    assert in_force(pair.cem) == former
    assert pair.cem.next_deadline() == at(60)
    assert pair.cem.tick(at(59)) == []
    assert told(pair.cem.tick(at(60))) == ["d-1"]
    assert pair.cem.tick(at(61)) == []
    assert pair.cem.next_deadline() is None


def test_a_description_that_counts_at_once_is_no_announcement() -> None:
    pair = Pair().offer("FRBC")
    pair.cem_events.clear()

    announced(pair, -60, "d-1")

    assert kinds(pair.cem_events) == ["MessageReceived"]
    assert pair.cem.next_deadline() is None


def test_it_is_told_before_what_is_said_about_it() -> None:
    pair = Pair().offer("FRBC")
    announced(pair, 60, "d-1")

    events = pair.cem.receive_text(text("FRBC.ActuatorStatus"), at(61))

    assert kinds(events) == ["DescriptionInForce", "MessageReceived"]


def test_of_several_that_came_due_the_last_one_counts() -> None:
    pair = Pair().offer("FRBC")
    for number in (1, 2, 3):
        announced(pair, 60 * number, f"d-{number}")

    assert told(pair.cem.tick(at(130))) == ["d-2"]
    assert pair.cem.next_deadline() == at(180)


def test_what_was_revoked_or_replaced_never_comes() -> None:
    pair = Pair().offer("FRBC")
    announced(pair, 60, "d-1")
    announced(pair, 120, "d-2")

    pair.rm_says(message("RevokeObject", object_type="FRBC.SystemDescription", object_id="d-1"))
    announced(pair, 90, "d-3")

    assert told(pair.cem.tick(at(60))) == []
    assert told(pair.cem.tick(at(90))) == ["d-3"]
    assert told(pair.cem.tick(at(120))) == []


def test_a_new_selection_ends_announcements() -> None:
    pair = Pair().offer("FRBC")
    announced(pair, 60, "d-1")

    pair.cem_says(selection("FRBC"))

    assert told(pair.cem.tick(at(60))) == []


def test_what_crossed_with_another_selection_is_no_announcement() -> None:
    pair = Pair().offer("FRBC")
    pair.cem.send(selection("PEBC"), NOW)
    pair.cem.tick(NOW)
    before = pair.cem.next_deadline()

    (event,) = pair.cem_hears(text("FRBC.SystemDescription", valid_from=stamp(5)))

    assert isinstance(event, MessageReceived)
    assert pair.cem.next_deadline() == before


def test_where_nothing_else_counts_clocks_may_differ() -> None:
    pair = Pair().open("FRBC")
    pair.cem_events.clear()

    announced(pair, 3, "d-1")
    announced(pair, 60, "d-2")

    assert kinds(pair.cem_events) == ["MessageReceived", "MessageReceived"]
    assert in_force(pair.cem) == "d-1"
    assert pair.cem.next_deadline() == at(60)


def test_what_counts_a_little_early_is_told_once() -> None:
    pair = Pair().open("FRBC")
    announced(pair, 60, "d-1")

    early = pair.cem.receive_text(text("PowerMeasurement"), at(57))

    assert told(early) == ["d-1"]
    assert pair.cem.next_deadline() is None
    assert pair.cem.tick(at(60)) == []
