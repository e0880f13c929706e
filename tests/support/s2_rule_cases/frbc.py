"""Cases of the rules R-120 to R-135."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.s2_rule_cases.scenes import INSTRUCTED, MENU_FRBC, RuleCase, case, cem, edited, rm, span
from tests.support.s2_samples import sample


def _element(start: float, end: float) -> dict[str, Any]:
    element: dict[str, Any] = sample("FRBC.SystemDescription")["actuators"][0]["operation_modes"][0]["elements"][0]
    return element | {"fill_level_range": span(start, end)}


CASES: Mapping[str, RuleCase] = {
    "R-120": case(
        [
            edited(
                "FRBC.SystemDescription", "actuators.0.operation_modes.0.elements", [_element(0, 50), _element(60, 100)]
            )
        ],
        [
            edited(
                "FRBC.SystemDescription", "actuators.0.operation_modes.0.elements", [_element(50, 100), _element(0, 50)]
            )
        ],
    ),
    "R-121": case(
        [
            rm(
                "FRBC.LeakageBehaviour",
                elements=[
                    {"fill_level_range": span(0, 6), "leakage_rate": 0},
                    {"fill_level_range": span(5, 9), "leakage_rate": 0},
                ],
            )
        ],
        [rm("FRBC.LeakageBehaviour")],
    ),
    "R-122": case([MENU_FRBC, cem("FRBC.Instruction", actuator_id="actuator-2")], [MENU_FRBC, INSTRUCTED]),
    "R-123": case([MENU_FRBC, cem("FRBC.Instruction", operation_mode="mode-x")], [MENU_FRBC, INSTRUCTED]),
}
