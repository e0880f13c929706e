"""Rules for what an RM says of itself, and for what the CEM makes of it."""

from __future__ import annotations

from collections.abc import Iterator

from s2.messages import (
    ControlType,
    SelectControlType,
)
from s2.rules.registry import Breach, Rule, Situation, rule


@rule(
    Rule(
        "R-24", "The CEM selects a control type that the details offer.", "schema SelectControlType", needs_session=True
    ),
    SelectControlType,
)
def selection_is_offered(message: SelectControlType, situation: Situation) -> Iterator[Breach]:
    details = situation.resource.details
    if details is None:
        yield "$", "select after the RM has sent its ResourceManagerDetails"
    elif message.control_type not in (*details.available_control_types, ControlType.NO_SELECTION):
        yield "$.control_type", f"should be one of {', '.join(details.available_control_types)}"
