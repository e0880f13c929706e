"""Cases of the rules R-17 to R-22."""

from __future__ import annotations

from collections.abc import Mapping

from tests.support.s2_rule_cases.scenes import MENU_FRBC, RuleCase, case, cem, edited, heard_by_cem, permitted, rm, span
from tests.support.s2_sessions import stamp, text

CASES: Mapping[str, RuleCase] = {
    "R-17": case(
        [edited("FRBC.SystemDescription", "storage.fill_level_range", span(2, 1))],
        [edited("FRBC.SystemDescription", "storage.fill_level_range", span(1, 1))],
    ),
    "R-18": case(
        [edited("FRBC.LeakageBehaviour", "elements.0.fill_level_range", span(1, 1))],
        [edited("FRBC.LeakageBehaviour", "elements.0.fill_level_range", span(1, 2))],
    ),
    "R-19": permitted(
        [edited("FRBC.SystemDescription", "actuators.0.operation_modes.0.elements.0.fill_rate", span(1, -1))],
        [rm("FRBC.SystemDescription")],
    ),
    "R-20": case(
        [MENU_FRBC, cem("FRBC.Instruction", operation_mode_factor=1.3)],
        [MENU_FRBC, cem("FRBC.Instruction", operation_mode_factor=1)],
    ),
    "R-21": case(
        [rm("PowerMeasurement", measurement_timestamp=stamp(31))],
        [rm("PowerMeasurement", measurement_timestamp=stamp(30))],
    ),
    "R-22": RuleCase(
        heard_by_cem(text("PowerMeasurement", measurement_timestamp="2026-01-15T12:00:00")),
        heard_by_cem(text("PowerMeasurement", measurement_timestamp="2026-01-15T12:00:00+01:00")),
    ),
}
