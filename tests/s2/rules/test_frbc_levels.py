"""Where the fill level is and where it goes, and where nobody can tell."""

from typing import Any

import pytest

from tests.support.s2_judging import JudgedTalk, found
from tests.support.s2_rule_cases.frbc import CLOSED_STORAGE, bands, element, level
from tests.support.s2_rule_cases.scenes import MENU_FRBC, Utterance, cem, edited, rm, span
from tests.support.s2_samples import sample
from tests.support.s2_sessions import stamp

CLOSED: dict[str, Any] = CLOSED_STORAGE[2]["storage"]


def storage(*rates: tuple[float, float], **changes: Any) -> Utterance:
    """A storage from 0 to 100 with an actuator for each of these ranges of rates, which all its modes have."""
    sampled = sample("FRBC.SystemDescription")["actuators"][0]
    actuators = []
    for number, each in enumerate(rates, start=1):
        elements = [element(0, 100, fill_rate=span(*each))]
        modes = [mode | {"elements": elements} for mode in sampled["operation_modes"]]
        actuators.append(sampled | {"id": f"actuator-{number}", "operation_modes": modes})
    return rm("FRBC.SystemDescription", actuators=actuators, storage=CLOSED | changes)


def instructed(factor: float = 1.0, **changes: Any) -> Utterance:
    return cem("FRBC.Instruction", operation_mode_factor=factor, **changes)


def running(number: int, factor: float) -> Utterance:
    return rm("FRBC.ActuatorStatus", actuator_id=f"actuator-{number}", operation_mode_factor=factor)


def rose(*levels: tuple[float, float], menu: Utterance = CLOSED_STORAGE) -> set[str]:
    """What is found in the last of these reports, each a level and the second it is reported at."""
    talk = JudgedTalk("FRBC")
    talk.findings(menu)
    *before, last = levels
    for value, seconds in before:
        talk.findings(level(value), seconds)
    return talk.says(level(last[0]), last[1])


@pytest.mark.parametrize(("value", "is_told"), [(0, False), (-0.1, True), (100 + 1e-8, False), (1e308, True)])
def test_a_level_misses_its_range_by_more_than_rounding(value: float, is_told: bool) -> None:
    assert ("R-125" in found("FRBC", MENU_FRBC, level(value))) is is_told


def test_a_level_is_not_compared_with_a_range_that_is_about_to_change() -> None:
    wider = edited("FRBC.SystemDescription", "storage.fill_level_range", span(0, 200))
    soon = (wider[0], wider[1], wider[2] | {"valid_from": stamp(3)})

    assert found("FRBC", MENU_FRBC, soon, level(150)) == set()


@pytest.mark.parametrize(
    ("emergency", "status", "is_told"), [(True, "REJECTED", True), (False, "REJECTED", False), (True, "ABORTED", False)]
)
def test_only_an_emergency_has_to_be_obeyed_outside_the_range(emergency: bool, status: str, is_told: bool) -> None:
    update = rm("InstructionStatusUpdate", status_type=status)

    told = found("FRBC", MENU_FRBC, level(120), instructed(abnormal_condition=emergency), update)

    assert ("R-126" in told) is is_told


def test_updates_of_unknown_instructions_and_levels_are_no_matter() -> None:
    update = rm("InstructionStatusUpdate", status_type="REJECTED")

    assert "R-126" not in found("FRBC", MENU_FRBC, level(120), update)
    assert "R-126" not in found("FRBC", MENU_FRBC, instructed(abnormal_condition=True), update)


@pytest.mark.parametrize(
    ("value", "rates", "is_told"),
    [
        (100, (0, 1), True),
        (99.9, (0, 1), False),
        (100, (0, -1), False),
        (100, (0, 0), False),
        (0, (0, -1), True),
        (0, (0, 1), False),
        (0.1, (0, -1), False),
    ],
)
def test_a_level_at_the_end_of_its_range_is_not_driven_on(
    value: float, rates: tuple[float, float], is_told: bool
) -> None:
    assert ("R-127" in found("FRBC", storage(rates), level(value), instructed())) is is_told


@pytest.mark.parametrize(
    ("other", "own", "is_told"),
    [
        (0.0, 1.0, True),
        # What the other one draws outweighs it.
        (1.0, 0.5, False),
        # They are even.
        (1.0, 1.0, False),
        # It stands still itself, whatever the other one does.
        (0.0, 0.0, False),
        (-1.0, 0.0, False),
    ],
)
@pytest.mark.parametrize(("up", "end"), [(1, 100), (-1, 0)])
def test_all_actuators_count_together(up: int, end: float, other: float, own: float, is_told: bool) -> None:
    menu = storage((0, up), (0, -up * other))

    assert ("R-127" in found("FRBC", menu, running(2, 1.0), level(end), instructed(own))) is is_told


def test_nothing_is_told_without_a_level() -> None:
    assert found("FRBC", aimed((0, 1)), TARGET, instructed()) == set()


