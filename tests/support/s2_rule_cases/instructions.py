"""Cases of the rules R-34 to R-49."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.s2_rule_cases.scenes import INSTRUCTED, MENU_FRBC, RuleCase, Utterance, case, cem, edited, rm
from tests.support.s2_sessions import stamp


def _update(status: str, **changes: Any) -> Utterance:
    return rm("InstructionStatusUpdate", status_type=status, **changes)


_ABNORMAL_MODE = edited("FRBC.SystemDescription", "actuators.0.operation_modes.1.abnormal_condition_only", True)


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
}
