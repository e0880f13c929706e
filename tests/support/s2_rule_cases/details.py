"""Cases of the rules R-23 to R-26."""

from __future__ import annotations

from collections.abc import Mapping

from tests.support.s2_rule_cases.scenes import RuleCase, case, cem, rm

CASES: Mapping[str, RuleCase] = {
    "R-24": case(
        [rm("ResourceManagerDetails"), cem("SelectControlType", control_type="DEMAND_DRIVEN_BASED_CONTROL")],
        [rm("ResourceManagerDetails"), cem("SelectControlType", control_type="NO_SELECTION")],
    ),
}
