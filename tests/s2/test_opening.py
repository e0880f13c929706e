"""The parts of an opening that no session reaches by itself; the rest is in test_session_negotiation."""

from datetime import timedelta

from s2.conversation import Conversation
from s2.delivery import Delivery
from s2.events import Opened
from s2.messages import Handshake
from s2.opening import Opening
from s2.versions import ALL_PROFILES, WireProfile
from tests.support.s2_sessions import CEM, NOW, RM, at, new_id


def opening(agreed: WireProfile | None = None) -> tuple[Opening, Delivery]:
    versions = tuple(WireProfile)
    talk = Conversation(versions, agreed=agreed, crossing_time=timedelta(0))
    delivery = Delivery(CEM, talk, versions[-1], timedelta(seconds=10), ())
    return Opening(CEM, versions, talk, delivery, new_id, timedelta(seconds=30)), delivery


def hello(*versions: str) -> Handshake:
    return Handshake(message_id="h-1", role=RM, supported_protocol_versions=versions)


def test_opens_once() -> None:
    begun, delivery = opening()
    begun.start(NOW)
    assert begun.is_overdue(at(30))

    assert begun.choose(hello("0.0.2-beta"), NOW) == [Opened(WireProfile.V0_0_2_BETA)]

    assert delivery.profile is WireProfile.V0_0_2_BETA
    assert begun.choose(hello("1.0.0"), NOW) == begun.open() == []
    assert len(delivery.out) == 2
    assert not begun.is_overdue(at(30))


def test_under_connect_greetings_have_no_effect() -> None:
    begun, delivery = opening(WireProfile.V1_0_0)

    assert begun.start(NOW) == [Opened(WireProfile.V1_0_0)]

    assert begun.choose(hello("0.0.2-beta"), NOW) == begun.open() == []
    assert delivery.out == []
    assert begun.next_deadline() is None


def test_nothing_is_open_before_a_version_is_agreed() -> None:
    begun, delivery = opening()

    assert begun.open() == begun.choose(hello("9.0"), NOW) == []
    assert delivery.out == []
    assert set(ALL_PROFILES) == set(WireProfile)
