"""Arithmetic on PEBC envelopes and allowed ranges that more than one rule needs."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from math import inf

from s2.messages import (
    CommodityQuantity,
    PEBCAllowedLimitRange,
    PEBCInstruction,
    PEBCPowerEnvelope,
    PEBCPowerEnvelopeElement,
    PEBCPowerEnvelopeLimitType,
)
from s2.rules.spans import Span, merged

#: A limit that was computed to lie on the edge of a range may miss it by rounding, in the unit of the quantity.
LIMIT_TOLERANCE = 1e-6

_UPPER, _LOWER = PEBCPowerEnvelopeLimitType.UPPER_LIMIT, PEBCPowerEnvelopeLimitType.LOWER_LIMIT


class AllowedLimits:
    """What the limits of each quantity may be; several ranges of one kind are the union of what is allowed (R-72).

    The ranges are merged once and then searched by bisection: an instruction may hold 5760 limits and its constraints
    100 ranges, and comparing each with each would hold up the session.
    """

    __slots__ = ("_unions",)

    def __init__(self, ranges: Iterable[PEBCAllowedLimitRange]) -> None:
        spans: defaultdict[tuple[CommodityQuantity, PEBCPowerEnvelopeLimitType], list[Span]] = defaultdict(list)
        for each in ranges:
            start, end = each.range_boundary.start_of_range, each.range_boundary.end_of_range
            # A range that runs downwards, which R-17 refuses, allows nothing.
            if start <= end:
                spans[each.commodity_quantity, each.limit_type].append((start - LIMIT_TOLERANCE, end + LIMIT_TOLERANCE))
        self._unions = {kind: merged(found) for kind, found in spans.items()}

    def allow(self, quantity: CommodityQuantity, limit_type: PEBCPowerEnvelopeLimitType, limit: float) -> bool:
        union = self._unions.get((quantity, limit_type), [])
        index = bisect_right(union, (limit, inf)) - 1
        return index >= 0 and limit <= union[index][1]


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


def duration_ms(envelope: PEBCPowerEnvelope) -> int:
    return sum(element.duration for element in envelope.power_envelope_elements)


def element_throughout(envelope: PEBCPowerEnvelope, from_ms: float, to_ms: float) -> PEBCPowerEnvelopeElement | None:
    """The one element that holds from the one to the other moment, both in ms since the envelope began."""
    end_ms = 0
    for element in envelope.power_envelope_elements:
        end_ms += element.duration
        if 0 <= from_ms < end_ms:
            return element if to_ms < end_ms else None
    return None
