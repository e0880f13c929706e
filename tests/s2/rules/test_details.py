"""Rules for the details of an RM, beyond the one pair of cases per rule."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from s2.messages import Message, ResourceManagerDetails
from tests.support.s2_rule_cases.scenes import rm, rules_broken
from tests.support.s2_samples import sample
from tests.support.s2_sessions import CEM, NOW, RM, conversation, details, details_without, message, selection

OWN = {"R-23", "R-24", "R-25", "R-26", "R-46"}

broken = partial(rules_broken, of=OWN)


def described_without_currency(family: str, **changes: Any) -> list[tuple[str, str]]:
    """What is found in a description after details without a currency, and where."""
    talk = conversation()
    talk.apply(details_without("currency"), RM, NOW)
    talk.apply(selection(family), CEM, NOW)
    findings = talk.judge(message(f"{family}.SystemDescription", **changes), RM, NOW)
    return [(finding.rule, finding.path) for finding in findings if finding.rule in OWN]


def test_costs_are_looked_for_in_every_family() -> None:
    where = "$.actuators[0].operation_modes[0]"

    assert described_without_currency("OMBC") == [("R-26", "$.operation_modes[0].running_costs")]
    assert described_without_currency("DDBC") == [("R-26", f"{where}.running_costs")]
    assert described_without_currency("FRBC") == [("R-26", f"{where}.elements[0].running_costs")]


def test_transition_costs_of_zero_need_a_currency_too() -> None:
    changes = {
        "transitions": [sample("OMBC.SystemDescription")["transitions"][0] | {"transition_costs": 0}],
        "operation_modes": modes_without_costs("OMBC.SystemDescription"),
    }

    assert described_without_currency("OMBC", **changes) == [("R-26", "$.transitions[0].transition_costs")]


def modes_without_costs(message_type: str) -> list[dict[str, Any]]:
    modes = sample(message_type)["operation_modes"]
    return [{key: value for key, value in mode.items() if key != "running_costs"} for mode in modes]


def test_what_cannot_be_controlled_offers_nothing_else() -> None:
    alone = rm("ResourceManagerDetails", available_control_types=["NOT_CONTROLABLE"])
    twice = rm("ResourceManagerDetails", available_control_types=["NOT_CONTROLABLE"] * 2)
    both = rm("ResourceManagerDetails", available_control_types=["FILL_RATE_BASED_CONTROL", "NOT_CONTROLABLE"])

    assert broken(alone) == broken(twice) == set()
    assert broken(both) == {"R-25"}


def test_the_first_details_may_name_any_resource() -> None:
    talk = conversation()
    talk.resource.details = None

    assert "R-46" not in {finding.rule for finding in talk.judge(details(resource_id="battery-2"), RM, NOW)}


@pytest.mark.parametrize("described", [None, details()])
def test_a_selection_needs_details(described: Message | None) -> None:
    talk = conversation()
    assert described is None or isinstance(described, ResourceManagerDetails)
    talk.resource.details = described

    findings = talk.judge(message("SelectControlType"), CEM, NOW)

    assert [finding.rule for finding in findings] == (["R-24"] if described is None else [])
