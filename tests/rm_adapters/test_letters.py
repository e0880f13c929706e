"""What a hosted RM makes of its mail, by itself."""

from __future__ import annotations

from datetime import timedelta

from flexhub.bus.mail import Letter, LetterKind, Mailbag
from rm_adapters.letters import Heard, hear
from rm_adapters.resource import HostedResource
from rm_adapters.vendors.simulator.adapter import Simulator
from rm_adapters.vendors.simulator.cloud import SimulatedCloud
from s2.messages import ControlType
from s2.versions import WireProfile
from tests.rm_adapters.hosted_home import MORNING, devices, new_id

FRBC = ControlType.FILL_RATE_BASED_CONTROL.value
V1 = WireProfile.V1_0_0


def resource() -> HostedResource:
    device = devices(SimulatedCloud.street(lambda: MORNING))["battery"]
    return HostedResource(Simulator(), Simulator.manifest(), device, new_id=new_id)


def letter(number: int, token: int, kind: LetterKind = "opened", payload: str = V1.value) -> Letter:
    return Letter(f"{number}-0", token, kind, MORNING, payload)


def heard_of(bag: Mailbag, session: int | None = None, last_letter: str = "") -> Heard:
    rm = resource()
    if session is not None:
        rm.opened(MORNING, V1)
    return hear(rm, session, last_letter, bag, MORNING + timedelta(seconds=1))


def test_a_session_that_is_not_open_yet_is_not_spoken_in() -> None:
    heard = heard_of(Mailbag(7, None, ()))

    assert (heard.session, heard.outcome) == (None, None)


def test_the_mailbag_or_a_letter_tells_of_a_session_and_the_first_counts() -> None:
    for profile in (V1, None):
        rm = resource()

        heard = hear(rm, None, "", Mailbag(7, profile, (letter(1, 7), letter(2, 7, "selected", FRBC))), MORNING)

        assert (heard.session, heard.last_letter, rm.profile) == (7, "2-0", V1)


def test_a_session_that_has_ended_is_closed_and_its_letters_stay() -> None:
    heard = heard_of(Mailbag(None, None, (letter(3, 7, "selected", FRBC),)), session=7, last_letter="2-0")

    assert (heard.session, heard.last_letter) == (None, "")
    assert heard.outcome is not None


def test_the_mail_of_the_next_session_is_asked_for_from_its_beginning() -> None:
    """A Redis that has taken over may count from less, and this bag begins behind what was read in the one before."""
    latest = Mailbag(8, V1, (letter(901, 8, "selected", FRBC),))

    heard = heard_of(latest, session=7, last_letter="900-0")

    assert (heard.session, heard.last_letter) == (None, "")


def test_letters_of_a_session_before_are_passed_over() -> None:
    heard = heard_of(Mailbag(7, V1, (letter(3, 6), letter(4, 6, "selected", FRBC))), session=7, last_letter="2-0")

    assert (heard.session, heard.last_letter, heard.outcome) == (7, "4-0", None)


def test_letters_of_a_session_that_began_meanwhile_are_left_for_the_next_look() -> None:
    heard = heard_of(Mailbag(7, V1, (letter(3, 7, "selected", FRBC), letter(4, 8))), session=7, last_letter="2-0")

    assert (heard.session, heard.last_letter) == (7, "3-0")


def test_what_cannot_be_read_is_passed_over_and_told() -> None:
    unreadable = (letter(3, 7, "selected", "TELEPATHY"), letter(4, 7, "instruction", "{"), letter(5, 7, "opened", "9"))

    heard = heard_of(Mailbag(7, V1, unreadable), session=7, last_letter="2-0")

    assert heard.last_letter == "5-0"
    assert [letter_id for letter_id, _ in heard.unreadable] == ["3-0", "4-0", "5-0"]
