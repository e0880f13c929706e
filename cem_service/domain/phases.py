"""How a resource's power spreads over the three phases of its site, as far as its S2 quantities tell.

A resource on one phase always calls it L1, whichever it really is. Counting it on L1 is what can be known, and where
all of a site's one-phase resources share one fuse it is also what is safe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from cem_service.domain.quantities import ELECTRIC, PHASES, SYMMETRIC, bounded
from s2.messages import (
    CommodityQuantity,
    DDBCSystemDescription,
    FRBCSystemDescription,
    Message,
    OMBCSystemDescription,
    PEBCPowerConstraints,
    PowerMeasurement,
    PowerRange,
    PPBCPowerProfileDefinition,
)

PhasePowers = tuple[float, float, float]  # W on L1, L2, L3
PhaseShares = tuple[float, float, float]  # of the total power, each from 0 to 1

EVEN: PhaseShares = (1 / 3, 1 / 3, 1 / 3)

_Load = Mapping[CommodityQuantity, float]


def phase_shares(messages: Iterable[Message]) -> PhaseShares:
    """The largest share of its power that each phase may carry; even where the messages name no phase.

    Where a resource can run on one phase or on three, the shares sum to more than 1, which errs to the safe side.
    """
    known = list(messages)
    described = [load for message in known if (loads := _DESCRIBED.get(type(message))) for load in loads(message)]
    measured = [load for message in known if isinstance(message, PowerMeasurement) for load in _measured(message)]
    spread = [_spread(load) for load in described or measured if any(one in ELECTRIC for one in load)]
    if not spread:
        return EVEN
    first, second, third = (max(shares) for shares in zip(*spread, strict=True))
    return first, second, third


def phase_powers_w(values: Iterable[tuple[CommodityQuantity, float]]) -> PhasePowers | None:
    """W on each phase; None where no electric quantity is given, or only one: then the phases are not told apart."""
    given = {quantity: bounded(value) for quantity, value in values if quantity in ELECTRIC}
    if SYMMETRIC in given:
        third = given[SYMMETRIC] / 3
        return third, third, third
    if len(given) < len(PHASES):
        return None
    return given[PHASES[0]], given[PHASES[1]], given[PHASES[2]]


def _spread(load: _Load) -> PhaseShares:
    if SYMMETRIC in load:
        return EVEN
    on_phase = [abs(bounded(load.get(phase, 0.0))) for phase in PHASES]
    if sum(on_phase) <= 0.0:
        on_phase = [float(phase in load) for phase in PHASES]
    total = sum(on_phase)
    return on_phase[0] / total, on_phase[1] / total, on_phase[2] / total


def _measured(message: PowerMeasurement) -> Iterator[_Load]:
    yield {value.commodity_quantity: value.value for value in message.values}


def _of_stores(message: FRBCSystemDescription) -> Iterator[_Load]:
    for actuator in message.actuators:
        for mode in actuator.operation_modes:
            yield from (_widest(element.power_ranges) for element in mode.elements)


def _of_modes(message: OMBCSystemDescription) -> Iterator[_Load]:
    return (_widest(mode.power_ranges) for mode in message.operation_modes)


def _of_units(message: DDBCSystemDescription) -> Iterator[_Load]:
    return (_widest(mode.power_ranges) for unit in message.actuators for mode in unit.operation_modes)


def _profiled(message: PPBCPowerProfileDefinition) -> Iterator[_Load]:
    for container in message.power_sequences_containers:
        for sequence in container.power_sequences:
            for element in sequence.elements:
                yield {value.commodity_quantity: value.value_expected for value in element.power_values}


def _enveloped(message: PEBCPowerConstraints) -> Iterator[_Load]:
    offered: dict[CommodityQuantity, float] = {}
    for allowed in message.allowed_limit_ranges:
        ends = (allowed.range_boundary.start_of_range, allowed.range_boundary.end_of_range)
        widest = max(abs(bounded(end)) for end in ends)
        offered[allowed.commodity_quantity] = max(widest, offered.get(allowed.commodity_quantity, 0.0))
    yield offered


def _widest(ranges: Iterable[PowerRange]) -> _Load:
    return {
        one.commodity_quantity: max(abs(bounded(one.start_of_range)), abs(bounded(one.end_of_range))) for one in ranges
    }


# What a description says about each way in which its resource may take power.
_DESCRIBED: Mapping[type[Any], Callable[[Any], Iterator[_Load]]] = {
    FRBCSystemDescription: _of_stores,
    OMBCSystemDescription: _of_modes,
    DDBCSystemDescription: _of_units,
    PPBCPowerProfileDefinition: _profiled,
    PEBCPowerConstraints: _enveloped,
}
