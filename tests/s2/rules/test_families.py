"""What the one pair of cases per rule leaves open: the other control types, the union of ranges, which rule it is."""

from typing import Any

import pytest

from s2.messages import EnergyManagementRole
from tests.support.s2_samples import L1, sample
from tests.support.s2_sessions import CEM, NOW, RM, conversation, message, stamp

Utterance = tuple[EnergyManagementRole, str, dict[str, Any]]


def found(family: str, *utterances: Utterance) -> set[str]:
    talk = conversation(family)
    *before, (sender, message_type, changes) = utterances
    for their_side, their_type, their_changes in before:
        talk.apply(message(their_type, **their_changes), their_side, NOW)
    return {finding.rule for finding in talk.judge(message(message_type, **changes), sender, NOW)}


def abnormal_profile() -> dict[str, Any]:
    containers = sample("PPBC.PowerProfileDefinition")["power_sequences_containers"]
    containers[0]["power_sequences"][0]["abnormal_condition_only"] = True
    return {"power_sequences_containers": containers}


def limits(*ranges: tuple[str, float, float, bool]) -> dict[str, Any]:
    keys = ("limit_type", "range_boundary", "abnormal_condition_only")
    return {
        "allowed_limit_ranges": [
            {
                "commodity_quantity": L1,
                **dict(zip(keys, (kind, {"start_of_range": low, "end_of_range": high}, abnormal), strict=True)),
            }
            for kind, low, high, abnormal in ranges
        ]
    }


@pytest.mark.parametrize("family", ["OMBC", "DDBC"])
def test_finds_an_unknown_mode_in_every_family(family: str) -> None:
    menu: Utterance = (RM, f"{family}.SystemDescription", {})

    assert found(family, menu, (CEM, f"{family}.Instruction", {})) == set()
    assert found(family, menu, (CEM, f"{family}.Instruction", {"operation_mode_id": "mode-x"})) == {"R-51"}


def test_finds_an_unknown_actuator_in_ddbc() -> None:
    menu: Utterance = (RM, "DDBC.SystemDescription", {})

    assert found("DDBC", menu, (CEM, "DDBC.Instruction", {"actuator_id": "actuator-2"})) == {"R-51"}


def test_names_one_rule_only_for_a_mode_of_an_unknown_actuator() -> None:
    menu: Utterance = (RM, "FRBC.SystemDescription", {})

    assert found("FRBC", menu, (CEM, "FRBC.Instruction", {"actuator_id": "a-2", "operation_mode": "m-2"})) == {"R-122"}


@pytest.mark.parametrize("family", ["OMBC", "FRBC", "DDBC"])
def test_finds_an_instruction_without_any_description(family: str) -> None:
    assert found(family, (CEM, f"{family}.Instruction", {})) == {"R-44"}


def test_finds_a_schedule_without_its_profile() -> None:
    assert found("PPBC", (CEM, "PPBC.ScheduleInstruction", {})) == {"R-44"}


def test_finds_an_abnormal_sequence_in_normal_conditions() -> None:
    menu: Utterance = (RM, "PPBC.PowerProfileDefinition", abnormal_profile())

    assert found("PPBC", menu, (CEM, "PPBC.ScheduleInstruction", {})) == {"R-38"}
    assert found("PPBC", menu, (CEM, "PPBC.ScheduleInstruction", {"abnormal_condition": True})) == {"R-40"}


def test_an_abnormal_range_counts_with_the_condition_only() -> None:
    menu: Utterance = (
        RM,
        "PEBC.PowerConstraints",
        limits(("UPPER_LIMIT", 0, 0, True), ("UPPER_LIMIT", -10, -5, False), ("LOWER_LIMIT", -5000, 0, False)),
    )

    assert found("PEBC", menu, (CEM, "PEBC.Instruction", {})) == {"R-38"}
    assert found("PEBC", menu, (CEM, "PEBC.Instruction", {"abnormal_condition": True})) == {"R-40"}


def test_a_transition_for_abnormal_conditions_is_found() -> None:
    actuators = sample("FRBC.SystemDescription")["actuators"]
    actuators[0]["transitions"][0]["abnormal_condition_only"] = True
    menu: Utterance = (RM, "FRBC.SystemDescription", {"actuators": actuators})
    active = (RM, "FRBC.ActuatorStatus", {"active_operation_mode_id": "mode-off"})

    assert found("FRBC", menu, active, (CEM, "FRBC.Instruction", {})) == {"R-38"}


def test_a_limit_on_the_edge_is_allowed_in_spite_of_rounding() -> None:
    menu: Utterance = (
        RM,
        "PEBC.PowerConstraints",
        limits(("UPPER_LIMIT", 0, 0.3, False), ("LOWER_LIMIT", 0, 0, False)),
    )
    envelopes = sample("PEBC.Instruction")["power_envelopes"]
    envelopes[0]["power_envelope_elements"] = [{"duration": 1, "upper_limit": 0.1 + 0.2, "lower_limit": 0}]

    assert found("PEBC", menu, (CEM, "PEBC.Instruction", {"power_envelopes": envelopes})) == set()


