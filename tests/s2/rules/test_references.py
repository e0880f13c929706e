"""Which description an id belongs to: in force, announced, former, or none at all."""

from typing import Any

import pytest

from s2.findings import Severity
from tests.support.s2_judging import JudgedTalk
from tests.support.s2_rule_cases.scenes import Utterance, cem, rm
from tests.support.s2_samples import sample
from tests.support.s2_sessions import stamp

FAMILIES = ("OMBC", "FRBC", "DDBC")
UNKNOWN_MODE = {"OMBC": "R-111", "FRBC": "R-123", "DDBC": "R-140"}
UNKNOWN_ACTUATOR = {"FRBC": "R-122", "DDBC": "R-140"}


def menu(family: str, *, mode: str = "mode-on", actuator: str = "actuator-1", seconds: float = 0) -> Utterance:
    """The sample description with another id for its second mode or for its actuator."""
    description = sample(f"{family}.SystemDescription")
    machine = description if family == "OMBC" else description["actuators"][0]
    machine["operation_modes"][1]["Id" if family == "DDBC" else "id"] = mode
    machine["transitions"] = []
    if family != "OMBC":
        machine["id"] = actuator
    keys = ("operation_modes", "transitions") if family == "OMBC" else ("actuators",)
    return rm(f"{family}.SystemDescription", valid_from=stamp(seconds), **{key: description[key] for key in keys})


def instruction(family: str, mode: str = "mode-on", seconds: float = 0, **changes: Any) -> Utterance:
    field = "operation_mode" if family == "FRBC" else "operation_mode_id"
    return cem(f"{family}.Instruction", execution_time=stamp(seconds), **{field: mode}, **changes)


def status(family: str, mode: str = "mode-on", **changes: Any) -> Utterance:
    message_type = "OMBC.Status" if family == "OMBC" else f"{family}.ActuatorStatus"
    return rm(message_type, active_operation_mode_id=mode, **changes)


def errors(family: str, *utterances: Utterance, after_s: float = 0) -> set[str]:
    talk = JudgedTalk(family)
    *before, last = utterances
    for each in before:
        talk.findings(each)
    return {each.rule for each in talk.findings(last, after_s) if each.severity is Severity.ERROR}


def test_no_instruction_for_what_is_unknown_passes() -> None:
    for family in FAMILIES:
        assert errors(family, menu(family), instruction(family)) == set()
        assert errors(family, menu(family), instruction(family, "mode-x")) == {UNKNOWN_MODE[family]}
        assert errors(family, menu(family, seconds=60), instruction(family)) == {"R-44"}
    for family, rule in UNKNOWN_ACTUATOR.items():
        assert errors(family, menu(family), instruction(family, actuator_id="actuator-x")) == {rule}
        assert errors(family, menu(family), instruction(family, "mode-x", actuator_id="actuator-x")) == {rule}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("mode", "seconds", "expected"), [("mode-2", 59, True), ("mode-2", 60, False)])
def test_a_mode_is_used_from_the_time_on_that_it_is_announced_for(
    family: str, mode: str, seconds: float, expected: bool
) -> None:
    told = errors(family, menu(family), menu(family, mode="mode-2", seconds=60), instruction(family, mode, seconds))

    assert told == ({"R-51"} if expected else set())


@pytest.mark.parametrize("family", FAMILIES)
def test_a_mode_is_not_used_after_the_time_that_another_description_is_announced_for(family: str) -> None:
    before = menu(family), menu(family, mode="mode-2", seconds=60)

    assert errors(family, *before, instruction(family, "mode-on", 59)) == set()
    assert errors(family, *before, instruction(family, "mode-on", 60)) == {"R-51"}
    # Also when the time has come, and nothing has been said since.
    assert errors(family, *before, instruction(family, "mode-on", 0), after_s=60) == {"R-51"}


@pytest.mark.parametrize("family", sorted(UNKNOWN_ACTUATOR))
def test_an_actuator_is_used_while_its_description_is_in_force(family: str) -> None:
    before = menu(family), menu(family, actuator="actuator-2", seconds=60)

    assert errors(family, *before, instruction(family, seconds=60)) == {"R-51"}
    assert errors(family, *before, instruction(family, actuator_id="actuator-2")) == {"R-51"}
    assert errors(family, *before, instruction(family, actuator_id="actuator-2", seconds=60)) == set()


@pytest.mark.parametrize("family", FAMILIES)
def test_tells_where_an_id_went(family: str) -> None:
    talk = JudgedTalk(family)
    first, second = menu(family), menu(family, mode="mode-2")
    talk.findings((first[0], first[1], first[2] | {"message_id": "first"}))
    talk.findings(second)

    for said, path in (
        (instruction(family), "$.operation_mode" if family == "FRBC" else "$.operation_mode_id"),
        (status(family), "$.active_operation_mode_id"),
    ):
        (told,) = [each for each in talk.findings(said) if each.rule == "R-43"]
        assert told.path == path
        assert told.text == "mode-on went with system description first, which is no longer in force"
        assert Severity.ERROR in {each.severity for each in talk.findings(said)}


@pytest.mark.parametrize("family", sorted(UNKNOWN_ACTUATOR))
def test_tells_where_an_actuator_went(family: str) -> None:
    talk = JudgedTalk(family)
    for each in (menu(family), menu(family, actuator="actuator-2")):
        talk.findings(each)

    for said in (instruction(family), status(family), rm(f"{family}.TimerStatus")):
        assert "$.actuator_id" in {each.path for each in talk.findings(said) if each.rule == "R-43"}


@pytest.mark.parametrize("family", FAMILIES)
def test_tells_where_a_timer_went(family: str) -> None:
    talk = JudgedTalk(family)
    description = sample(f"{family}.SystemDescription")
    changes: dict[str, Any] = {"timers": [], "transitions": []}
    if family != "OMBC":
        changes = {"actuators": [description["actuators"][0] | changes]}
    for each in (menu(family), rm(f"{family}.SystemDescription", **changes)):
        talk.findings(each)

    assert {"R-43", "R-56"} <= talk.says(rm(f"{family}.TimerStatus"))


def test_says_nothing_of_a_former_description_that_did_not_have_the_id() -> None:
    talk = JudgedTalk("FRBC")
    for each in (menu("FRBC"), menu("FRBC", mode="mode-2")):
        talk.findings(each)

    assert "R-43" not in talk.says(status("FRBC", "mode-x"))
    assert "R-43" not in talk.says(status("FRBC", "mode-off"))
