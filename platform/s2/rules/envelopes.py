"""Arithmetic on PEBC envelopes that more than one rule needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from s2.messages import PEBCAllowedLimitRange, PEBCInstruction, PEBCPowerEnvelope, PEBCPowerEnvelopeLimitType

#: A limit that was computed to lie on the edge of a range may miss it by rounding, in the unit of the quantity.
LIMIT_TOLERANCE = 1e-6

_UPPER, _LOWER = PEBCPowerEnvelopeLimitType.UPPER_LIMIT, PEBCPowerEnvelopeLimitType.LOWER_LIMIT


def envelopes_of(instruction: PEBCInstruction) -> Iterator[tuple[str, PEBCPowerEnvelope]]:
    """The envelopes with their JSON paths."""
    for index, envelope in enumerate(instruction.power_envelopes):
        yield f"$.power_envelopes[{index}]", envelope


def limits_of(path: str, envelope: PEBCPowerEnvelope) -> Iterator[tuple[str, PEBCPowerEnvelopeLimitType, float]]:
    """Every limit of the envelope with its JSON path and its kind."""
    for index, element in enumerate(envelope.power_envelope_elements):
        where = f"{path}.power_envelope_elements[{index}]"
        yield f"{where}.upper_limit", _UPPER, element.upper_limit
        yield f"{where}.lower_limit", _LOWER, element.lower_limit


def allows(
    ranges: Iterable[PEBCAllowedLimitRange],
    envelope: PEBCPowerEnvelope,
    limit_type: PEBCPowerEnvelopeLimitType,
    limit: float,
) -> bool:
    """Whether one of the ranges holds the limit; several ranges of one kind are the union of what is allowed (R-72)."""
    return any(
        each.range_boundary.start_of_range - LIMIT_TOLERANCE
        <= limit
        <= each.range_boundary.end_of_range + LIMIT_TOLERANCE
        for each in ranges
        if each.commodity_quantity is envelope.commodity_quantity and each.limit_type is limit_type
    )
