"""When an instruction is said again for nothing, and what may come before a description."""

from typing import Any

import pytest

from tests.support.s2_judging import JudgedTalk, found
from tests.support.s2_rule_cases.scenes import MENU_OMBC, Utterance, cem, rm
from tests.support.s2_samples import sample
from tests.support.s2_sessions import stamp

#: In mode-on at factor 0.5, which is what the sample's instruction asks for.
REPORTED = rm("OMBC.Status")


def instructed(**changes: Any) -> Utterance:
    return cem("OMBC.Instruction", **changes)


@pytest.mark.parametrize(
    ("changes", "is_told"),
    [
        ({}, True),
        ({"execution_time": stamp(60)}, True),
        # Until a later time the device may change by itself.
        ({"execution_time": stamp(61)}, False),
        ({"abnormal_condition": True}, False),
        ({"operation_mode_id": "mode-off"}, False),
    ],
)
def test_only_the_very_same_for_now_is_a_repetition(changes: dict[str, Any], is_told: bool) -> None:
    assert ("R-114" in found("OMBC", MENU_OMBC, REPORTED, instructed(**changes))) is is_told


def test_an_instruction_may_keep_the_device_from_what_another_one_asks_for() -> None:
    other = instructed(id="i-0", operation_mode_id="mode-off", execution_time=stamp(3600))

    assert "R-114" not in found("OMBC", MENU_OMBC, REPORTED, other, instructed())


def test_nothing_is_repeated_where_nothing_was_reported() -> None:
    assert found("OMBC", MENU_OMBC, instructed()) == set()


def test_a_timer_status_does_not_come_first_either() -> None:
    assert found("OMBC", rm("OMBC.TimerStatus")) == {"R-110"}


def test_a_revoked_description_has_come_first() -> None:
    talk = JudgedTalk("OMBC")
    talk.findings(rm("OMBC.SystemDescription", message_id="d-1"))
    talk.findings(rm("RevokeObject", object_type="OMBC.SystemDescription", object_id="d-1"))

    assert talk.says(rm("OMBC.Status")) == set()


def test_every_repeated_mode_id_is_told() -> None:
    mode = sample("OMBC.SystemDescription")["operation_modes"][1]
    talk = JudgedTalk("OMBC")

    told = talk.findings(rm("OMBC.SystemDescription", operation_modes=[mode] * 3, transitions=[]))

    paths = [each.path for each in told if each.rule == "R-113"]
    assert paths == ["$.operation_modes[1].id", "$.operation_modes[2].id"]
