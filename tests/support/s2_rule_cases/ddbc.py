"""Cases of the rules R-140 to R-146."""

from __future__ import annotations

from collections.abc import Mapping

from tests.support.s2_rule_cases.scenes import RuleCase

CASES: Mapping[str, RuleCase] = {}
