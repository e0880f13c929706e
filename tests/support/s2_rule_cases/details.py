"""Cases of the rules R-23 to R-26."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.s2_rule_cases.scenes import RuleCase, Scene, Utterance, case, cem, rm, span
from tests.support.s2_samples import sample
from tests.support.s2_sessions import CEM, NOW, RM, conversation, details_without, message, selection


def _roles(*commodities: str) -> Utterance:
    roles = [{"role": "ENERGY_CONSUMER", "commodity": commodity} for commodity in commodities]
    return rm("ResourceManagerDetails", roles=roles)


def _offers(*control_types: str) -> Utterance:
    return rm("ResourceManagerDetails", available_control_types=control_types)


def _without_currency(**changes: Any) -> Scene:
    """The RM describes itself, after details that name no currency."""

    def play() -> set[str]:
        talk = conversation()
        talk.apply(details_without("currency"), RM, NOW)
        talk.apply(selection("OMBC"), CEM, NOW)
        return {finding.rule for finding in talk.judge(message("OMBC.SystemDescription", **changes), RM, NOW)}

    return play


def _modes(**changes: Any) -> list[dict[str, Any]]:
    """The modes of the sample without costs, and with these changes."""
    return [
        {key: value for key, value in mode.items() if key != "running_costs"} | changes
        for mode in sample("OMBC.SystemDescription")["operation_modes"]
    ]


CASES: Mapping[str, RuleCase] = {
    "R-23": case([_roles("ELECTRICITY", "ELECTRICITY")], [_roles("ELECTRICITY", "GAS")]),
    "R-24": case(
        [rm("ResourceManagerDetails"), cem("SelectControlType", control_type="DEMAND_DRIVEN_BASED_CONTROL")],
        [rm("ResourceManagerDetails"), cem("SelectControlType", control_type="NO_SELECTION")],
    ),
    "R-25": case([_offers("FILL_RATE_BASED_CONTROL", "NO_SELECTION")], [_offers("FILL_RATE_BASED_CONTROL")]),
    "R-26": RuleCase(
        _without_currency(transitions=[], operation_modes=_modes(running_costs=span(0, 0.1))),
        _without_currency(transitions=[], operation_modes=_modes()),
    ),
}