def test_constraints_that_have_ended_by_the_execution_time_are_not_in_force() -> None:
    menu: Utterance = (RM, "PEBC.PowerConstraints", {"valid_until": stamp(60)})

    assert found("PEBC", menu, (CEM, "PEBC.Instruction", {})) == set()
    assert found("PEBC", menu, (CEM, "PEBC.Instruction", {"execution_time": stamp(60)})) == {"R-75"}


def test_an_execution_time_in_the_past_means_now() -> None:
    menu: Utterance = (RM, "FRBC.SystemDescription", {"valid_from": stamp(-5)})

    assert found("FRBC", menu, (CEM, "FRBC.Instruction", {"execution_time": stamp(-3600)})) == set()


def test_one_unblocked_way_is_enough() -> None:
    actuators = sample("FRBC.SystemDescription")["actuators"]
    (free,) = actuators[0]["transitions"]
    actuators[0]["transitions"] = [free | {"id": "other", "blocking_timers": ["timer-on"]}, free]
    menu: Utterance = (RM, "FRBC.SystemDescription", {"actuators": actuators})
    active = (RM, "FRBC.ActuatorStatus", {"active_operation_mode_id": "mode-off"})
    timer = (RM, "FRBC.TimerStatus", {"finished_at": stamp(3600)})

    assert found("FRBC", menu, active, timer, (CEM, "FRBC.Instruction", {})) == set()


def test_warns_of_revoking_what_belongs_to_the_other_side() -> None:
    menu: Utterance = (RM, "FRBC.SystemDescription", {"message_id": "description-1"})
    revocation = {"object_type": "FRBC.SystemDescription", "object_id": "description-1"}

    assert found("FRBC", menu, (CEM, "RevokeObject", revocation)) == {"R-45"}
    assert found("FRBC", menu, (RM, "RevokeObject", revocation)) == set()


def test_bands_may_miss_each_other_by_rounding_but_not_overlap() -> None:
    def element(start: float, end: float) -> dict[str, Any]:
        return {"fill_level_range": {"start_of_range": start, "end_of_range": end}, "leakage_rate": 0}

    touching = {"elements": [element(0, 0.1 + 0.2), element(0.3, 1)]}
    overlapping = {"elements": [element(0, 0.31), element(0.3, 1)]}

    assert found("FRBC", (RM, "FRBC.LeakageBehaviour", touching)) == set()
    assert found("FRBC", (RM, "FRBC.LeakageBehaviour", overlapping)) == {"R-121"}


def test_ids_are_looked_at_in_every_family() -> None:
    modes = sample("OMBC.SystemDescription")["operation_modes"]
    actuators = sample("DDBC.SystemDescription")["actuators"]
    containers = sample("PPBC.PowerProfileDefinition")["power_sequences_containers"]
    sequences = containers[0]["power_sequences"]
    envelopes = sample("PEBC.Instruction")["power_envelopes"]
    other = envelopes[0] | {"commodity_quantity": "ELECTRIC.POWER.L2"}

    assert "R-06" in found("OMBC", (RM, "OMBC.SystemDescription", {"operation_modes": [*modes, modes[0]]}))
    assert found("DDBC", (RM, "DDBC.SystemDescription", {"actuators": actuators * 2})) == {"R-06"}
    for twice in (containers * 2, [containers[0] | {"power_sequences": sequences * 2}]):
        changes = {"power_sequences_containers": twice}
        assert found("PPBC", (RM, "PPBC.PowerProfileDefinition", changes)) == {"R-06"}
    assert "R-06" in found("PEBC", (CEM, "PEBC.Instruction", {"power_envelopes": [envelopes[0], other]}))


def test_a_demand_and_a_limit_run_upwards() -> None:
    reversed_range = {"start_of_range": 2, "end_of_range": 1}
    ranges = sample("PEBC.PowerConstraints")["allowed_limit_ranges"]
    ranges[0]["range_boundary"] = reversed_range
    targets = [{"duration": 1, "fill_level_range": reversed_range}]

    assert found("DDBC", (RM, "DDBC.PresentDemandStatus", {"present_demand_rate": reversed_range})) == {"R-17"}
    assert found("PEBC", (RM, "PEBC.PowerConstraints", {"allowed_limit_ranges": ranges})) == {"R-17"}
    assert found("FRBC", (RM, "FRBC.FillLevelTargetProfile", {"elements": targets})) == {"R-17"}


def test_transitions_are_followed_in_every_family() -> None:
    for family in ("OMBC", "DDBC"):
        description = sample(f"{family}.SystemDescription")
        machine = description if family == "OMBC" else description["actuators"][0]
        machine["transitions"][0]["to"] = "mode-x"
        changes: dict[str, Any] = {key: description[key] for key in ("actuators", "transitions") if key in description}

        assert found(family, (RM, f"{family}.SystemDescription", changes)) == {"R-50"}


def test_a_selection_needs_details() -> None:
    talk = conversation()
    talk.resource.details = None

    (finding,) = talk.judge(message("SelectControlType"), CEM, NOW)

    assert finding.rule == "R-24"
