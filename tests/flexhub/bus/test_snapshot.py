from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from flexhub.bus.snapshot import Snapshot, revoked_field, snapshot_field, superseded_prefixes
from s2.messages import RevokeObject, parse_message
from s2.versions import WireProfile

TIME = "2026-04-21T10:00:00Z"
MODE = {"active_operation_mode_id": "on", "operation_mode_factor": 1.0}
RANGE = {"start_of_range": 0.0, "end_of_range": 1000.0}
DETAILS = {
    "message_type": "ResourceManagerDetails",
    "resource_id": "battery",
    "roles": [{"role": "ENERGY_STORAGE", "commodity": "ELECTRICITY"}],
    "instruction_processing_delay": 100,
    "available_control_types": ["FILL_RATE_BASED_CONTROL"],
    "provides_forecast": False,
    "provides_power_measurement_types": ["ELECTRIC.POWER.L1"],
}
MEASUREMENT = {
    "message_type": "PowerMeasurement",
    "measurement_timestamp": TIME,
    "values": [{"commodity_quantity": "ELECTRIC.POWER.L1", "value": 230.0}],
}


def text(**fields: Any) -> str:
    return json.dumps({"message_id": "m1", **fields})


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        (DETAILS, "ResourceManagerDetails"),
        (MEASUREMENT, "PowerMeasurement"),
        ({"message_type": "FRBC.StorageStatus", "present_fill_level": 0.5}, "FRBC.StorageStatus"),
        ({"message_type": "FRBC.ActuatorStatus", "actuator_id": "a:1", **MODE}, "FRBC.ActuatorStatus/a:1"),
        ({"message_type": "DDBC.ActuatorStatus", "actuator_id": "a1", **MODE}, "DDBC.ActuatorStatus/a1"),
        (
            {"message_type": "FRBC.TimerStatus", "actuator_id": "a1", "timer_id": "t1", "finished_at": TIME},
            "FRBC.TimerStatus/a1/t1",
        ),
        ({"message_type": "OMBC.TimerStatus", "timer_id": "t1", "finished_at": TIME}, "OMBC.TimerStatus/t1"),
        ({"message_type": "OMBC.Status", **MODE}, "OMBC.Status"),
        (
            {
                "message_type": "PEBC.EnergyConstraint",
                "id": "e1",
                "valid_from": TIME,
                "valid_until": "2026-04-21T11:00:00Z",
                "upper_average_power": 1.0,
                "lower_average_power": 0.0,
                "commodity_quantity": "ELECTRIC.POWER.L1",
            },
            "PEBC.EnergyConstraint/e1",
        ),
        (
            {
                "message_type": "PPBC.PowerProfileStatus",
                "sequence_container_status": [
                    {"power_profile_id": "p1", "sequence_container_id": "c1", "status": "NOT_SCHEDULED"}
                ],
            },
            "PPBC.PowerProfileStatus/p1",
        ),
        ({"message_type": "DDBC.PresentDemandStatus", "present_demand_rate": RANGE}, "DDBC.PresentDemandStatus"),
        (
            {
                "message_type": "InstructionStatusUpdate",
                "instruction_id": "i1",
                "status_type": "SUCCEEDED",
                "timestamp": TIME,
            },
            None,
        ),
    ],
)
def test_each_message_has_its_field(fields: dict[str, Any], field: str | None) -> None:
    message = parse_message(text(**fields), WireProfile.V1_0_0)

    assert snapshot_field(message) == field


@pytest.mark.parametrize(
    ("object_type", "field"),
    [
        ("PEBC.PowerConstraints", "PEBC.PowerConstraints/o1"),
        ("PPBC.PowerProfileDefinition", "PPBC.PowerProfileDefinition/o1"),
        ("FRBC.SystemDescription", "FRBC.SystemDescription"),
        ("FRBC.Instruction", None),
    ],
)
def test_a_revoked_object_names_its_field(object_type: str, field: str | None) -> None:
    revoke = parse_message(
        text(message_type="RevokeObject", object_type=object_type, object_id="o1"), WireProfile.V1_0_0
    )

    assert isinstance(revoke, RevokeObject)
    assert revoked_field(revoke) == field


def test_only_descriptions_supersede_anything() -> None:
    assert superseded_prefixes("DDBC.SystemDescription") == ("DDBC.ActuatorStatus/", "DDBC.TimerStatus/")
    assert superseded_prefixes("PowerMeasurement") == ()


def test_reads_messages_with_the_profile_of_the_session() -> None:
    texts = {"ResourceManagerDetails": text(**DETAILS), "profile": "0.0.2-beta", "control_type": "NOT_CONTROLABLE"}

    snapshot = Snapshot(uuid4(), 7, texts)

    assert snapshot.profile == WireProfile.V0_0_2_BETA
    assert snapshot.control_type == "NOT_CONTROLABLE"
    assert snapshot.details is not None
    assert snapshot.details.resource_id == "battery"
    assert set(snapshot.messages) == {"ResourceManagerDetails"}
    assert snapshot.fields() == texts


@pytest.mark.parametrize(
    ("fields", "is_released"),
    [
        ({"control_type": "NO_SELECTION"}, False),
        ({"control_type": "NO_SELECTION", "released": TIME}, True),
        ({"released": TIME}, True),
        ({"control_type": "FILL_RATE_BASED_CONTROL", "released": TIME}, False),
    ],
)
def test_a_session_is_released_until_a_control_type_is_selected_again(
    fields: dict[str, str], is_released: bool
) -> None:
    snapshot = Snapshot(uuid4(), 7, {"profile": "1.0.0", **fields})

    assert snapshot.is_released == is_released
    assert (snapshot.released_at is not None) == ("released" in fields)
    assert snapshot.messages == {}


def test_a_field_that_cannot_be_read_is_left_out_and_told(caplog: pytest.LogCaptureFixture) -> None:
    texts = {"PowerMeasurement": text(**MEASUREMENT), "FRBC.StorageStatus": "{}", "profile": "1.0.0"}

    messages = Snapshot(uuid4(), 7, texts).messages

    assert set(messages) == {"PowerMeasurement"}
    assert "FRBC.StorageStatus" in caplog.text


def test_before_the_handshake_there_is_nothing_to_read() -> None:
    snapshot = Snapshot(uuid4(), 7, {"ResourceManagerDetails": text(**DETAILS)})

    assert (snapshot.messages, snapshot.details, snapshot.control_type) == ({}, None, None)
