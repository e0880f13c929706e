"""Cases of the rules R-43, R-48, R-50 to R-63 and R-135."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.s2_rule_cases.scenes import (
    IN_MODE_OFF,
    IN_MODE_ON,
    INSTRUCTED,
    MENU_FRBC,
    RuleCase,
    case,
    cem,
    edited,
    permitted,
    rm,
    span,
)
from tests.support.s2_samples import L1, sample
from tests.support.s2_sessions import stamp

_OFF_TO_ON = sample("FRBC.SystemDescription")["actuators"][0]["transitions"][0]

#: A third mode, to which transitions lead by way of mode-on, and each of these takes two seconds.
_MODES = sample("FRBC.SystemDescription")["actuators"][0]["operation_modes"]
_ACTUATOR = sample("FRBC.SystemDescription")["actuators"][0] | {
    "operation_modes": [*_MODES, _MODES[1] | {"id": "mode-high"}],
    "transitions": [_OFF_TO_ON, _OFF_TO_ON | {"id": "on-to-high", "from": "mode-on", "to": "mode-high"}],
}
THREE_MODES = edited("FRBC.SystemDescription", "actuators", [_ACTUATOR])

_BLOCKING = edited(
    "FRBC.SystemDescription", "actuators.0.transitions", [_OFF_TO_ON | {"blocking_timers": ["timer-on"]}]
)

_ELEMENT = "actuators.0.operation_modes.0.elements.0"

_LATER_MODES = edited(
    "FRBC.SystemDescription", "actuators.0.operation_modes", [_MODES[0], _MODES[1] | {"id": "mode-2"}]
)
_SECOND = (*_LATER_MODES[:2], _LATER_MODES[2] | {"valid_from": stamp(60)})


def entered(mode_id: str, came_from: str, seconds: float, **changes: Any) -> tuple[Any, str, dict[str, Any]]:
    """A status that tells of a transition."""
    return rm(
        "FRBC.ActuatorStatus",
        active_operation_mode_id=mode_id,
        previous_operation_mode_id=came_from,
        transition_timestamp=stamp(seconds),
        **changes,
    )


def _fixed(factor: float) -> list[Any]:
    """An instruction for a mode in which all ranges are points."""
    element = _MODES[0]["elements"][0] | {
        "fill_rate": span(1, 1),
        "power_ranges": [span(500, 500) | {"commodity_quantity": L1}],
    }
    menu = edited("FRBC.SystemDescription", "actuators.0.operation_modes.1.elements", [element])
    return [menu, cem("FRBC.Instruction", operation_mode_factor=factor)]


CASES: Mapping[str, RuleCase] = {
    "R-43": case(
        [MENU_FRBC, _LATER_MODES, rm("FRBC.ActuatorStatus", active_operation_mode_id="mode-on")],
        [MENU_FRBC, _LATER_MODES, rm("FRBC.ActuatorStatus", active_operation_mode_id="mode-2")],
    ),
    "R-48": case(
        [MENU_FRBC, IN_MODE_OFF, entered("mode-on", "mode-on", 0)],
        [MENU_FRBC, IN_MODE_OFF, entered("mode-on", "mode-off", 0)],
    ),
    "R-50": case([edited("FRBC.SystemDescription", "actuators.0.timers", [])], [MENU_FRBC]),
    "R-51": case(
        [MENU_FRBC, _SECOND, cem("FRBC.Instruction", operation_mode="mode-2", execution_time=stamp(59))],
        [MENU_FRBC, _SECOND, cem("FRBC.Instruction", operation_mode="mode-2", execution_time=stamp(60))],
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
    "R-55": case(
        [MENU_FRBC, rm("FRBC.TimerStatus", finished_at=stamp(331))],
        [MENU_FRBC, rm("FRBC.TimerStatus", finished_at=stamp(330))],
    ),
    "R-56": case([MENU_FRBC, rm("FRBC.TimerStatus", timer_id="timer-x")], [MENU_FRBC, rm("FRBC.TimerStatus")]),
    "R-57": case(
        [edited("FRBC.SystemDescription", f"{_ELEMENT}.fill_rate", span(-1e308, 1e308))],
        [edited("FRBC.SystemDescription", f"{_ELEMENT}.fill_rate", span(0, 1e308))],
    ),
    "R-58": case(
        [edited("FRBC.SystemDescription", f"{_ELEMENT}.running_costs", span(0.2, 0.1))],
        [edited("FRBC.SystemDescription", f"{_ELEMENT}.running_costs", span(0.1, 0.1))],
    ),
    "R-59": permitted(
        [THREE_MODES, IN_MODE_OFF, INSTRUCTED, entered("mode-high", "mode-off", 0)],
        [THREE_MODES, IN_MODE_OFF, INSTRUCTED, entered("mode-on", "mode-off", 0)],
    ),
    "R-60": case(
        [MENU_FRBC, rm("FRBC.ActuatorStatus", active_operation_mode_id="mode-x")],
        [MENU_FRBC, rm("FRBC.ActuatorStatus", active_operation_mode_id="mode-on")],
    ),
    "R-61": case(
        [THREE_MODES, entered("mode-on", "mode-off", -2), entered("mode-high", "mode-on", -0.1)],
        [THREE_MODES, entered("mode-on", "mode-off", -2), entered("mode-high", "mode-on", 0)],
    ),
    "R-62": case(
        [edited("FRBC.SystemDescription", "actuators.0.supported_commodities", ["ELECTRICITY", "GAS"])],
        [edited("FRBC.SystemDescription", "actuators.0.supported_commodities", ["ELECTRICITY"])],
    ),
    "R-63": case(
        [
            THREE_MODES,
            IN_MODE_OFF,
            INSTRUCTED,
            cem("FRBC.Instruction", id="i-2", operation_mode="mode-high", execution_time=stamp(1.9)),
        ],
        [
            THREE_MODES,
            IN_MODE_OFF,
            INSTRUCTED,
            cem("FRBC.Instruction", id="i-2", operation_mode="mode-high", execution_time=stamp(2)),
        ],
    ),
    "R-135": case(_fixed(0.5), _fixed(1.0)),
}
