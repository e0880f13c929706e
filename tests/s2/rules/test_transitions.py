"""The way from the active mode to the instructed one: which transitions count, and for how long."""

from time import process_time
from typing import Any

import pytest

from tests.support.s2_judging import JudgedTalk, found
from tests.support.s2_rule_cases.modes import THREE_MODES, entered
from tests.support.s2_rule_cases.scenes import IN_MODE_OFF, INSTRUCTED, Utterance, cem, edited, rm
from tests.support.s2_samples import sample
from tests.support.s2_sessions import stamp

WAY = sample("FRBC.SystemDescription")["actuators"][0]["transitions"][0]


def menu(*ways: dict[str, Any]) -> Utterance:
    return edited("FRBC.SystemDescription", "actuators.0.transitions", [WAY | each for each in ways])


def described_with(*ways: dict[str, Any]) -> Utterance:
    """The three modes with these transitions."""
    actuator = THREE_MODES[2]["actuators"][0] | {"transitions": [WAY | each for each in ways]}
    return edited("FRBC.SystemDescription", "actuators", [actuator])


def on_at(seconds: float, **changes: Any) -> Utterance:
    return cem("FRBC.Instruction", execution_time=stamp(seconds), **changes)


def high_at(seconds: float, **changes: Any) -> Utterance:
    return on_at(seconds, id="i-2", operation_mode="mode-high", **changes)


def test_one_unblocked_way_is_enough() -> None:
    running = rm("FRBC.TimerStatus", finished_at=stamp(300))
    blocked = {"id": "other", "blocking_timers": ["timer-on"]}

    assert "R-54" not in found("FRBC", menu(blocked, {}), IN_MODE_OFF, running, INSTRUCTED)
    assert "R-54" in found("FRBC", menu(blocked, blocked | {"id": "third"}), IN_MODE_OFF, running, INSTRUCTED)


def test_a_way_for_emergencies_is_free_in_emergencies_only() -> None:
    running = rm("FRBC.TimerStatus", finished_at=stamp(300))
    blocked = {"id": "other", "blocking_timers": ["timer-on"]}
    before = menu(blocked, {"abnormal_condition_only": True}), IN_MODE_OFF, running

    assert "R-54" in found("FRBC", *before, INSTRUCTED)
    assert "R-54" not in found("FRBC", *before, on_at(0, abnormal_condition=True))


def test_a_timer_that_a_reported_transition_starts_blocks_as_well() -> None:
    back = {"id": "back", "from": "mode-on", "to": "mode-off", "start_timers": [], "blocking_timers": ["timer-on"]}
    talk = JudgedTalk("FRBC")
    for each in (menu({}, back), IN_MODE_OFF, entered("mode-on", "mode-off", 0)):
        talk.findings(each)

    assert "R-54" in talk.says(on_at(299, operation_mode="mode-off"))
    assert "R-54" not in talk.says(on_at(300, id="i-2", operation_mode="mode-off"))


def test_nothing_is_known_of_the_way_without_a_status() -> None:
    assert found("FRBC", THREE_MODES, high_at(0)) == set()


def test_a_second_hop_starts_where_the_first_one_leads() -> None:
    assert "R-52" not in found("FRBC", THREE_MODES, IN_MODE_OFF, on_at(60), high_at(120))
    assert "R-52" not in found("FRBC", THREE_MODES, IN_MODE_OFF, on_at(0), high_at(0))
    assert "R-52" in found("FRBC", THREE_MODES, IN_MODE_OFF, on_at(60), high_at(59))
    ended = rm("InstructionStatusUpdate", status_type="REJECTED")
    assert "R-52" in found("FRBC", THREE_MODES, IN_MODE_OFF, on_at(60), ended, high_at(120))


def test_a_timer_on_the_direct_way_does_not_block_the_planned_one() -> None:
    direct = {"id": "direct", "to": "mode-high", "start_timers": [], "blocking_timers": ["timer-on"]}
    described = described_with(direct, {"id": "first"}, {"id": "second", "from": "mode-on", "to": "mode-high"})
    before = described, IN_MODE_OFF, rm("FRBC.TimerStatus", finished_at=stamp(300))

    assert "R-54" in found("FRBC", *before, high_at(120))
    assert "R-54" not in found("FRBC", *before, on_at(60), high_at(120))


