"""One small valid instance of each S2 message, as plain JSON objects with the names of the wire.

sample("FRBC.Instruction", id="i-2")            one message, as a fresh copy, with some of its keys replaced
samples(WireProfile.V0_0_2_BETA)                all messages of a version, by message_type
"""

import json
from typing import Any

from s2.versions import WireProfile

NOW = "2026-01-15T12:00:00Z"
LATER = "2026-01-15T18:00:00Z"
L1 = "ELECTRIC.POWER.L1"

_POWER_RANGE = {"start_of_range": 0, "end_of_range": 5000, "commodity_quantity": L1}
_PERCENT = {"start_of_range": 0, "end_of_range": 100}
_TRANSITION = {
    "id": "off-to-on",
    "from": "mode-off",
    "to": "mode-on",
    "start_timers": ["timer-on"],
    "blocking_timers": [],
    "transition_costs": 0.01,
    "transition_duration": 2000,
    "abnormal_condition_only": False,
}
_TIMER = {"id": "timer-on", "diagnostic_label": "minimum on time", "duration": 300000}
_FRBC_ELEMENT = {
    "fill_level_range": _PERCENT,
    "fill_rate": {"start_of_range": 0, "end_of_range": 0.0125},
    "power_ranges": [_POWER_RANGE],
    "running_costs": {"start_of_range": 0, "end_of_range": 0.0001},
}
_MODE_INSTRUCTION = {"operation_mode_factor": 0.5, "execution_time": NOW, "abnormal_condition": False}
_MODE_STATUS = {
    "active_operation_mode_id": "mode-on",
    "operation_mode_factor": 0.5,
    "previous_operation_mode_id": "mode-off",
    "transition_timestamp": NOW,
}
_SEQUENCE_INSTRUCTION = {
    "power_profile_id": "profile-1",
    "sequence_container_id": "wash",
    "power_sequence_id": "wash-eco",
    "execution_time": NOW,
    "abnormal_condition": False,
}

