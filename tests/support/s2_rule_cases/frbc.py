"""Cases of the rules R-120 to R-134."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.s2_rule_cases.scenes import (
    IN_MODE_OFF,
    INSTRUCTED,
    MENU_FRBC,
    RuleCase,
    Utterance,
    case,
    cem,
    edited,
    judged,
    permitted,
    rm,
    span,
)
from tests.support.s2_samples import sample
from tests.support.s2_sessions import stamp

_ELEMENTS = "actuators.0.operation_modes.0.elements"

_STORAGE = sample("FRBC.SystemDescription")["storage"]

#: Announces neither leakage, usage nor targets: nothing but the actuator moves its level.
CLOSED_STORAGE = edited(
    "FRBC.SystemDescription",
    "storage",
    {key: False if key.startswith("provides_") else value for key, value in _STORAGE.items()},
)


def element(start: float, end: float, **changes: Any) -> dict[str, Any]:
    sampled: dict[str, Any] = sample("FRBC.SystemDescription")["actuators"][0]["operation_modes"][0]["elements"][0]
    return sampled | {"fill_level_range": span(start, end), **changes}


def _emptied() -> Utterance:
    """A storage with a target, which its running mode empties."""
    elements = [element(0, 100, fill_rate=span(0, -1))]
    _, _, menu = edited("FRBC.SystemDescription", "actuators.0.operation_modes.1.elements", elements)
    targeted = CLOSED_STORAGE[2]["storage"] | {"provides_fill_level_target_profile": True}
    return rm("FRBC.SystemDescription", **menu | {"storage": targeted})


def level(value: float) -> Utterance:
    return rm("FRBC.StorageStatus", present_fill_level=value)


def bands(*edges: tuple[float, float]) -> Utterance:
    """A description whose first mode has elements for these levels."""
    return edited("FRBC.SystemDescription", _ELEMENTS, [element(*each) for each in edges])


def _leakage(*edges: tuple[float, float]) -> Utterance:
    elements = [{"fill_level_range": span(*each), "leakage_rate": 0} for each in edges]
    return rm("FRBC.LeakageBehaviour", elements=elements)


_EMERGENCY = cem("FRBC.Instruction", abnormal_condition=True)
_REJECTED = rm("InstructionStatusUpdate", status_type="REJECTED")

CASES: Mapping[str, RuleCase] = {
    "R-120": case([bands((0, 50), (60, 100))], [bands((50, 100), (0, 50))]),
    "R-121": case([_leakage((0, 6), (5, 9))], [_leakage((0, 5), (5, 9))]),
    "R-122": case([MENU_FRBC, cem("FRBC.Instruction", actuator_id="actuator-2")], [MENU_FRBC, INSTRUCTED]),
    "R-123": case([MENU_FRBC, cem("FRBC.Instruction", operation_mode="mode-x")], [MENU_FRBC, INSTRUCTED]),
    "R-124": case([CLOSED_STORAGE, rm("FRBC.LeakageBehaviour")], [MENU_FRBC, rm("FRBC.LeakageBehaviour")]),
    "R-125": case([MENU_FRBC, level(100.1)], [MENU_FRBC, level(100)]),
    "R-126": case(
        [MENU_FRBC, level(100.1), _EMERGENCY, _REJECTED],
        [MENU_FRBC, level(100), _EMERGENCY, _REJECTED],
    ),
    "R-127": case(
        [CLOSED_STORAGE, level(100), cem("FRBC.Instruction", operation_mode_factor=0.1)],
        [CLOSED_STORAGE, level(100), cem("FRBC.Instruction", operation_mode_factor=0)],
    ),
    "R-128": case(
        [_emptied(), rm("FRBC.FillLevelTargetProfile"), level(79), INSTRUCTED],
        [_emptied(), rm("FRBC.FillLevelTargetProfile"), level(80), INSTRUCTED],
    ),
    # 0.0125 a second: 25 in 1,000 s at twice the rate, and 5 percent of the range beyond that.
    "R-129": RuleCase(
        judged(CLOSED_STORAGE, level(40), level(70.1), after_s=1000),
        judged(CLOSED_STORAGE, level(40), level(70), after_s=1000),
    ),
    "R-130": case(
        [bands((0, 50)), level(51), cem("FRBC.Instruction", operation_mode="mode-off")],
        [bands((0, 50)), level(50), cem("FRBC.Instruction", operation_mode="mode-off")],
    ),
    "R-131": case([rm("FRBC.StorageStatus")], [MENU_FRBC, rm("FRBC.StorageStatus")]),
    "R-132": case(
        [MENU_FRBC, IN_MODE_OFF, rm("FRBC.ActuatorStatus", transition_timestamp=stamp(-63))],
        [MENU_FRBC, IN_MODE_OFF, rm("FRBC.ActuatorStatus", transition_timestamp=stamp(-62))],
    ),
    "R-133": case(
        [MENU_FRBC, rm("FRBC.UsageForecast", start_time=stamp(-905))],
        [MENU_FRBC, rm("FRBC.UsageForecast", start_time=stamp(-904))],
    ),
    "R-134": permitted([bands((0, 0.3), (0.1 + 0.2, 1))], [bands((0, 0.3), (0.3, 1))]),
}
