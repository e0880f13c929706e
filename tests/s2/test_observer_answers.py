"""A conversation between two others: which answer is to what, and who has read what when it speaks."""

import pytest

from s2.receptions import NIL_ID
from tests.support.s2_overheard import Overheard, instruct, other_menu
from tests.support.s2_sessions import ALL_CONTROL_TYPES, CEM, CONTROLLED, RM, at, stamp, text


def test_the_same_text_again_is_answered_again_and_not_judged_again() -> None:
    talk = Overheard().offer("FRBC")
    instruction = text("FRBC.Instruction", message_id="m-1")

    for _ in range(3):
        assert talk.hear(CEM, instruction) + talk.answer(RM, "m-1") == []
    assert talk.answer(RM, "m-1") == ["RM R-02 warning"]


def test_another_text_under_a_used_id_is_a_new_message() -> None:
    talk = Overheard().offer("FRBC")
    talk.rm("FRBC.StorageStatus", message_id="xxx", present_fill_level=1)

    assert talk.rm("FRBC.StorageStatus", message_id="xxx", present_fill_level=2) == ["RM R-07 warning"]


def test_several_utterances_under_one_id_are_answered_in_turn() -> None:
    talk = Overheard().offer("FRBC")
    talk.say(RM, "FRBC.StorageStatus", message_id="xxx", present_fill_level=1)
    talk.say(RM, "FRBC.StorageStatus", message_id="xxx", present_fill_level=2)

    assert [talk.answer(CEM, "xxx") for _ in range(3)] == [[], [], ["CEM R-02 warning"]]


@pytest.mark.parametrize("subject_id", ["never-said", "m-cem", NIL_ID])
def test_an_answer_is_to_something_that_waits(subject_id: str) -> None:
    talk = Overheard().open()
    talk.cem("SelectControlType", message_id="m-cem", control_type="NO_SELECTION")

    assert talk.answer(CEM, subject_id) == ["CEM R-02 warning"]


def test_a_message_without_answer_is_found_when_its_time_is_over() -> None:
    talk = Overheard().open()
    talk.say(RM, "PowerMeasurement", message_id="m-1")

    assert talk.observer.next_deadline() == at(10)
    assert talk.wait(9) == []
    assert talk.wait(1) == ["CEM R-01 warning"]
    assert talk.observer.next_deadline() is None
    assert talk.answer(CEM, "m-1") == []


def test_a_deadline_that_passed_is_found_by_the_next_message_too() -> None:
    talk = Overheard().open()
    talk.say(RM, "PowerMeasurement")

    talk.now = at(11)

    assert talk.rm("PowerMeasurement", measurement_timestamp=stamp(11)) == ["CEM R-01 warning"]


def test_who_answers_other_messages_has_not_read_the_one_it_does_not_answer() -> None:
    talk = Overheard().offer("FRBC")
    talk.say(RM, "FRBC.SystemDescription", **other_menu())

    talk.wait(11)

    assert instruct(talk) == []


def test_who_never_answers_has_read_a_message_when_its_time_is_over() -> None:
    talk = Overheard()
    talk.say(RM, "ResourceManagerDetails", available_control_types=ALL_CONTROL_TYPES)
    talk.wait(11)
    talk.select("FRBC")
    talk.say(RM, "FRBC.SystemDescription", **other_menu())
    talk.wait(11)

    assert talk.say(CEM, "FRBC.Instruction", operation_mode="mode-on") == ["CEM R-123 error"]


def test_a_cem_may_select_before_it_answers_the_details() -> None:
    talk = Overheard()
    talk.say(RM, "ResourceManagerDetails", message_id="m-1", available_control_types=ALL_CONTROL_TYPES)

    heard = talk.select("FRBC")
    heard += talk.answer(CEM, "m-1")
    heard += talk.rm("FRBC.SystemDescription")

    assert heard == []
    assert instruct(talk) == []
    assert instruct(talk, "mode-x") == ["CEM R-123 error"]


def test_a_cem_may_select_again_before_it_answers_new_details() -> None:
    talk = Overheard().offer("FRBC")
    talk.say(RM, "ResourceManagerDetails", message_id="m-2", available_control_types=ALL_CONTROL_TYPES)

    heard = talk.select("FRBC")
    heard += talk.answer(CEM, "m-2")
    heard += talk.rm("FRBC.SystemDescription")

    assert heard == []
    assert instruct(talk) == []


def test_an_rm_may_describe_itself_before_it_answers_the_selection() -> None:
    talk = Overheard().open()
    talk.say(CEM, "SelectControlType", message_id="s-1", control_type=CONTROLLED["FRBC"].value)

    heard = talk.rm("FRBC.SystemDescription") + talk.rm("FRBC.ActuatorStatus")
    heard += talk.answer(RM, "s-1")
    heard += talk.rm("FRBC.ActuatorStatus")

    assert heard == []
    assert instruct(talk) == []


def test_an_rm_may_describe_itself_again_before_it_answers_the_same_selection() -> None:
    talk = Overheard().offer("FRBC")
    talk.say(CEM, "SelectControlType", message_id="s-2", control_type=CONTROLLED["FRBC"].value)

    heard = talk.rm("FRBC.SystemDescription", **other_menu())
    heard += talk.answer(RM, "s-2")
    heard += instruct(talk, "new-on", id="i-1")
    heard += talk.rm("InstructionStatusUpdate", instruction_id="i-1")

    assert heard == []


def test_an_rm_may_report_an_instruction_before_it_answers_it() -> None:
    talk = Overheard().offer("FRBC")
    talk.say(CEM, "FRBC.Instruction", message_id="m-1")

    assert talk.rm("InstructionStatusUpdate") == []
    assert talk.answer(RM, "m-1") == []


def test_a_side_that_answers_late_may_have_read_a_part_of_what_was_said() -> None:
    talk = Overheard().open("PEBC")
    talk.say(RM, "PEBC.PowerConstraints", message_id="c-1")
    talk.say(RM, "PEBC.PowerConstraints", message_id="c-2", valid_from=stamp(3600))

    assert talk.cem("PEBC.Instruction") == []
    assert talk.answer(CEM, "c-1") + talk.answer(CEM, "c-2") == []
    assert talk.cem("PEBC.Instruction", "INVALID_CONTENT", id="i-2") == ["CEM R-75 error"]