_WITHOUT_MESSAGE_ID: dict[str, dict[str, Any]] = {
    "Handshake": {"role": "RM", "supported_protocol_versions": ["1.0.0", "0.0.2-beta"]},
    "HandshakeResponse": {"selected_protocol_version": "1.0.0"},
    "ResourceManagerDetails": {
        "resource_id": "battery-1",
        "name": "Battery in the shed",
        "roles": [{"role": "ENERGY_STORAGE", "commodity": "ELECTRICITY"}],
        "manufacturer": "Alder",
        "model": "B10",
        "serial_number": "0001",
        "firmware_version": "1.2",
        "instruction_processing_delay": 500,
        "available_control_types": ["FILL_RATE_BASED_CONTROL", "NOT_CONTROLABLE"],
        "currency": "EUR",
        "provides_forecast": True,
        "provides_power_measurement_types": [L1],
    },
    "SelectControlType": {"control_type": "FILL_RATE_BASED_CONTROL"},
    "SessionRequest": {"request": "RECONNECT", "diagnostic_label": "rolling upgrade"},
    "RevokeObject": {"object_type": "FRBC.Instruction", "object_id": "instruction-1"},
    "ReceptionStatus": {"subject_message_id": "message-0", "status": "OK", "diagnostic_label": "fine"},
    "InstructionStatusUpdate": {"instruction_id": "instruction-1", "status_type": "STARTED", "timestamp": NOW},
    "PowerMeasurement": {"measurement_timestamp": NOW, "values": [{"commodity_quantity": L1, "value": 1234.5}]},
    "PowerForecast": {
        "start_time": NOW,
        "elements": [
            {
                "duration": 900000,
                "power_values": [
                    {
                        "value_upper_limit": 3000,
                        "value_upper_95PPR": 2500,
                        "value_upper_68PPR": 2000,
                        "value_expected": 1500,
                        "value_lower_68PPR": 1000,
                        "value_lower_95PPR": 500,
                        "value_lower_limit": 0,
                        "commodity_quantity": L1,
                    }
                ],
            }
        ],
    },
    "PEBC.PowerConstraints": {
        "id": "constraints-1",
        "valid_from": NOW,
        "valid_until": LATER,
        "consequence_type": "VANISH",
        "allowed_limit_ranges": [
            {
                "commodity_quantity": L1,
                "limit_type": limit_type,
                "range_boundary": {"start_of_range": -5000, "end_of_range": 0},
                "abnormal_condition_only": False,
            }
            for limit_type in ("UPPER_LIMIT", "LOWER_LIMIT")
        ],
    },
    "PEBC.EnergyConstraint": {
        "id": "energy-1",
        "valid_from": NOW,
        "valid_until": LATER,
        "upper_average_power": 3000,
        "lower_average_power": 1000,
        "commodity_quantity": L1,
    },
    "PEBC.Instruction": {
        "id": "instruction-1",
        "execution_time": NOW,
        "abnormal_condition": False,
        "power_constraints_id": "constraints-1",
        "power_envelopes": [
            {
                "id": "envelope-1",
                "commodity_quantity": L1,
                "power_envelope_elements": [{"duration": 900000, "upper_limit": 0, "lower_limit": -2500}],
            }
        ],
    },
    "PPBC.PowerProfileDefinition": {
        "id": "profile-1",
        "start_time": NOW,
        "end_time": LATER,
        "power_sequences_containers": [
            {
                "id": "wash",
                "power_sequences": [
                    {
                        "id": "wash-eco",
                        "elements": [
                            {
                                "duration": 3600000,
                                "power_values": [{"value_expected": 700, "commodity_quantity": L1}],
                            }
                        ],
                        "is_interruptible": True,
                        "max_pause_before": 600000,
                        "abnormal_condition_only": False,
                    }
                ],
            }
        ],
    },
    "PPBC.PowerProfileStatus": {
        "sequence_container_status": [
            {
                "power_profile_id": "profile-1",
                "sequence_container_id": "wash",
                "selected_sequence_id": "wash-eco",
                "progress": 60000,
                "status": "EXECUTING",
            }
        ]
    },
    "PPBC.ScheduleInstruction": {"id": "instruction-1", **_SEQUENCE_INSTRUCTION},
    "PPBC.StartInterruptionInstruction": {"id": "instruction-2", **_SEQUENCE_INSTRUCTION},
    "PPBC.EndInterruptionInstruction": {"id": "instruction-3", **_SEQUENCE_INSTRUCTION},
    "OMBC.SystemDescription": {
        "valid_from": NOW,
        "operation_modes": [
            {
                "id": mode_id,
                "diagnostic_label": mode_id,
                "power_ranges": [_POWER_RANGE],
                "running_costs": {"start_of_range": 0, "end_of_range": 0},
                "abnormal_condition_only": False,
            }
            for mode_id in ("mode-off", "mode-on")
        ],
        "transitions": [_TRANSITION],
        "timers": [_TIMER],
    },
    "OMBC.Status": _MODE_STATUS,
    "OMBC.TimerStatus": {"timer_id": "timer-on", "finished_at": NOW},
    "OMBC.Instruction": {"id": "instruction-1", "operation_mode_id": "mode-on", **_MODE_INSTRUCTION},
    "FRBC.SystemDescription": {
        "valid_from": NOW,
        "actuators": [
            {
                "id": "actuator-1",
                "diagnostic_label": "inverter",
                "supported_commodities": ["ELECTRICITY"],
                "operation_modes": [
                    {
                        "id": mode_id,
                        "diagnostic_label": mode_id,
                        "elements": [_FRBC_ELEMENT],
                        "abnormal_condition_only": False,
                    }
                    for mode_id in ("mode-off", "mode-on")
                ],
                "transitions": [_TRANSITION],
                "timers": [_TIMER],
            }
        ],
        "storage": {
            "diagnostic_label": "cells",
            "fill_level_label": "% state of charge",
            "provides_leakage_behaviour": True,
            "provides_fill_level_target_profile": True,
            "provides_usage_forecast": True,
            "fill_level_range": _PERCENT,
        },
    },
    "FRBC.StorageStatus": {"present_fill_level": 42.5},
    "FRBC.ActuatorStatus": {"actuator_id": "actuator-1", **_MODE_STATUS},
    "FRBC.TimerStatus": {"timer_id": "timer-on", "actuator_id": "actuator-1", "finished_at": NOW},
    "FRBC.LeakageBehaviour": {
        "valid_from": NOW,
        "elements": [{"fill_level_range": _PERCENT, "leakage_rate": 0.0001}],
    },
    "FRBC.UsageForecast": {
        "start_time": NOW,
        "elements": [
            {
                "duration": 900000,
                "usage_rate_upper_limit": 0.3,
                "usage_rate_upper_95PPR": 0.2,
                "usage_rate_upper_68PPR": 0.15,
                "usage_rate_expected": 0.1,
                "usage_rate_lower_68PPR": 0.05,
                "usage_rate_lower_95PPR": 0.02,
                "usage_rate_lower_limit": 0,
            }
        ],
    },
    "FRBC.FillLevelTargetProfile": {
        "start_time": NOW,
        "elements": [{"duration": 900000, "fill_level_range": {"start_of_range": 80, "end_of_range": 100}}],
    },
    "FRBC.Instruction": {
        "id": "instruction-1",
        "actuator_id": "actuator-1",
        "operation_mode": "mode-on",
        **_MODE_INSTRUCTION,
    },
    "DDBC.SystemDescription": {
        "valid_from": NOW,
        "actuators": [
            {
                "id": "actuator-1",
                "diagnostic_label": "gas boiler",
                "supported_commodites": ["GAS", "ELECTRICITY"],
                "operation_modes": [
                    {
                        "Id": mode_id,
                        "diagnostic_label": mode_id,
                        "power_ranges": [_POWER_RANGE],
                        "supply_range": {"start_of_range": 0, "end_of_range": 8},
                        "running_costs": {"start_of_range": 0, "end_of_range": 0},
                        "abnormal_condition_only": False,
                    }
                    for mode_id in ("mode-off", "mode-on")
                ],
                "transitions": [_TRANSITION],
                "timers": [_TIMER],
            }
        ],
        "provides_average_demand_rate_forecast": True,
    },
    "DDBC.PresentDemandStatus": {"present_demand_rate": {"start_of_range": 2, "end_of_range": 3}},
    "DDBC.ActuatorStatus": {"actuator_id": "actuator-1", **_MODE_STATUS},
    "DDBC.TimerStatus": {"timer_id": "timer-on", "actuator_id": "actuator-1", "finished_at": NOW},
    "DDBC.AverageDemandRateForecast": {
        "start_time": NOW,
        "elements": [
            {
                "duration": 900000,
                "demand_rate_upper_limit": 5,
                "demand_rate_upper_95PPR": 4.5,
                "demand_rate_upper_68PPR": 4,
                "demand_rate_expected": 3,
                "demand_rate_lower_68PPR": 2,
                "demand_rate_lower_95PPR": 1.5,
                "demand_rate_lower_limit": 0,
            }
        ],
    },
    "DDBC.Instruction": {
        "id": "instruction-1",
        "actuator_id": "actuator-1",
        "operation_mode_id": "mode-on",
        **_MODE_INSTRUCTION,
    },
}


def sample(message_type: str, profile: WireProfile = WireProfile.V1_0_0, **changes: object) -> dict[str, Any]:
    """Return a fresh copy of the sample; `changes` replace or add top-level keys."""
    message: dict[str, Any] = {"message_type": message_type}
    if message_type != "ReceptionStatus":
        message["message_id"] = "message-1"
    # Unlike deepcopy, a trip through text also separates parts that the sample repeats.
    message |= json.loads(json.dumps(_WITHOUT_MESSAGE_ID[message_type]))
    if message_type == "DDBC.SystemDescription" and profile is WireProfile.V0_0_2_BETA:
        message["present_demand_rate"] = {"start_of_range": 2, "end_of_range": 3}
    return message | changes


def samples(profile: WireProfile = WireProfile.V1_0_0) -> dict[str, dict[str, Any]]:
    """Return one sample of each message of the version, by message_type."""
    beta = profile is WireProfile.V0_0_2_BETA
    return {
        message_type: sample(message_type, profile)
        for message_type in _WITHOUT_MESSAGE_ID
        if not (beta and message_type == "DDBC.PresentDemandStatus")
    }
