"""Cases of the rules R-50 to R-63."""

from __future__ import annotations

from collections.abc import Mapping

from tests.support.s2_rule_cases.scenes import (
    IN_MODE_OFF,
    IN_MODE_ON,
    INSTRUCTED,
    MENU_FRBC,
    MENU_OMBC,
    RuleCase,
    case,
    cem,
    edited,
    permitted,
    rm,
)
from tests.support.s2_samples import sample
from tests.support.s2_sessions import stamp

_BLOCKED = sample("FRBC.SystemDescription")["actuators"][0]["transitions"][0] | {"blocking_timers": ["timer-on"]}


_BLOCKING = edited("FRBC.SystemDescription", "actuators.0.transitions", [_BLOCKED])


_TIMER = sample("FRBC.SystemDescription")["actuators"][0]["timers"][0]


CASES: Mapping[str, RuleCase] = {
    "R-50": case([edited("FRBC.SystemDescription", "actuators.0.timers", [])], [MENU_FRBC]),
    "R-51": case(
        [MENU_OMBC, cem("OMBC.Instruction", operation_mode_id="mode-x")], [MENU_OMBC, cem("OMBC.Instruction")]
    ),
    "R-52": case(
        [MENU_FRBC, IN_MODE_ON, cem("FRBC.Instruction", operation_mode="mode-off")],
        [MENU_FRBC, IN_MODE_OFF, INSTRUCTED],
    ),
    "R-53": permitted(
        [MENU_FRBC, IN_MODE_ON, cem("FRBC.Instruction", operation_mode_factor=0.1)],
        [MENU_FRBC, IN_MODE_OFF, INSTRUCTED],
    ),
    "R-54": case(
        [_BLOCKING, IN_MODE_OFF, rm("FRBC.TimerStatus", finished_at=stamp(60)), INSTRUCTED],
        [
            _BLOCKING,
            IN_MODE_OFF,
            rm("FRBC.TimerStatus", finished_at=stamp(60)),
            cem("FRBC.Instruction", execution_time=stamp(60)),
        ],
    ),
    "R-56": case([MENU_FRBC, rm("FRBC.TimerStatus", timer_id="timer-x")], [MENU_FRBC, rm("FRBC.TimerStatus")]),
    "R-60": case(
        [MENU_FRBC, rm("FRBC.ActuatorStatus", active_operation_mode_id="mode-x")],
        [MENU_FRBC, rm("FRBC.ActuatorStatus", active_operation_mode_id="mode-on")],
    ),
}
