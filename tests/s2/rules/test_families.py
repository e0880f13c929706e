"""What the one pair of cases per rule leaves open where a rule holds for several control types."""

from typing import Any

import pytest

from tests.support.s2_judging import found
from tests.support.s2_rule_cases.scenes import Utterance, cem, rm, span
from tests.support.s2_samples import sample
from tests.support.s2_sessions import CEM, NOW, conversation, message, stamp


@pytest.mark.parametrize("family", ["OMBC", "DDBC"])
def test_finds_an_unknown_mode_in_every_family(family: str) -> None:
    menu, rules = rm(f"{family}.SystemDescription"), {"R-51", "R-111", "R-140"}

    assert not rules & found(family, menu, cem(f"{family}.Instruction"))
    assert rules & found(family, menu, cem(f"{family}.Instruction", operation_mode_id="mode-x"))


def test_names_one_rule_only_for_a_mode_of_an_unknown_actuator() -> None:
    broken = found("FRBC", rm("FRBC.SystemDescription"), cem("FRBC.Instruction", actuator_id="a-2"))

    assert broken & {"R-122", "R-123"} == {"R-122"}


@pytest.mark.parametrize("family", ["OMBC", "FRBC", "DDBC"])
def test_finds_an_instruction_without_any_description(family: str) -> None:
    assert found(family, cem(f"{family}.Instruction")) == {"R-44"}


def test_finds_a_schedule_without_its_profile() -> None:
    assert found("PPBC", cem("PPBC.ScheduleInstruction")) == {"R-44"}


def test_a_transition_for_abnormal_conditions_is_found() -> None:
    actuators = sample("FRBC.SystemDescription")["actuators"]
    actuators[0]["transitions"][0]["abnormal_condition_only"] = True
    menu = rm("FRBC.SystemDescription", actuators=actuators)
    active = rm("FRBC.ActuatorStatus", active_operation_mode_id="mode-off")

    assert "R-38" in found("FRBC", menu, active, cem("FRBC.Instruction"))


def test_an_execution_time_in_the_past_means_now() -> None:
    menu = rm("FRBC.SystemDescription", valid_from=stamp(-5))

    assert "R-44" not in found("FRBC", menu, cem("FRBC.Instruction", execution_time=stamp(-3600)))


def test_one_unblocked_way_is_enough() -> None:
    actuators = sample("FRBC.SystemDescription")["actuators"]
    (free,) = actuators[0]["transitions"]
    actuators[0]["transitions"] = [free | {"id": "other", "blocking_timers": ["timer-on"]}, free]
    menu = rm("FRBC.SystemDescription", actuators=actuators)
    active = rm("FRBC.ActuatorStatus", active_operation_mode_id="mode-off")
    timer = rm("FRBC.TimerStatus", finished_at=stamp(3600))

    assert "R-54" not in found("FRBC", menu, active, timer, cem("FRBC.Instruction"))


def test_warns_of_revoking_what_belongs_to_the_other_side() -> None:
    menu = rm("FRBC.SystemDescription", message_id="description-1")
    revocation = {"object_type": "FRBC.SystemDescription", "object_id": "description-1"}

    assert "R-45" in found("FRBC", menu, cem("RevokeObject", **revocation))
    assert "R-45" not in found("FRBC", menu, rm("RevokeObject", **revocation))


def test_bands_may_miss_each_other_by_rounding_but_not_overlap() -> None:
    def leakage(end: float) -> Utterance:
        bands = [(0, end), (0.3, 1)]
        elements = [{"fill_level_range": span(*each), "leakage_rate": 0} for each in bands]
        return rm("FRBC.LeakageBehaviour", elements=elements)

    assert "R-121" not in found("FRBC", leakage(0.1 + 0.2))
    assert "R-121" in found("FRBC", leakage(0.31))


def test_ids_are_looked_at_in_every_family() -> None:
    modes = sample("OMBC.SystemDescription")["operation_modes"]
    actuators = sample("DDBC.SystemDescription")["actuators"]
    containers = sample("PPBC.PowerProfileDefinition")["power_sequences_containers"]
    sequences = containers[0]["power_sequences"]
    envelopes = sample("PEBC.Instruction")["power_envelopes"]
    other = envelopes[0] | {"commodity_quantity": "ELECTRIC.POWER.L2"}

    assert "R-113" in found("OMBC", rm("OMBC.SystemDescription", operation_modes=[*modes, modes[0]]))
    assert "R-06" in found("DDBC", rm("DDBC.SystemDescription", actuators=actuators * 2))
    for twice in (containers * 2, [containers[0] | {"power_sequences": sequences * 2}]):
        assert "R-06" in found("PPBC", rm("PPBC.PowerProfileDefinition", power_sequences_containers=twice))
    assert "R-06" in found("PEBC", cem("PEBC.Instruction", power_envelopes=[envelopes[0], other]))


def test_a_demand_and_a_limit_run_upwards() -> None:
    ranges = sample("PEBC.PowerConstraints")["allowed_limit_ranges"]
    ranges[0]["range_boundary"] = span(2, 1)
    targets = [{"duration": 1, "fill_level_range": span(2, 1)}]

    assert "R-17" in found("DDBC", rm("DDBC.PresentDemandStatus", present_demand_rate=span(2, 1)))
    assert "R-17" in found("PEBC", rm("PEBC.PowerConstraints", allowed_limit_ranges=ranges))
    assert "R-17" in found("FRBC", rm("FRBC.FillLevelTargetProfile", elements=targets))


@pytest.mark.parametrize("family", ["OMBC", "DDBC"])
def test_transitions_are_followed_in_every_family(family: str) -> None:
    description = sample(f"{family}.SystemDescription")
    machine = description if family == "OMBC" else description["actuators"][0]
    machine["transitions"][0]["to"] = "mode-x"
    changes: dict[str, Any] = {key: description[key] for key in ("actuators", "transitions") if key in description}

    assert "R-50" in found(family, rm(f"{family}.SystemDescription", **changes))


def test_a_selection_needs_details() -> None:
    talk = conversation()
    talk.resource.details = None

    assert "R-24" in {finding.rule for finding in talk.judge(message("SelectControlType"), CEM, NOW)}
