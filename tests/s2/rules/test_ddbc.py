"""Demand driven control: what is addressed, and whether the supply can meet the demand."""

import copy
from dataclasses import replace
from typing import Any

import pytest

from s2.messages import DDBCSystemDescription, NumberRange
from s2.versions import WireProfile
from tests.support.s2_judging import JudgedTalk, found
from tests.support.s2_rule_cases.ddbc import BUSY, MENU_DDBC, TWO_ACTUATORS
from tests.support.s2_rule_cases.scenes import Utterance, cem, edited, rm, span
from tests.support.s2_samples import sample
from tests.support.s2_sessions import NOW, RM, conversation, message, stamp

IN_MODE_ON = rm("DDBC.ActuatorStatus")


def demand(low: float, high: float) -> Utterance:
    return rm("DDBC.PresentDemandStatus", present_demand_rate=span(low, high))


def system(*actuators: dict[str, tuple[float, float]], blocked: bool = False) -> Utterance:
    """Actuators "actuator-1" and on, each with its modes and what these supply; it can turn from any to any other."""
    described = []
    for number, modes in enumerate(actuators, 1):
        actuator = copy.deepcopy(sample("DDBC.SystemDescription")["actuators"][0])
        mode, transition = actuator["operation_modes"][0], actuator["transitions"][0]
        actuator["id"] = f"actuator-{number}"
        actuator["operation_modes"] = [mode | {"Id": one, "supply_range": span(*modes[one])} for one in modes]
        actuator["transitions"] = [
            transition
            | {"id": f"{one}-{other}", "from": one, "to": other, "blocking_timers": ["timer-on"] if blocked else []}
            for one in modes
            for other in modes
            if one != other
        ]
        described.append(actuator)
    return rm("DDBC.SystemDescription", actuators=described)


def instructed(mode_id: str, factor: float = 0, **changes: Any) -> Utterance:
    return cem("DDBC.Instruction", operation_mode_id=mode_id, operation_mode_factor=factor, **changes)


BOILER = {"mode-off": (0.0, 0.0), "mode-on": (3.0, 8.0)}


def test_names_the_actuator_or_the_mode_that_is_unknown() -> None:
    assert "R-140" in found("DDBC", MENU_DDBC, cem("DDBC.Instruction", actuator_id="actuator-2"))
    assert "R-140" in found("DDBC", MENU_DDBC, cem("DDBC.Instruction", operation_mode_id="mode-x"))
    assert "R-140" not in found("DDBC", cem("DDBC.Instruction"))


def test_a_mode_of_a_coming_description_is_known() -> None:
    coming = rm("DDBC.SystemDescription", valid_from=stamp(60))

    assert "R-140" not in found("DDBC", coming, cem("DDBC.Instruction"))


def test_tells_whose_mode_was_named() -> None:
    talk = JudgedTalk("DDBC")
    talk.findings(TWO_ACTUATORS)

    findings = {each.rule: each.text for each in talk.findings(instructed("mode-heat"))}

    assert findings["R-140"] == "mode-heat is no operation mode of actuator actuator-1"
    assert findings["R-146"] == "mode mode-heat is one of actuator-2"
    assert "R-146" not in talk.says(instructed("mode-x", id="instruction-2"))


# -- R-141 -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode_id", "factor", "breaks"),
    [
        ("mode-off", 0, True),
        ("mode-on", 0, True),
        ("mode-on", 0.2, False),
        ("mode-on", 0.4, False),
        ("mode-on", 0.41, True),
    ],
)
def test_one_actuator_meets_the_demand_by_itself(mode_id: str, factor: float, breaks: bool) -> None:
    order = instructed(mode_id, factor)

    assert ("R-141" in found("DDBC", system(BOILER), IN_MODE_ON, demand(4, 5), order)) is breaks


def test_what_cannot_be_met_at_all_is_not_held_against_the_cem() -> None:
    for low, high in ((1, 2), (9, 10), (-1, -1)):
        assert "R-141" not in found("DDBC", system(BOILER), IN_MODE_ON, demand(low, high), instructed("mode-off"))


def test_a_mode_that_is_out_of_reach_now_is_no_alternative() -> None:
    for finished_s, breaks in ((60, False), (-60, True)):
        timer = rm("DDBC.TimerStatus", finished_at=stamp(finished_s))
        said = (system(BOILER, blocked=True), IN_MODE_ON, timer, demand(0, 0), instructed("mode-on"))

        assert ("R-141" in found("DDBC", *said)) is breaks


def test_another_actuator_may_make_up_for_it() -> None:
    menu = system(BOILER, {"heat-off": (0, 0), "heat-on": (0, 5)})

    assert "R-141" not in found("DDBC", menu, IN_MODE_ON, demand(4, 5), instructed("mode-off"))
    assert "R-141" in found("DDBC", menu, IN_MODE_ON, demand(6, 7), instructed("mode-off"))
    assert "R-141" in found("DDBC", menu, IN_MODE_ON, demand(4, 5), instructed("mode-on", 1))
    assert "R-141" not in found("DDBC", menu, IN_MODE_ON, demand(9, 9), instructed("mode-on", 1))


