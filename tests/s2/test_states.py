"""The state table."""

import pytest

from s2.messages import MESSAGE_CLASSES, ControlType
from s2.states import PERMITTED, SessionState, permits, senders_of, state_under, states_for
from tests.support.s2_sessions import CEM, RM

OPEN = [state for state in SessionState if state not in (SessionState.NEGOTIATING, SessionState.CLOSED)]
CONTROLLED = [state for state in OPEN if state is not SessionState.UNCONTROLLED]


def test_knows_every_message_and_no_other() -> None:
    named = {each for permissions in PERMITTED.values() for types in permissions.values() for each in types}

    assert named == set(MESSAGE_CLASSES)


@pytest.mark.parametrize("state", OPEN)
def test_lets_the_rm_measure_and_introduce_itself_in_every_open_state(state: SessionState) -> None:
    for message_type in ("ResourceManagerDetails", "PowerMeasurement", "PowerForecast", "SessionRequest"):
        assert permits(state, RM, message_type)
    assert permits(state, CEM, "SelectControlType")


@pytest.mark.parametrize("state", CONTROLLED)
def test_opens_each_family_in_its_own_state_only(state: SessionState) -> None:
    for role in (CEM, RM):
        families = {each.split(".")[0] for each in PERMITTED[role][state] if "." in each}
        assert families == {state.value}
    assert permits(state, RM, "InstructionStatusUpdate")
    assert permits(state, RM, "RevokeObject")
    assert permits(state, CEM, "RevokeObject")


def test_negotiates_with_handshakes_alone() -> None:
    negotiating = SessionState.NEGOTIATING

    assert PERMITTED[RM][negotiating] == {"Handshake", "SessionRequest", "ReceptionStatus"}
    assert PERMITTED[CEM][negotiating] == {"Handshake", "HandshakeResponse", "SessionRequest", "ReceptionStatus"}


def test_permits_nothing_once_closed() -> None:
    assert not PERMITTED[CEM][SessionState.CLOSED] | PERMITTED[RM][SessionState.CLOSED]


def test_tells_who_may_send_what_and_when() -> None:
    assert senders_of("FRBC.Instruction") == {CEM}
    assert senders_of("Handshake") == {CEM, RM}
    assert states_for(RM, "OMBC.Status") == (SessionState.OMBC,)


def test_every_control_type_leads_to_a_state() -> None:
    assert {state_under(each) for each in ControlType} == set(OPEN)
    assert state_under(ControlType.NOT_CONTROLABLE) is SessionState.UNCONTROLLED
    assert state_under(ControlType.NO_SELECTION) is SessionState.UNCONTROLLED
