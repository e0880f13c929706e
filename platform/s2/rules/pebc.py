"""Rules for what Power Envelope Based Control offers and for what an instruction may take of it.

What the offered energy asks of an envelope is in `pebc_energy`, what is judged while an envelope lasts in
`pebc_course`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from math import inf

from s2.findings import Severity
from s2.messages import (
    CommodityQuantity,
    PEBCAllowedLimitRange,
    PEBCInstruction,
    PEBCPowerConstraints,
    PEBCPowerEnvelopeLimitType,
)
from s2.rules.envelopes import LIMIT_TOLERANCE, AllowedLimits, envelopes_of, limits_of
from s2.rules.instructions import moment_of
from s2.rules.registry import Breach, Rule, Situation, Upheld, permission, rule


@rule(
    # The schema means the list as a whole; a quantity may have one kind of limit only.
    Rule("R-70", "Constraints allow an UPPER_LIMIT and a LOWER_LIMIT.", "schema PEBC.PowerConstraints"),
    PEBCPowerConstraints,
)
def both_limits_are_offered(message: PEBCPowerConstraints, _: Situation) -> Iterator[Breach]:
    offered = {each.limit_type for each in message.allowed_limit_ranges}
    for limit_type in PEBCPowerEnvelopeLimitType:
        if limit_type not in offered:
            yield "$.allowed_limit_ranges", f"at least one {limit_type.value} range is needed"


@rule(
    Rule("R-71", "Constraints end after they begin.", "schema PEBC.PowerConstraints"),
    PEBCPowerConstraints,
)
def constraints_last(message: PEBCPowerConstraints, _: Situation) -> Iterator[Breach]:
    if message.valid_until is not None and message.valid_until <= message.valid_from:
        yield "$.valid_until", "should be after valid_from"


@permission(
    Rule(
        "R-72",
        "Several ranges of one quantity and kind are the union of what is allowed.",
        "schema PEBC.PowerConstraints",
        Severity.WARNING,
        needs_session=True,
        upheld=Upheld.BY_PERMITTING,
    ),
    PEBCInstruction,
)
def ranges_are_a_union(message: PEBCInstruction, situation: Situation) -> Iterator[Breach]:
    constraints = situation.resource.constraints_at(message.power_constraints_id, moment_of(message, situation.now))
    shared = {} if constraints is None else _shared_by_all(constraints.allowed_limit_ranges)
    for path, envelope in envelopes_of(message):
        for where, limit_type, limit in limits_of(path, envelope):
            start, end, count = shared.get((envelope.commodity_quantity, limit_type), (limit, limit, 1))
            # Where each range would do alone, the union is not made use of.
            if count > 1 and not start - LIMIT_TOLERANCE <= limit <= end + LIMIT_TOLERANCE:
                yield where, f"{limit:g} is in one of the {count} {limit_type.value} ranges of the constraints"


def _shared_by_all(
    ranges: Iterable[PEBCAllowedLimitRange],
) -> dict[tuple[CommodityQuantity, PEBCPowerEnvelopeLimitType], tuple[float, float, int]]:
    """What all ranges of one quantity and kind have in common, from start to end, and how many ranges these are."""
    shared: dict[tuple[CommodityQuantity, PEBCPowerEnvelopeLimitType], tuple[float, float, int]] = {}
    for each in ranges:
        kind = (each.commodity_quantity, each.limit_type)
        start, end, count = shared.get(kind, (-inf, inf, 0))
        span = each.range_boundary
        shared[kind] = (max(start, span.start_of_range), min(end, span.end_of_range), count + 1)
    return shared


@rule(
    Rule("R-73", "A lower limit does not exceed its upper limit.", "schema PEBC.PowerEnvelopeElement"),
    PEBCInstruction,
)
def limits_are_ordered(message: PEBCInstruction, _: Situation) -> Iterator[Breach]:
    for path, envelope in envelopes_of(message):
        for index, element in enumerate(envelope.power_envelope_elements):
            if element.lower_limit > element.upper_limit:
                where = f"{path}.power_envelope_elements[{index}].lower_limit"
                yield where, f"{element.lower_limit:g} should not exceed upper_limit {element.upper_limit:g}"


@rule(
    Rule("R-74", "An instruction has at most one envelope per quantity.", "schema PEBC.Instruction"),
    PEBCInstruction,
)
def one_envelope_per_quantity(message: PEBCInstruction, _: Situation) -> Iterator[Breach]:
    seen = set()
    for path, envelope in envelopes_of(message):
        if envelope.commodity_quantity in seen:
            yield f"{path}.commodity_quantity", f"{envelope.commodity_quantity.value} has an envelope already"
        seen.add(envelope.commodity_quantity)


@rule(
    Rule("R-75", "The constraints are published and in force.", "schema PEBC.Instruction", needs_session=True),
    PEBCInstruction,
)
def constraints_are_in_force(message: PEBCInstruction, situation: Situation) -> Iterator[Breach]:
    resource, constraints_id = situation.resource, message.power_constraints_id
    if constraints_id not in resource.constraints:
        yield "$.power_constraints_id", f"no constraints {constraints_id} are published"
    elif resource.constraints_at(constraints_id, moment_of(message, situation.now)) is None:
        yield "$.power_constraints_id", f"constraints {constraints_id} are not in force at that time"


@rule(
    Rule(
        "R-76",
        "Every limit lies in a range that is allowed for it.",
        "schema PEBC.PowerEnvelopeElement",
        needs_session=True,
        rejected_by_update=True,
    ),
    PEBCInstruction,
)
def limits_are_allowed(message: PEBCInstruction, situation: Situation) -> Iterator[Breach]:
    moment = moment_of(message, situation.now)
    constraints = situation.resource.constraints_at(message.power_constraints_id, moment)
    if constraints is None:
        return
    # A range for abnormal conditions is R-38's affair; here it only tells that the limit exists at all.
    allowed = AllowedLimits(constraints.allowed_limit_ranges)
    mentioned = {each.commodity_quantity for each in constraints.allowed_limit_ranges}
    for path, envelope in envelopes_of(message):
        quantity = envelope.commodity_quantity
        if quantity not in mentioned:
            continue
        for where, limit_type, limit in limits_of(path, envelope):
            if not allowed.allow(quantity, limit_type, limit):
                yield where, f"{limit:g} is in no {limit_type.value} range of the constraints"


@rule(
    Rule(
        "R-77", "An envelope limits a quantity of the constraints.", "schema PEBC.AllowedLimitRange", needs_session=True
    ),
    PEBCInstruction,
)
def quantity_is_offered(message: PEBCInstruction, situation: Situation) -> Iterator[Breach]:
    moment = moment_of(message, situation.now)
    constraints = situation.resource.constraints_at(message.power_constraints_id, moment)
    if constraints is None:
        return
    mentioned = {each.commodity_quantity for each in constraints.allowed_limit_ranges}
    for path, envelope in envelopes_of(message):
        if envelope.commodity_quantity not in mentioned:
            yield f"{path}.commodity_quantity", f"the constraints say nothing of {envelope.commodity_quantity.value}"


@rule(
    # An id that follows another without a revocation may well be meant to replace it, so this is but a doubt.
    Rule(
        "R-81",
        "Constraints of one quantity that hold at the same time agree on what becomes of limited energy.",
        "schema PEBC.PowerEnvelopeConsequenceType",
        Severity.WARNING,
        needs_session=True,
    ),
    PEBCPowerConstraints,
)
def consequences_agree(message: PEBCPowerConstraints, situation: Situation) -> Iterator[Breach]:
    quantities = {each.commodity_quantity for each in message.allowed_limit_ranges}
    for other in situation.resource.constraints.values():
        if other.id == message.id or other.consequence_type is message.consequence_type:
            continue
        shared = quantities.intersection(each.commodity_quantity for each in other.allowed_limit_ranges)
        if shared and _hold_together(message, other, situation.now):
            text = (
                f"constraints {other.id} say {other.consequence_type.value} for {min(shared).value}; should be the same"
            )
            yield "$.consequence_type", text


def _hold_together(one: PEBCPowerConstraints, other: PEBCPowerConstraints, now: datetime) -> bool:
    ends = [each.valid_until for each in (one, other) if each.valid_until is not None]
    begin = max(one.valid_from, other.valid_from, now)
    return all(begin < end for end in ends)