def test_the_present_demand_is_no_measure_for_later() -> None:
    for after_s, breaks in ((60, True), (61, False)):
        order = instructed("mode-off", execution_time=stamp(after_s))

        assert ("R-141" in found("DDBC", system(BOILER), IN_MODE_ON, demand(4, 5), order)) is breaks


def test_without_a_status_or_a_demand_nothing_is_said() -> None:
    assert "R-141" not in found("DDBC", system(BOILER), demand(4, 5), instructed("mode-off"))
    assert "R-141" not in found("DDBC", system(BOILER), IN_MODE_ON, instructed("mode-off"))


def test_the_demand_of_a_beta_description_counts() -> None:
    talk = JudgedTalk("DDBC")
    described = message("DDBC.SystemDescription", **system(BOILER)[2])
    assert isinstance(described, DDBCSystemDescription)
    four = NumberRange(start_of_range=4, end_of_range=5)
    talk.conversation.apply(replace(described, present_demand_rate=four), RM, NOW)
    talk.findings(IN_MODE_ON)

    assert "R-141" in talk.says(instructed("mode-off"))


def test_a_supply_that_runs_downwards_and_absurd_numbers_are_counted_with() -> None:
    downwards = system({"mode-on": (8, 0), "mode-off": (0, 0)})
    assert "R-141" not in found("DDBC", downwards, IN_MODE_ON, demand(4, 5), instructed("mode-on", 0.5))
    assert "R-141" in found("DDBC", downwards, IN_MODE_ON, demand(4, 5), instructed("mode-on", 0.1))

    huge = system({"mode-on": (-1e308, 1e308)}, {"other": (-1e308, 1e308)})
    assert "R-141" not in found("DDBC", huge, IN_MODE_ON, demand(-1e308, 1e308), instructed("mode-on", 1))


def test_a_system_too_large_to_look_at_is_not_judged() -> None:
    many = {f"mode-{number}": (2.0**number, 2.0**number) for number in range(32)}
    status = rm("DDBC.ActuatorStatus", active_operation_mode_id="mode-0", previous_operation_mode_id="mode-1")

    for actuators, breaks in ((2, True), (3, False)):
        said = (system(*[many] * actuators), status, demand(4, 5), instructed("mode-9"))

        assert ("R-141" in found("DDBC", *said)) is breaks


def test_tells_supply_and_demand() -> None:
    talk = JudgedTalk("DDBC")
    for each in (*BUSY[:2], demand(4.5, 5)):
        talk.findings(each)

    (finding,) = (each for each in talk.findings(cem("DDBC.Instruction")) if each.rule == "R-141")

    assert finding.text == "all supply 4 then, the demand is 4.5 to 5"


# -- The others --------------------------------------------------------------------------------------------------------


def test_a_forecast_may_come_before_the_description() -> None:
    assert "R-142" not in found("DDBC", rm("DDBC.AverageDemandRateForecast"))


def test_a_repeated_description_is_news_where_it_drops_another_one() -> None:
    other = edited("DDBC.SystemDescription", "actuators.0.operation_modes.0.supply_range.end_of_range", 9)
    announced = (other[0], other[1], other[2] | {"valid_from": stamp(60)})

    assert "R-143" not in found("DDBC", MENU_DDBC, announced, rm("DDBC.SystemDescription", valid_from=stamp(30)))
    assert "R-143" not in found("DDBC", MENU_DDBC, announced, rm("DDBC.SystemDescription", valid_from=stamp(90)))


def test_a_device_that_tells_its_demand_may_repeat_its_whole_menu() -> None:
    again = rm("DDBC.SystemDescription", valid_from=stamp(1))

    assert "R-143" not in found("DDBC", MENU_DDBC, demand(1, 2), again)


def test_in_the_beta_version_the_description_is_repeated_for_the_demand() -> None:
    talk = JudgedTalk("DDBC")
    talk.conversation.profile = WireProfile.V0_0_2_BETA
    talk.findings(MENU_DDBC)

    assert "R-143" not in talk.says(rm("DDBC.SystemDescription", valid_from=stamp(1)))


def test_a_timer_status_comes_after_the_description_too() -> None:
    assert "R-145" in found("DDBC", rm("DDBC.TimerStatus"))
    assert "R-145" not in found("DDBC", MENU_DDBC, rm("DDBC.TimerStatus"))


def test_a_revoked_description_was_sent_before() -> None:
    menu = rm("DDBC.SystemDescription", message_id="menu")
    revoked = rm("RevokeObject", object_type="DDBC.SystemDescription", object_id="menu")

    assert "R-145" not in found("DDBC", menu, revoked, rm("DDBC.ActuatorStatus"))


def test_a_mode_id_that_is_used_twice_is_found_under_its_name_on_the_wire() -> None:
    actuator = sample("DDBC.SystemDescription")["actuators"][0]
    twice = actuator | {"operation_modes": [actuator["operation_modes"][0]] * 2, "transitions": []}

    findings = conversation("DDBC").judge(message("DDBC.SystemDescription", actuators=[twice]), RM, NOW)

    assert [each.path for each in findings if each.rule == "R-06"] == ["$.actuators[0].operation_modes[1].Id"]
