"""Rules for what an RM says of itself, and for what the CEM makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from s2.descriptions import SystemDescription, machines_of
from s2.findings import Severity
from s2.messages import (
    Commodity,
    ControlType,
    DDBCSystemDescription,
    FRBCSystemDescription,
    OMBCSystemDescription,
    ResourceManagerDetails,
    SelectControlType,
)
from s2.rules.places import operating_points_of
from s2.rules.registry import Breach, Rule, Situation, rule


@rule(
    # How many roles there may be, the models know.
    Rule(
        "R-23",
        "A resource has one role for each of its commodities.",
        "schema ResourceManagerDetails; s2-kit S2-RMD-003",
        Severity.WARNING,
    ),
    ResourceManagerDetails,
)
def roles_are_distinct(message: ResourceManagerDetails, _: Situation) -> Iterator[Breach]:
    seen: set[Commodity] = set()
    for index, each in enumerate(message.roles):
        if each.commodity in seen:
            yield f"$.roles[{index}].commodity", f"{each.commodity.value} has a role already"
        seen.add(each.commodity)


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


@rule(
    Rule(
        "R-25",
        "NO_SELECTION is not on offer, and NOT_CONTROLABLE is offered alone.",
        "s2-kit S2-RMD-004",
        Severity.WARNING,
    ),
    ResourceManagerDetails,
)
def offer_makes_sense(message: ResourceManagerDetails, _: Situation) -> Iterator[Breach]:
    offered = message.available_control_types
    for index, each in enumerate(offered):
        path = f"$.available_control_types[{index}]"
        if each is ControlType.NO_SELECTION:
            yield path, "should not be listed; a CEM may select NO_SELECTION in any case"
        elif each is ControlType.NOT_CONTROLABLE and len(set(offered)) > 1:
            yield path, "should be the only one; a resource that offers another control type is controllable"


@rule(
    Rule(
        "R-26",
        "Costs come with a currency in the details.",
        "schema ResourceManagerDetails",
        Severity.WARNING,
        needs_session=True,
    ),
    OMBCSystemDescription,
    FRBCSystemDescription,
    DDBCSystemDescription,
)
def costs_have_a_currency(message: SystemDescription, situation: Situation) -> Iterator[Breach]:
    details = situation.resource.details
    if details is None or details.currency is not None:
        return
    # The first place is enough: one currency mends them all.
    for path in islice(_costs_in(message), 1):
        yield path, "the ResourceManagerDetails should say in which currency"


def _costs_in(description: SystemDescription) -> Iterator[str]:
    for path, point in operating_points_of(description):
        if point.running_costs is not None:
            yield f"{path}.running_costs"
    for path, machine in machines_of(description):
        for index, transition in enumerate(machine.transitions):
            if transition.transition_costs is not None:
                yield f"{path}.transitions[{index}].transition_costs"


@rule(
    # One session has one CEM; what the RM does elsewhere it cannot show. But it can be seen to be another one.
    Rule(
        "R-46",
        "An RM is one resource with one CEM: its resource_id stays the same throughout a session.",
        "S2 Connect, pairing process",
        Severity.WARNING,
        needs_session=True,
    ),
    ResourceManagerDetails,
)
def resource_stays_the_same(message: ResourceManagerDetails, situation: Situation) -> Iterator[Breach]:
    before = situation.resource.details
    if before is not None and before.resource_id != message.resource_id:
        yield "$.resource_id", f"was {before.resource_id} before; another resource has a session of its own"
