"""Cases of the rules R-110 to R-114."""

from __future__ import annotations

from collections.abc import Mapping

from tests.support.s2_rule_cases.scenes import MENU_OMBC, RuleCase, case, rm

CASES: Mapping[str, RuleCase] = {
    "R-112": case([MENU_OMBC, rm("OMBC.Status", active_operation_mode_id="mode-x")], [MENU_OMBC, rm("OMBC.Status")]),
}