def test_nothing_is_told_where_another_actuator_is_unknown() -> None:
    assert "R-127" not in found("FRBC", storage((0, 1), (0, -1)), level(100), instructed())


@pytest.mark.parametrize("flag", ["provides_usage_forecast", "provides_leakage_behaviour"])
def test_nothing_is_told_where_more_than_actuators_moves_the_level(flag: str) -> None:
    menu = storage((0, 1), **{flag: True})

    assert "R-127" not in found("FRBC", menu, level(100), instructed())
    assert "R-129" not in rose((0, 0), (100, 10), menu=menu)


@pytest.mark.parametrize("changes", [{"abnormal_condition": True}, {"execution_time": stamp(61)}])
def test_emergencies_and_later_times_are_left_alone(changes: dict[str, Any]) -> None:
    told = found("FRBC", storage((0, 1)), level(100), instructed(**changes))

    assert "R-127" not in told


def aimed(*rates: tuple[float, float]) -> Utterance:
    return storage(*rates, provides_fill_level_target_profile=True)


#: From now on for a quarter of an hour the level should be within 80 to 100.
TARGET = rm("FRBC.FillLevelTargetProfile")


@pytest.mark.parametrize(("seconds", "is_told"), [(-1, False), (0, True), (899.9, True), (900, False)])
def test_a_target_holds_for_its_time(seconds: float, is_told: bool) -> None:
    talk = JudgedTalk("FRBC")
    for each in (aimed((0, -1)), TARGET, level(50)):
        talk.findings(each)

    assert ("R-128" in talk.says(instructed(execution_time=stamp(seconds)), seconds)) is is_told


@pytest.mark.parametrize(
    ("value", "rates", "is_told"),
    [
        (79, (0, -1), True),
        (79, (0, 0), False),
        (79, (0, 1), False),
        (80, (0, -1), False),
        (100, (0, 1), False),
        (101, (0, -1), False),
    ],
)
def test_a_level_outside_its_target_is_not_taken_further_from_it(
    value: float, rates: tuple[float, float], is_told: bool
) -> None:
    assert ("R-128" in found("FRBC", aimed(rates), TARGET, level(value), instructed())) is is_told


def test_a_level_above_its_target_is_not_taken_further_up() -> None:
    low = rm("FRBC.FillLevelTargetProfile", elements=[{"duration": 900_000, "fill_level_range": span(0, 20)}])

    assert "R-128" in found("FRBC", aimed((0, 1)), low, level(50), instructed())
    assert "R-128" not in found("FRBC", aimed((0, 1)), low, level(50), instructed(abnormal_condition=True))


def test_a_device_is_not_to_blame_for_a_level_off_its_target() -> None:
    assert found("FRBC", MENU_FRBC, TARGET, level(50)) == set()


@pytest.mark.parametrize(
    ("levels", "is_told"),
    [
        # 0.0125 a second: after 1,000 s at most 12.5, twice that, and 5 of the range.
        (((40, 0), (70, 1000)), False),
        (((40, 0), (70.1, 1000)), True),
        # Whole percents, reported in quick succession.
        (((40, 0), (41, 10)), False),
        # Too soon after the last report to say anything of a rate.
        (((40, 0), (60, 9)), False),
        (((40, 0), (60, 10)), True),
        # A level may fall as fast as it likes, and a first one has nothing before it.
        (((40, 0), (0, 10)), False),
        (((100, 0),), False),
        (((-1.7e308, 0), (1.7e308, 10)), True),
    ],
)
def test_a_level_rises_no_faster_than_the_actuators_can_fill(
    levels: tuple[tuple[float, float], ...], is_told: bool
) -> None:
    assert ("R-129" in rose(*levels)) is is_told


def test_absurd_rates_explain_every_rise() -> None:
    assert "R-129" not in rose((0, 0), (100, 10), menu=storage((0, 1.7e308), (0, 1.7e308)))


def test_a_level_of_another_description_is_not_compared() -> None:
    talk = JudgedTalk("FRBC")
    for each in (CLOSED_STORAGE, level(10), CLOSED_STORAGE):
        talk.findings(each)

    assert talk.says(level(90), 10) == set()


@pytest.mark.parametrize(("value", "is_told"), [(50, False), (50 + 1e-8, False), (51, True), (-1, True)])
def test_a_mode_needs_an_element_for_the_level(value: float, is_told: bool) -> None:
    told = found("FRBC", bands((0, 50)), level(value), instructed(operation_mode="mode-off"))

    assert ("R-130" in told) is is_told


def test_for_a_later_time_or_an_unknown_level_any_mode_will_do() -> None:
    later = instructed(operation_mode="mode-off", execution_time=stamp(61))

    assert "R-130" not in found("FRBC", bands((0, 50)), level(51), later)
    assert "R-130" not in found("FRBC", bands((0, 50)), instructed(operation_mode="mode-off"))


def test_an_unknown_mode_is_an_error_and_no_more() -> None:
    assert found("FRBC", MENU_FRBC, level(50), instructed(operation_mode="mode-x")) == {"R-123"}
