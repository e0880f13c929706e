"""Cases of the rules R-110 to R-114."""

from __future__ import annotations

from collections.abc import Mapping

from tests.support.s2_rule_cases.scenes import MENU_OMBC, RuleCase, case, cem, edited, rm
from tests.support.s2_samples import sample

_MODES = sample("OMBC.SystemDescription")["operation_modes"]

CASES: Mapping[str, RuleCase] = {
    "R-110": case([rm("OMBC.Status")], [MENU_OMBC, rm("OMBC.Status")]),
    "R-111": case(
        [MENU_OMBC, cem("OMBC.Instruction", operation_mode_id="mode-x")],
        [MENU_OMBC, cem("OMBC.Instruction", operation_mode_id="mode-on")],
    ),
    "R-112": case([MENU_OMBC, rm("OMBC.Status", active_operation_mode_id="mode-x")], [MENU_OMBC, rm("OMBC.Status")]),
    "R-113": case(
        [edited("OMBC.SystemDescription", "operation_modes", [*_MODES, _MODES[0]])],
        [edited("OMBC.SystemDescription", "operation_modes", [*_MODES, _MODES[0] | {"id": "mode-2"}])],
    ),
    "R-114": case(
        [MENU_OMBC, rm("OMBC.Status", operation_mode_factor=0.5), cem("OMBC.Instruction", operation_mode_factor=0.5)],
        [MENU_OMBC, rm("OMBC.Status", operation_mode_factor=0.5), cem("OMBC.Instruction", operation_mode_factor=0.6)],
    ),
}
