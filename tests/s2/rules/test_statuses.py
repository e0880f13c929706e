"""What a status is compared with, and what is no breach although it looks like one."""

from typing import Any

import pytest

from s2.messages import OMBCStatus
from tests.support.s2_judging import JudgedTalk, found
from tests.support.s2_rule_cases.modes import THREE_MODES, entered
from tests.support.s2_rule_cases.scenes import (
    IN_MODE_OFF,
    INSTRUCTED,
    MENU_FRBC,
    MENU_OMBC,
    cem,
    refused,
    rm,
)
from tests.support.s2_sessions import NOW, RM, conversation, message, stamp

FIRST, LAST = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"


def on(**changes: Any) -> tuple[Any, str, dict[str, Any]]:
    """The sample's status: in mode-on, from mode-off, now."""
    return rm("FRBC.ActuatorStatus", **changes)


def test_the_first_status_has_nothing_before_it() -> None:
    assert found("FRBC", MENU_FRBC, IN_MODE_OFF) == set()
    # The way there may be long past when the device is selected.
    assert found("FRBC", MENU_FRBC, on(transition_timestamp=stamp(-86400))) == set()


@pytest.mark.parametrize(
    "changes",
    [
        {"previous_operation_mode_id": "mode-x"},
        {"previous_operation_mode_id": "mode-on"},
    ],
)
def test_the_former_mode_is_the_one_that_was_reported(changes: dict[str, Any]) -> None:
    assert found("FRBC", MENU_FRBC, IN_MODE_OFF, on(**changes)) == {"R-48"}
    assert found("FRBC", MENU_FRBC, on(), on(**changes)) == set()


def test_both_fields_are_missed_where_they_are_absent() -> None:
    talk = conversation("OMBC")
    for described in (message("OMBC.SystemDescription"), message("OMBC.Status", active_operation_mode_id="mode-off")):
        talk.apply(described, RM, NOW)
    bare = OMBCStatus(message_id="m-1", active_operation_mode_id="mode-on", operation_mode_factor=1)

    told = talk.judge(bare, RM, NOW)

    assert [(each.rule, each.path) for each in told] == [
        ("R-48", "$.previous_operation_mode_id"),
        ("R-48", "$.transition_timestamp"),
    ]


def test_a_factor_may_change_without_a_word_on_the_mode_before() -> None:
    again = on(operation_mode_factor=0.7, previous_operation_mode_id="mode-on")

    assert found("FRBC", MENU_FRBC, on(), again) == set()


def test_nothing_is_compared_across_descriptions() -> None:
    talk = JudgedTalk("FRBC")
    for each in (MENU_FRBC, IN_MODE_OFF, rm("FRBC.SystemDescription", valid_from=stamp(3))):
        talk.findings(each)

    # It begins on the clock of the device, three seconds before it does on ours.
    assert talk.says(on(previous_operation_mode_id="mode-on")) == set()


@pytest.mark.parametrize(
    ("seconds", "duration", "is_told"),
    [(330, 300_000, False), (331, 300_000, True), (30, 0, False), (31, 0, True), (10**9, 2**53 - 1, False)],
)
def test_a_timer_has_at_most_its_duration_to_go(seconds: float, duration: int, is_told: bool) -> None:
    description = THREE_MODES[2]["actuators"][0]
    actuator = description | {"timers": [{"id": "timer-on", "duration": duration}]}
    menu = rm("FRBC.SystemDescription", actuators=[actuator])

    assert ("R-55" in found("FRBC", menu, rm("FRBC.TimerStatus", finished_at=stamp(seconds)))) is is_told


@pytest.mark.parametrize("moment", [FIRST, LAST])
def test_the_ends_of_the_calendar_are_moments_like_others(moment: str) -> None:
    assert found("FRBC", MENU_FRBC, rm("FRBC.TimerStatus", finished_at=moment)) >= (
        {"R-55"} if moment == LAST else set()
    )
    talk = JudgedTalk("FRBC")
    for each in (MENU_FRBC, IN_MODE_OFF, on(transition_timestamp=moment)):
        talk.findings(each)
    talk.findings(rm("FRBC.ActuatorStatus", active_operation_mode_id="mode-off", transition_timestamp=FIRST))
    talk.findings(on(transition_timestamp=LAST))


@pytest.mark.parametrize(("after_s", "is_told"), [(1.9, True), (2, False), (-5, False), (0, False)])
def test_a_transition_takes_its_time(after_s: float, is_told: bool) -> None:
    told = found(
        "FRBC", THREE_MODES, entered("mode-on", "mode-off", -10), entered("mode-high", "mode-on", after_s - 10)
    )

    assert ("R-61" in told) is is_told


def test_a_factor_that_changes_during_a_transition_is_no_transition() -> None:
    again = entered("mode-on", "mode-on", -9, operation_mode_factor=0.9)

    assert found("FRBC", THREE_MODES, entered("mode-on", "mode-off", -10), again) == set()


def test_a_way_that_is_not_described_takes_no_time() -> None:
    by_itself = entered("mode-high", "mode-off", -10)

    assert found("FRBC", THREE_MODES, by_itself, entered("mode-off", "mode-high", -9)) == set()


def test_a_device_may_move_without_an_instruction() -> None:
    moved = on()
    other = cem("FRBC.Instruction", operation_mode="mode-off")
    rejected = rm("InstructionStatusUpdate", status_type="REJECTED")

    assert "R-59" in refused(MENU_FRBC, moved)()
    assert "R-59" in refused(MENU_FRBC, other, moved)()
    assert "R-59" in refused(MENU_FRBC, INSTRUCTED, rejected, moved)()
    assert "R-59" not in refused(MENU_FRBC, INSTRUCTED, moved)()
    assert "R-59" not in refused(MENU_FRBC, on(previous_operation_mode_id="mode-on"))()


def test_an_ombc_device_may_move_as_well() -> None:
    assert "R-59" in refused(MENU_OMBC, rm("OMBC.Status"))()
    assert "R-59" not in refused(MENU_OMBC, cem("OMBC.Instruction"), rm("OMBC.Status"))()
