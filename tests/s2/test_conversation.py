"""The memory that both ends share."""

from datetime import timedelta

import pytest

from s2.conversation import Conversation
from s2.findings import Severity
from s2.messages import ControlType, InstructionStatus
from s2.states import SessionState
from s2.versions import ALL_PROFILES
from tests.support.s2_sessions import CEM, NOW, RM, at, conversation, details, message, selection


def test_a_selection_begins_anew() -> None:
    talk = conversation("FRBC")
    talk.apply(message("FRBC.SystemDescription"), RM, NOW)
    talk.apply(message("FRBC.Instruction"), CEM, NOW)

    (ended,) = talk.apply(selection("FRBC"), CEM, at(1))

    assert ended.status is InstructionStatus.ABORTED
    assert ended.ended_locally
    assert talk.resource.description_at(at(1)) is None
    assert talk.state is SessionState.FRBC


def test_new_details_take_the_control_type_away() -> None:
    talk = conversation("FRBC")
    talk.apply(message("FRBC.SystemDescription"), RM, NOW)

    talk.apply(details(), RM, at(1))

    assert talk.control_type is None
    assert talk.state is SessionState.UNCONTROLLED
    assert talk.resource.description_at(at(1)) is None


@pytest.mark.parametrize("control_type", ["NO_SELECTION", "NOT_CONTROLABLE"])
def test_no_control_is_a_selection_too(control_type: str) -> None:
    talk = conversation("FRBC")

    talk.apply(message("SelectControlType", control_type=control_type), CEM, NOW)

    assert talk.control_type is ControlType(control_type)
    assert talk.state is SessionState.UNCONTROLLED


def test_messages_that_cross_with_a_selection_are_taken_without_effect() -> None:
    talk = conversation("FRBC")
    talk.apply(selection("PEBC"), CEM, NOW)
    late = message("FRBC.SystemDescription")

    (finding,) = talk.judge(late, RM, at(1))
    talk.apply(late, RM, at(1))

    assert (finding.rule, finding.severity) == ("R-12", Severity.WARNING)
    assert talk.resource.description_at(at(1)) is None


def test_crossing_ends_with_the_acknowledgement_or_with_time() -> None:
    talk = conversation("FRBC")
    talk.apply(selection("PEBC"), CEM, NOW)
    late = message("FRBC.StorageStatus")

    (too_late,) = talk.judge(late, RM, at(11))
    talk.confirm_selection()
    (after_answer,) = talk.judge(late, RM, at(1))

    assert too_late.severity is after_answer.severity is Severity.ERROR


def test_after_a_refused_selection_the_family_before_it_may_cross() -> None:
    talk = conversation("FRBC")
    talk.apply(selection("PEBC"), CEM, NOW)
    talk.deselect(at(2))

    assert talk.judge(message("FRBC.StorageStatus"), RM, at(11))[0].severity is Severity.WARNING
    assert talk.judge(message("FRBC.StorageStatus"), RM, at(13))[0].severity is Severity.ERROR
    assert talk.judge(message("PEBC.PowerConstraints"), RM, at(3))[0].severity is Severity.ERROR


def test_after_a_refused_first_selection_nothing_may_cross() -> None:
    talk = conversation()
    talk.apply(selection("PEBC"), CEM, NOW)
    talk.deselect(at(1))

    assert talk.judge(message("PEBC.PowerConstraints"), RM, at(2))[0].severity is Severity.ERROR


def test_only_the_former_family_may_cross_and_only_from_the_rm() -> None:
    talk = conversation("FRBC")
    talk.apply(selection("PEBC"), CEM, NOW)

    assert talk.judge(message("OMBC.Status"), RM, at(1))[0].severity is Severity.ERROR
    assert talk.judge(message("FRBC.Instruction"), CEM, at(1))[0].severity is Severity.ERROR


def test_the_end_of_an_instruction_may_be_reported_after_control() -> None:
    talk = conversation("FRBC")
    talk.apply(message("FRBC.SystemDescription"), RM, NOW)
    talk.apply(message("FRBC.Instruction"), CEM, NOW)
    talk.apply(message("SelectControlType", control_type="NO_SELECTION"), CEM, NOW)
    talk.confirm_selection()
    update = message("InstructionStatusUpdate", status_type="SUCCEEDED")

    (finding,) = talk.judge(update, RM, at(3600))
    (entry,) = talk.apply(update, RM, at(3600))

    assert finding.severity is Severity.WARNING
    assert (entry.status, entry.ended_locally) == (InstructionStatus.SUCCEEDED, False)
    assert talk.judge(message("InstructionStatusUpdate", instruction_id="other"), RM, NOW)[0].severity is Severity.ERROR


def test_only_the_rm_withdraws_offers() -> None:
    talk = conversation("FRBC")
    talk.apply(message("FRBC.SystemDescription", message_id="d-1"), RM, NOW)
    revocation = message("RevokeObject", object_type="FRBC.SystemDescription", object_id="d-1")

    talk.apply(revocation, CEM, NOW)
    assert talk.resource.description_at(NOW) is not None

    talk.apply(revocation, RM, NOW)
    assert talk.resource.description_at(NOW) is None


def test_greetings_come_once_and_in_order() -> None:
    talk = Conversation(ALL_PROFILES, agreed=None, crossing_time=timedelta(0))
    hello, choice = message("Handshake", role="CEM"), message("HandshakeResponse")

    assert [each.rule for each in talk.judge(choice, CEM, NOW)] == ["R-12"]
    assert talk.judge(hello, CEM, NOW) == ()
    talk.apply(hello, CEM, NOW)
    assert [each.rule for each in talk.judge(hello, CEM, NOW)] == ["R-12"]
    assert talk.judge(choice, CEM, NOW) == ()
    talk.apply(choice, CEM, NOW)
    assert talk.state is SessionState.UNCONTROLLED
    assert [each.rule for each in talk.judge(message("Handshake"), RM, NOW)] == ["R-12"]


def test_labels_say_which_state_would_be_right() -> None:
    (finding,) = conversation("FRBC").judge(message("OMBC.Status"), RM, NOW)

    assert finding.text == "OMBC.Status is for state OMBC, the session is in state FRBC"
