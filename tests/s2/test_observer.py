"""A conversation between two others: who is told what is wrong, and who is not blamed."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2.messages import EnergyManagementRole, Message, dump_message
from s2.observer import Observed, Observer
from s2.receptions import NIL_ID
from s2.states import SessionState
from s2.strictness import Quirk, Strictness
from s2.versions import WireProfile
from tests.support.s2_overheard import Overheard, instruct, other_menu
from tests.support.s2_samples import L1, sample
from tests.support.s2_sessions import CEM, CONTROLLED, NOW, RM, stamp, text
from tests.support.s2_strategies import messages


def dangling_menu() -> dict[str, Any]:
    """A menu whose transition leads nowhere (R-50)."""
    (actuator,) = sample("FRBC.SystemDescription")["actuators"]
    (transition,) = actuator["transitions"]
    return {"actuators": [actuator | {"transitions": [transition | {"to": "nowhere"}]}]}


@pytest.mark.parametrize("family", sorted(CONTROLLED))
def test_finds_nothing_in_an_orderly_conversation(family: str) -> None:
    talk = Overheard().offer(family)

    assert talk.observer.state.value == family
    assert [*talk.observer.view(CEM).resource.descriptions] == [*talk.observer.view(RM).resource.descriptions]
    assert talk.rm("PowerMeasurement") == []
    assert talk.cem("SessionRequest") == []
    assert talk.observer.state is SessionState.CLOSED


def test_follows_handshakes_and_the_version_they_lead_to() -> None:
    talk = Overheard(None)

    heard = talk.rm("Handshake", supported_protocol_versions=["0.0.2-beta"])
    heard += talk.cem("Handshake", role="CEM", supported_protocol_versions=["0.0.2-beta"])
    heard += talk.cem("HandshakeResponse", selected_protocol_version="0.0.2-beta")
    talk.open("DDBC")

    assert heard == []
    assert talk.rm("DDBC.PresentDemandStatus", "INVALID_MESSAGE") == ["RM R-16 error"]


def test_tells_who_broke_which_rule_where() -> None:
    observer = Observer(WireProfile.V1_0_0)

    (observed,) = observer.feed(text("FRBC.StorageStatus", message_id="m-1"), RM, NOW)

    assert isinstance(observed, Observed)
    assert observed.by is RM
    assert observed.finding.as_dict() == {
        "rule": "R-12",
        "severity": "error",
        "text": "FRBC.StorageStatus is for state FRBC, the session is in state uncontrolled",
        "path": "$.message_type",
        "message_id": "m-1",
        "message_type": "FRBC.StorageStatus",
        "quirk": None,
    }


def test_nobody_is_blamed_for_what_crosses_a_selection() -> None:
    talk = Overheard().offer("FRBC")

    talk.say(CEM, "SelectControlType", message_id="s-1", control_type=CONTROLLED["OMBC"].value)

    assert talk.rm("FRBC.StorageStatus", "INVALID_CONTENT") == []
    assert talk.answer(RM, "s-1") == []
    assert talk.rm("FRBC.StorageStatus", "INVALID_CONTENT") == ["RM R-12 error"]


def test_a_side_is_bound_by_its_own_word_at_once() -> None:
    talk = Overheard().offer("FRBC")

    talk.say(CEM, "SelectControlType", control_type=CONTROLLED["OMBC"].value)

    assert instruct(talk) == ["CEM R-12 error"]


def test_nobody_is_blamed_for_an_instruction_that_crosses_a_description() -> None:
    talk = Overheard().offer("FRBC")

    talk.say(RM, "FRBC.SystemDescription", message_id="d-2", **other_menu())

    assert instruct(talk, answered="INVALID_CONTENT") == []
    assert talk.answer(CEM, "d-2") == []
    assert "CEM R-123 error" in instruct(talk, answered="INVALID_CONTENT")
    assert instruct(talk, "new-on") == []


def test_a_refused_message_does_not_count_for_the_side_that_refused_it() -> None:
    talk = Overheard().open("FRBC")

    talk.rm("FRBC.SystemDescription", "INVALID_CONTENT")

    assert "CEM R-44 error" in instruct(talk)


def test_a_message_with_errors_counts_once_the_other_side_agrees() -> None:
    talk = Overheard().open("FRBC")

    assert talk.rm("FRBC.SystemDescription", "INVALID_CONTENT", **dangling_menu()) == ["RM R-50 error"]
    assert "CEM R-44 error" in instruct(talk)
    assert talk.rm("FRBC.SystemDescription", "OK", **dangling_menu()) == ["RM R-50 error"]
    assert instruct(talk) == []
    assert talk.rm("FRBC.ActuatorStatus", active_operation_mode_id="mode-x", answered="OK") == ["RM R-60 error"]


def test_what_was_postponed_counts_when_it_is_said_again_and_is_no_repetition() -> None:
    talk = Overheard().open("FRBC")
    menu = text("FRBC.SystemDescription", message_id="d-1")

    heard = talk.hear(RM, menu) + talk.answer(CEM, "d-1", "TEMPORARY_ERROR")
    assert "CEM R-44 error" in instruct(talk, answered="INVALID_CONTENT")
    heard += talk.wait(60)
    heard += talk.hear(RM, menu) + talk.answer(CEM, "d-1")

    assert heard == []
    assert instruct(talk) == []


def test_a_postponed_instruction_keeps_its_id() -> None:
    talk = Overheard().offer("FRBC")
    instruction = text("FRBC.Instruction", message_id="m-1")

    heard = talk.hear(CEM, instruction) + talk.answer(RM, "m-1", "TEMPORARY_ERROR")
    heard += talk.hear(CEM, instruction) + talk.answer(RM, "m-1")
    heard += talk.rm("InstructionStatusUpdate")

    assert heard == []


def test_what_may_not_be_said_any_more_may_not_be_said_again_either() -> None:
    talk = Overheard().offer("FRBC")
    level = text("FRBC.StorageStatus", message_id="m-1")
    talk.hear(RM, level)
    talk.answer(CEM, "m-1", "TEMPORARY_ERROR")
    talk.select("OMBC")

    assert "RM R-12 error" in talk.hear(RM, level)


@pytest.mark.parametrize("message_type", ["Handshake", "SessionRequest"])
def test_a_greeting_or_leave_may_be_said_again_when_it_was_postponed(message_type: str) -> None:
    talk = Overheard(None)
    greeting = text(message_type, message_id="m-1")

    heard = talk.hear(RM, greeting) + talk.answer(CEM, "m-1", "TEMPORARY_ERROR")
    heard += talk.hear(RM, greeting) + talk.answer(CEM, "m-1")

    assert heard == []


def test_an_instruction_outside_the_offer_is_one_that_the_rm_may_reject() -> None:
    talk = Overheard().offer("PEBC")
    element = {"duration": 1000, "upper_limit": 9000, "lower_limit": 0}
    envelope = {"id": "e-1", "commodity_quantity": L1, "power_envelope_elements": [element]}

    assert "CEM R-76 error" in talk.cem("PEBC.Instruction", power_envelopes=[envelope])
    assert talk.rm("InstructionStatusUpdate", status_type="REJECTED") == []


def test_a_refusal_of_what_has_to_be_permitted_is_the_fault_of_who_refuses() -> None:
    talk = Overheard().open("OMBC")
    modes = sample("OMBC.SystemDescription")["operation_modes"]
    downwards = {"start_of_range": 5000, "end_of_range": 0, "commodity_quantity": L1}
    menu = [mode | {"power_ranges": [downwards]} for mode in modes]

    assert talk.rm("OMBC.SystemDescription", operation_modes=menu) == []
    assert set(talk.rm("OMBC.SystemDescription", "INVALID_CONTENT", operation_modes=menu)) == {"CEM R-19 warning"}


def test_a_refusal_of_what_crossed_is_right() -> None:
    talk = Overheard().offer("OMBC")
    modes = sample("OMBC.SystemDescription")["operation_modes"]
    downwards = {"start_of_range": 5000, "end_of_range": 0, "commodity_quantity": L1}
    talk.say(CEM, "SelectControlType", control_type=CONTROLLED["FRBC"].value)

    menu = [mode | {"power_ranges": [downwards]} for mode in modes]

    assert talk.rm("OMBC.SystemDescription", "INVALID_CONTENT", operation_modes=menu) == []


def test_a_refused_selection_is_known_once_the_cem_has_read_on() -> None:
    talk = Overheard().offer("FRBC")
    talk.select("OMBC", "INVALID_CONTENT")

    assert talk.observer.state is SessionState.UNCONTROLLED
    assert talk.rm("PowerMeasurement") == []
    assert talk.cem("OMBC.Instruction") == ["CEM R-12 error"]


def test_new_details_end_what_hangs_on_the_selection_before() -> None:
    talk = Overheard().open()
    talk.say(CEM, "SelectControlType", message_id="s-1", control_type=CONTROLLED["FRBC"].value)
    talk.rm("ResourceManagerDetails", available_control_types=[CONTROLLED["OMBC"].value])
    talk.say(CEM, "SelectControlType", message_id="s-2", control_type=CONTROLLED["OMBC"].value)

    heard = talk.answer(RM, "s-1", "INVALID_CONTENT") + talk.answer(RM, "s-2")
    heard += talk.rm("OMBC.SystemDescription") + talk.cem("OMBC.Instruction")

    assert heard == []


@pytest.mark.parametrize(
    ("wire_text", "rule"),
    [
        ("no JSON", "R-03"),
        ("[]", "R-03"),
        ('{"message_type":"PowerMeasurement"}', "R-03"),
        (text("PowerMeasurement", values=[]), "R-08"),
        (text("PowerMeasurement", colour="red"), "R-09"),
    ],
)
def test_a_frame_that_is_no_message_is_a_finding_and_is_answered(wire_text: str, rule: str) -> None:
    talk = Overheard().open()
    message_id = json.loads(wire_text).get("message_id", NIL_ID) if wire_text.startswith("{") else NIL_ID

    assert talk.hear(RM, wire_text) == [f"RM {rule} error"]
    assert talk.answer(CEM, message_id, "INVALID_DATA") == []
    assert talk.answer(CEM, message_id, "INVALID_DATA") == ["CEM R-02 warning"]


def test_a_broken_answer_is_a_finding_and_needs_no_answer() -> None:
    talk = Overheard().open()

    assert talk.hear(RM, '{"message_type":"ReceptionStatus","subject_message_id":"m-1","status":"FINE"}') == [
        "RM R-03 error"
    ]
    assert talk.observer.next_deadline() is None


def test_a_binary_frame_is_a_finding() -> None:
    talk = Overheard().open()

    (observed,) = talk.observer.feed_bytes(b"\xff", CEM, NOW)

    assert (observed.by, observed.finding.rule) == (CEM, "R-03")
    assert talk.answer(RM, NIL_ID, "INVALID_DATA") == []


def test_who_cannot_read_a_good_message_answers_nothing_in_particular() -> None:
    talk = Overheard().open()
    talk.say(RM, "PowerMeasurement")

    assert talk.answer(CEM, NIL_ID, "INVALID_DATA") == []
    assert talk.wait(11) == ["CEM R-01 warning"]


def test_who_has_taken_leave_says_no_more() -> None:
    talk = Overheard().open()
    talk.say(RM, "SessionRequest", message_id="m-1")

    assert talk.cem("SelectControlType", control_type="NO_SELECTION") == []
    assert talk.rm("PowerMeasurement") == ["RM R-12 error"]
    assert talk.answer(CEM, "m-1") == []
    assert talk.say(CEM, "SelectControlType", control_type="NO_SELECTION") == ["CEM R-12 error"]
    assert talk.observer.next_deadline() is None


def test_after_a_permanent_error_the_other_side_has_a_while_to_notice() -> None:
    talk = Overheard().open()
    talk.rm("PowerMeasurement", "PERMANENT_ERROR")

    assert talk.say(RM, "PowerMeasurement") == []
    assert talk.say(CEM, "SelectControlType", control_type="NO_SELECTION") == ["CEM R-12 error"]
    assert talk.wait(11) == []
    assert talk.say(RM, "PowerMeasurement", measurement_timestamp=stamp(11)) == ["RM R-12 error"]


def test_each_side_is_judged_as_strictly_as_was_agreed_for_it() -> None:
    reversed_limits = Strictness(lenient=True, quirks=frozenset({Quirk.REVERSED_LIMIT_RANGE}))
    talk = Overheard(strictness={RM: reversed_limits}).open("PEBC")
    ranges = sample("PEBC.PowerConstraints")["allowed_limit_ranges"]
    for each in ranges:
        each["range_boundary"] = {"start_of_range": 0, "end_of_range": -5000}

    heard = set(talk.rm("PEBC.PowerConstraints", allowed_limit_ranges=ranges))
    heard |= set(talk.rm("PowerMeasurement", colour="red"))

    assert heard == {"RM R-17 warning", "RM R-09 warning"}
    assert talk.cem("PEBC.Instruction") == []
    assert talk.cem("SelectControlType", control_type="NO_SELECTION", colour="red") == ["CEM R-09 error"]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(EnergyManagementRole), st.one_of(messages(WireProfile.V1_0_0), st.text())), max_size=8
    )
)
def test_hears_anything_in_any_state(heard: list[tuple[EnergyManagementRole, Message | str]]) -> None:
    talk = Overheard().offer("FRBC")

    for role, said in heard:
        talk.hear(role, said if isinstance(said, str) else dump_message(said, WireProfile.V1_0_0))
    talk.wait(11)

    due = talk.observer.next_deadline()
    assert due is None or due > talk.now
