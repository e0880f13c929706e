"""A device's session: who it is, when it obeys, when it goes back to its own behaviour."""

from datetime import timedelta

from flexhub.demo.rm.conversation import Conversation
from s2.messages import (
    ControlType,
    FRBCSystemDescription,
    Handshake,
    PowerMeasurement,
    ResourceManagerDetails,
    SessionRequest,
    SessionRequestType,
)
from tests.support.demo_home import NODE_ID, pair


def test_introduces_itself_and_measures_before_anybody_selects() -> None:
    home = pair("BATTERY")

    assert [type(each) for each in home.heard] == [Handshake, ResourceManagerDetails, PowerMeasurement]
    assert home.heard_of(ResourceManagerDetails)[-1].resource_id == str(NODE_ID)


def test_no_selection_gives_the_device_back_to_itself() -> None:
    home = pair("BATTERY")
    home.select()
    assert home.resource.controlled

    home.select(ControlType.NO_SELECTION)

    assert not home.resource.controlled
    assert not home.rm.controlling


def test_selected_again_it_publishes_everything_again() -> None:
    home = pair("BATTERY")
    home.select()

    home.select()

    assert len(home.heard_of(FRBCSystemDescription)) == 2


def test_a_new_session_says_everything_again_but_only_once_selected() -> None:
    home = pair("BATTERY")
    home.select()
    home.heard.clear()

    home.reconnect()
    home.wait(60)
    assert [type(each) for each in home.heard[:3]] == [Handshake, ResourceManagerDetails, PowerMeasurement]
    assert not home.heard_of(FRBCSystemDescription)
    home.select()

    assert home.heard_of(FRBCSystemDescription)
    assert home.rm.refused == 0


def test_asks_to_be_closed_when_the_other_side_ends_the_session() -> None:
    home = pair("BATTERY")

    home.say(SessionRequest(message_id=home.new_id(), request=SessionRequestType.TERMINATE))

    assert home.rm.close is not None
    assert home.rm.close.code == 1000


def test_garbage_is_answered_and_survived() -> None:
    home = pair("BATTERY")

    home.rm.receive_text("{not json", home.now)
    home.rm.receive_bytes(b"\x00", home.now)
    answers = home.rm.data_to_send()

    assert len(answers) == 2
    assert all("INVALID_DATA" in answer for answer in answers)
    assert home.rm.close is None


def test_an_order_is_noted_for_whoever_drives_the_conversation() -> None:
    home = pair("BATTERY")
    home.rm.ordered = False

    home.select()

    assert home.rm.ordered


def test_ticks_before_the_handshake_say_nothing() -> None:
    home = pair("BATTERY")
    fresh = Conversation(home.resource, ack_timeout=timedelta(minutes=10), retry_delays=())

    fresh.tick(home.now)

    assert fresh.data_to_send() == []
