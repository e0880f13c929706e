"""Rules for a PEBC instruction in the course of time: how it is followed, refused, and over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from s2.findings import Severity
from s2.ledger import LedgerEntry
from s2.messages import (
    CommodityQuantity,
    InstructionStatus,
    InstructionStatusUpdate,
    PEBCInstruction,
    PEBCPowerEnvelopeElement,
    PowerMeasurement,
)
from s2.rules.envelopes import duration_ms, element_throughout
from s2.rules.registry import Breach, Rule, Situation, rule

#: How long a device may take to reach a new limit, on top of the delay that its details name.
SETTLING_MS = 10_000

#: How far beyond a limit a power has to be to count: the larger of both,
#: the first in the unit of the quantity.
LIMIT_MARGIN = 50.0
LIMIT_MARGIN_SHARE = 0.05

#: On its way an instruction may be overtaken by the end of its envelope.
_DELIVERY = timedelta(seconds=5)

_MILLISECOND = timedelta(milliseconds=1)

_GONE = frozenset({InstructionStatus.REVOKED, InstructionStatus.ABORTED})


@rule(
    # The RM is "requested" to keep to its limits, and a measurement does not show what stood in its way.
    Rule(
        "R-78",
        "Power stays within the envelope that is in force.",
        "schema PEBC.PowerEnvelopeElement",
        Severity.WARNING,
        needs_session=True,
    ),
    PowerMeasurement,
)
def power_stays_within(message: PowerMeasurement, situation: Situation) -> Iterator[Breach]:
    # Every measurement of every control type comes by here, so what is rare and costly to find out comes last.
    if not situation.resource.constraints:
        return
    newest = next(_begun(situation), None)
    if newest is None:
        return
    elements = _elements_in_force(newest, message.measurement_timestamp, situation)
    for index, each in enumerate(message.values):
        element = elements.get(each.commodity_quantity)
        text = None if element is None else _excess(each.value, element)
        if text is not None and _is_followed(newest, situation):
            yield f"$.values[{index}].value", f"{text} of instruction {newest[1].id}"


_Begun = tuple[LedgerEntry, PEBCInstruction]


def _begun(situation: Situation) -> Iterator[_Begun]:
    """The instructions whose time has come, the newest first.

    An early SUCCEEDED does not end an envelope: some devices report it as soon as they have set the limits.
    """
    return (each for each in situation.ledger.taken(PEBCInstruction) if each[1].execution_time <= situation.now)


def _elements_in_force(
    begun: _Begun, measured_at: datetime, situation: Situation
) -> dict[CommodityQuantity, PEBCPowerEnvelopeElement]:
    """The elements, by quantity, that were in force at the measurement however one reads the clocks.

    An element counts when it has held since before the device had to be settled, and still does, both for a device
    that joins the envelope of a late instruction midway and for one that begins it late.
    """
    now, details, instruction = situation.now, situation.resource.details, begun[1]
    settling_ms = SETTLING_MS + (details.instruction_processing_delay if details else 0)
    from_ms = (min(now, measured_at) - _began(begun)) / _MILLISECOND - settling_ms
    to_ms = (max(now, measured_at) - instruction.execution_time) / _MILLISECOND
    elements = {}
    for envelope in instruction.power_envelopes:
        element = element_throughout(envelope, from_ms, to_ms)
        if element is not None:
            elements[envelope.commodity_quantity] = element
    return elements


def _is_followed(begun: _Begun, situation: Situation) -> bool:
    """Whether it is sure that the device follows this instruction, the newest one that has begun."""
    (entry, instruction), began = begun, _began(begun)
    now, resource = situation.now, situation.resource
    if entry.withdrawn or entry.ended_locally or entry.status in _GONE:
        return False
    # One that was ordered before and begins after it: some devices then turn to that one, for others it is replaced.
    if any(other.execution_time > began for _, other in _begun(situation)):
        return False
    if resource.constraints_at(instruction.power_constraints_id, now) is None:
        return False
    # Other constraints, or new ones of this id, change the terms that it was given on.
    return not any(began < each.valid_from <= now for each in resource.constraints.values())


def _began(begun: _Begun) -> datetime:
    entry, instruction = begun
    return max(entry.at, instruction.execution_time)


def _excess(value: float, element: PEBCPowerEnvelopeElement) -> str | None:
    if value > element.upper_limit + _margin(element.upper_limit):
        return f"{value:g} should not exceed upper_limit {element.upper_limit:g}"
    if value < element.lower_limit - _margin(element.lower_limit):
        return f"{value:g} should not be below lower_limit {element.lower_limit:g}"
    return None


def _margin(limit: float) -> float:
    return max(LIMIT_MARGIN, LIMIT_MARGIN_SHARE * abs(limit))


@rule(
    # The standard does not say what holds after the last element; we take it that nothing does.
    Rule(
        "R-82",
        "An envelope ends after now; after its last element the device is free again.",
        "our reading of PEBC.PowerEnvelope",
        Severity.WARNING,
    ),
    PEBCInstruction,
)
def envelope_is_not_over(message: PEBCInstruction, situation: Situation) -> Iterator[Breach]:
    elapsed_ms = (situation.now - message.execution_time - _DELIVERY) / _MILLISECOND
    if elapsed_ms >= max(duration_ms(each) for each in message.power_envelopes):
        yield "$.power_envelopes", "all envelopes are over by now, so they limit nothing"


@rule(
    Rule(
        "R-83",
        "What lies outside the offer is reported REJECTED, not carried out.",
        "S2 certification tool, RM tests",
        Severity.WARNING,
        needs_session=True,
    ),
    InstructionStatusUpdate,
)
def refusal_is_reported(message: InstructionStatusUpdate, situation: Situation) -> Iterator[Breach]:
    if message.status_type not in (InstructionStatus.STARTED, InstructionStatus.SUCCEEDED):
        return
    entry = situation.ledger.get(message.instruction_id)
    if entry is None or not isinstance(entry.instruction, PEBCInstruction):
        return
    for finding in entry.findings:
        if finding.rule in ("R-76", "R-77"):
            yield "$.status_type", f"should be REJECTED, since the instruction breaks {finding.label}"
            return