def test_the_direct_way_may_be_for_emergencies_if_the_planned_one_is_not() -> None:
    direct = {"id": "direct", "to": "mode-high", "abnormal_condition_only": True}
    described = described_with(direct, {"id": "first"}, {"id": "second", "from": "mode-on", "to": "mode-high"})

    assert "R-38" in found("FRBC", described, IN_MODE_OFF, high_at(120))
    assert "R-38" not in found("FRBC", described, IN_MODE_OFF, on_at(60), high_at(120))


def test_the_time_of_a_hop_is_that_of_the_planned_way() -> None:
    slow = {"id": "direct", "to": "mode-high", "transition_duration": 600_000}
    described = described_with(slow, {"id": "first"}, {"id": "second", "from": "mode-on", "to": "mode-high"})
    back = on_at(180, id="i-3", operation_mode="mode-off")

    assert "R-63" not in found("FRBC", described, IN_MODE_OFF, on_at(60), high_at(120), back)
    assert "R-63" in found("FRBC", described, IN_MODE_OFF, high_at(120), back)


def test_a_second_hop_waits_for_the_end_of_the_first() -> None:
    assert "R-63" in found("FRBC", THREE_MODES, IN_MODE_OFF, on_at(60), high_at(61.9))
    assert "R-63" not in found("FRBC", THREE_MODES, IN_MODE_OFF, on_at(60), high_at(62))
    assert "R-63" not in found("FRBC", THREE_MODES, IN_MODE_OFF, on_at(60), high_at(59))


def test_an_instruction_for_the_same_later_time_takes_the_place_of_the_other() -> None:
    assert "R-63" not in found("FRBC", THREE_MODES, IN_MODE_OFF, on_at(60), high_at(60))
    assert "R-63" in found("FRBC", THREE_MODES, IN_MODE_OFF, on_at(0), high_at(0))


def test_another_factor_in_the_mode_to_come_cuts_nothing_off() -> None:
    again = on_at(1, id="i-2", operation_mode_factor=0.6)

    assert "R-63" not in found("FRBC", THREE_MODES, IN_MODE_OFF, on_at(0), again)


def test_an_emergency_does_not_wait() -> None:
    assert "R-63" not in found("FRBC", THREE_MODES, IN_MODE_OFF, on_at(0), high_at(1, abnormal_condition=True))


def test_what_has_ended_needs_no_time() -> None:
    ended = rm("InstructionStatusUpdate", status_type="SUCCEEDED")

    assert "R-63" not in found("FRBC", THREE_MODES, IN_MODE_OFF, on_at(0), ended, high_at(1))


@pytest.mark.parametrize("duration", [None, 0, 2**53 - 1])
def test_durations_may_be_absent_or_absurd(duration: int | None) -> None:
    way = {key: value for key, value in WAY.items() if key != "transition_duration"}
    if duration is not None:
        way["transition_duration"] = duration
    actuator = THREE_MODES[2]["actuators"][0] | {"transitions": [way]}
    described = edited("FRBC.SystemDescription", "actuators", [actuator])
    last = cem("FRBC.Instruction", id="i-2", operation_mode="mode-high", execution_time="9999-12-31T23:59:59Z")

    assert ("R-63" in found("FRBC", described, IN_MODE_OFF, on_at(0), high_at(1))) is bool(duration)
    assert ("R-63" in found("FRBC", described, IN_MODE_OFF, on_at(0), last)) is bool(duration)


def test_many_parallel_ways_and_timers_cost_little() -> None:
    names = [f"t-{number}" for number in range(1000)]
    timers = [{"id": name, "duration": 1000} for name in names]
    ways = [WAY | {"id": f"way-{number}", "start_timers": [], "blocking_timers": names} for number in range(200)]
    actuator = sample("FRBC.SystemDescription")["actuators"][0] | {"timers": timers, "transitions": ways}
    talk = JudgedTalk("FRBC")
    for each in (rm("FRBC.SystemDescription", actuators=[actuator]), IN_MODE_OFF):
        talk.findings(each)
    talk.findings(rm("FRBC.TimerStatus", timer_id="t-999", finished_at=stamp(1)))

    begin = process_time()
    findings = talk.says(INSTRUCTED)
    elapsed_s = process_time() - begin

    assert "R-54" in findings
    assert elapsed_s < 0.2
