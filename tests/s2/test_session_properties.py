"""Two sessions back to back, whatever they say and whatever the line does to it.

No session raises. Every message that arrives is answered exactly once, in the order of arrival, while the session
lives. Once the line works and time goes on, nothing waits for ever. And neither side says anything that an observer,
which judges by the same rules but keeps its own books, calls an error. Illegal messages are put on the line behind its
back, since no session says them.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from s2.findings import Severity
from s2.messages import EnergyManagementRole, Message, dump_message
from s2.session import Session
from s2.versions import WireProfile
from tests.support.s2_line import Action, Line, check_answers
from tests.support.s2_scripts import FAMILIES, delays, faults, late_answers, partings, sayings, scripts, troubles, turns
from tests.support.s2_sessions import CEM, NOW, RM, new_id
from tests.support.s2_strategies import messages

PROFILE = WireProfile.V1_0_0

# Examples are whole conversations, so a few of them are slow to make.
conversations = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def check(line: Line) -> None:
    """What holds after any script."""
    line.settle()

    assert [each for each in line.observed if each.finding.severity is Severity.ERROR] == []
    for end in line.ends.values():
        check_answers(end)
        assert end.session.closed or end.unsettled() == set()


def start(family: str, profile: WireProfile, *, agreed: bool) -> Line:
    return Line(profile, agreed=agreed).open(family)


def under(family: str, *more: st.SearchStrategy[Action]) -> st.SearchStrategy[list[Action]]:
    """Scripts that mostly stay under one control type, so that they get somewhere."""
    again = st.tuples(st.just("open"), st.just(family))
    return scripts(*[sayings(family)] * 8, turns, again, *[delays] * 4, troubles, *more)


@pytest.mark.parametrize("family", FAMILIES)
@conversations
@given(st.data(), st.sampled_from(WireProfile), st.booleans())
def test_says_nothing_wrong_over_a_slow_line(
    family: str, data: st.DataObject, profile: WireProfile, agreed: bool
) -> None:
    line = start(family, profile, agreed=agreed)

    line.play(data.draw(under(family)))

    check(line)
    assume(not any(end.session.closed for end in line.ends.values()))
    for role, end in line.ends.items():
        assert line.observer.view(role).state is end.session.state
        assert [*line.observer.view(role).resource.descriptions] == [*end.session.resource.descriptions]


@pytest.mark.parametrize("family", FAMILIES)
@conversations
@given(st.data())
def test_a_side_that_answers_late_is_not_blamed(family: str, data: st.DataObject) -> None:
    line = Line(agreed=True, late=True).open(family)

    line.play(data.draw(under(family, late_answers, late_answers)))

    check(line)


@pytest.mark.parametrize("family", FAMILIES)
@conversations
@given(st.data(), st.sampled_from(WireProfile), st.booleans())
def test_survives_a_bad_line(family: str, data: st.DataObject, profile: WireProfile, agreed: bool) -> None:
    line = start(family, profile, agreed=agreed)

    line.play(data.draw(under(family, faults, faults)))

    check(line)


@conversations
@given(st.data(), st.sampled_from(FAMILIES))
def test_parts_whatever_is_under_way(data: st.DataObject, family: str) -> None:
    line = start(family, PROFILE, agreed=True)

    line.play(data.draw(under(family, partings)))

    check(line)


@conversations
@given(scripts(partings, delays, delays, delays, faults, turns, least=0), st.sampled_from(WireProfile))
def test_opens_or_gives_up_on_any_line(script: list[Action], profile: WireProfile) -> None:
    line = Line(profile)

    line.play(script)

    check(line)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(messages(PROFILE), max_size=8), st.sampled_from(FAMILIES), st.sampled_from(EnergyManagementRole))
def test_takes_any_valid_message_in_any_state(heard: list[Message], family: str, role: EnergyManagementRole) -> None:
    line = start(family, PROFILE, agreed=True)

    line.play([("inject", role, dump_message(each, PROFILE)) for each in heard])

    check_answers(line.ends[role])


@settings(max_examples=300, deadline=None)
@given(st.text(), st.binary(max_size=20))
def test_takes_any_text_and_any_bytes(wire_text: str, data: bytes) -> None:
    session = Session(CEM, new_id=new_id)
    session.start(NOW)
    session.data_to_send()

    session.receive_text(wire_text, NOW)
    session.receive_bytes(data, NOW)

    assert len(session.data_to_send()) == 2


def test_an_observer_behind_the_back_of_both_would_notice() -> None:
    """The property above is worth something: what a session refuses to say is an error when it is said all the same."""
    line = start("FRBC", PROFILE, agreed=True)
    delivery = line.ends[RM].session._delivery

    delivery.post(line.message("OMBC.Status", message_id="m-1"), "m-1", line.now)
    line.collect()

    assert [each.finding.rule for each in line.observed] == ["R-12"]
