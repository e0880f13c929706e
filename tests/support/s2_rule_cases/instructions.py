"""Cases of the rules R-34 to R-49."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.s2_rule_cases.scenes import INSTRUCTED, MENU_FRBC, RuleCase, Utterance, case, cem, edited, judged, rm
from tests.support.s2_sessions import stamp


def _update(status: str, **changes: Any) -> Utterance:
    return rm("InstructionStatusUpdate", status_type=status, **changes)


def _instructed_for(seconds: float) -> Utterance:
    return cem("FRBC.Instruction", execution_time=stamp(seconds))


def _filled_to(level: float) -> Utterance:
    return rm("FRBC.StorageStatus", present_fill_level=level)


_ABNORMAL_MODE = edited("FRBC.SystemDescription", "actuators.0.operation_modes.1.abnormal_condition_only", True)

_SLOW = [
    rm("ResourceManagerDetails", instruction_processing_delay=60_000),
    cem("SelectControlType"),
    MENU_FRBC,
]

_NEW_MODE = edited("FRBC.SystemDescription", "actuators.0.operation_modes.1.id", "mode-new")[2]
_NEW_MODE_EARLY = [
    MENU_FRBC,
    rm("FRBC.SystemDescription", **_NEW_MODE | {"valid_from": stamp(60)}),
    rm("FRBC.ActuatorStatus", active_operation_mode_id="mode-new"),
]

CASES: Mapping[str, RuleCase] = {
    "R-34": case([MENU_FRBC, INSTRUCTED, INSTRUCTED], [MENU_FRBC, INSTRUCTED, cem("FRBC.Instruction", id="i-2")]),
    "R-35": case([_update("STARTED")], [MENU_FRBC, INSTRUCTED, _update("STARTED")]),
    "R-36": case(
        [MENU_FRBC, INSTRUCTED, _update("SUCCEEDED"), _update("ABORTED")],
        [MENU_FRBC, INSTRUCTED, _update("ABORTED")],
    ),
    "R-37": case(
        [MENU_FRBC, INSTRUCTED, _update("STARTED"), _update("ACCEPTED")],
        [MENU_FRBC, INSTRUCTED, _update("ACCEPTED"), _update("STARTED")],
    ),
    "R-38": case([_ABNORMAL_MODE, INSTRUCTED], [_ABNORMAL_MODE, cem("FRBC.Instruction", abnormal_condition=True)]),
    "R-39": case(
        [MENU_FRBC, _filled_to(101.1), rm("FRBC.ActuatorStatus")],
        [MENU_FRBC, _filled_to(101.0), rm("FRBC.ActuatorStatus")],
    ),
    "R-40": case([MENU_FRBC, cem("FRBC.Instruction", abnormal_condition=True)], [MENU_FRBC, INSTRUCTED]),
    "R-41": case(
        [MENU_FRBC, _instructed_for(60), _update("STARTED", timestamp=stamp(29))],
        [MENU_FRBC, _instructed_for(60), _update("STARTED", timestamp=stamp(30))],
    ),
    "R-42": RuleCase(judged(*_NEW_MODE_EARLY), judged(*_NEW_MODE_EARLY, after_s=60)),
    "R-44": case(
        [rm("FRBC.SystemDescription", valid_from=stamp(60)), INSTRUCTED],
        [
            rm("FRBC.SystemDescription", valid_from=stamp(60)),
            cem("FRBC.Instruction", execution_time=stamp(60)),
        ],
    ),
    "R-45": case(
        [MENU_FRBC, INSTRUCTED, cem("RevokeObject", object_id="instruction-2")],
        [MENU_FRBC, INSTRUCTED, cem("RevokeObject", object_id="instruction-1")],
    ),
    "R-46": case(
        [rm("ResourceManagerDetails", resource_id="battery-2")], [rm("ResourceManagerDetails", resource_id="battery-1")]
    ),
    "R-47": case([*_SLOW, _instructed_for(54)], [*_SLOW, _instructed_for(55)]),
}
