"""Rules for numbers, ranges and timestamps, wherever they occur."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from s2.descriptions import SystemDescription, machines_of
from s2.findings import Severity
from s2.messages import (
    DDBCActuatorStatus,
    DDBCInstruction,
    DDBCOperationMode,
    DDBCPresentDemandStatus,
    DDBCSystemDescription,
    FRBCActuatorStatus,
    FRBCFillLevelTargetProfile,
    FRBCInstruction,
    FRBCLeakageBehaviour,
    FRBCOperationMode,
    FRBCOperationModeElement,
    FRBCSystemDescription,
    NumberRange,
    OMBCInstruction,
    OMBCOperationMode,
    OMBCStatus,
    OMBCSystemDescription,
    PEBCPowerConstraints,
    PowerRange,
)
from s2.rules.registry import Breach, Rule, Situation, Upheld, declare, permission, rule


@rule(
    Rule("R-17", "Ranges of limits, levels and demands start at or below their end.", "schema, those fields"),
    PEBCPowerConstraints,
    FRBCSystemDescription,
    FRBCFillLevelTargetProfile,
    DDBCSystemDescription,
    DDBCPresentDemandStatus,
)
def ranges_are_ordered(
    message: PEBCPowerConstraints
    | FRBCSystemDescription
    | FRBCFillLevelTargetProfile
    | DDBCSystemDescription
    | DDBCPresentDemandStatus,
    _: Situation,
) -> Iterator[Breach]:
    ranges: Iterable[tuple[str, NumberRange | None]]
    match message:
        case PEBCPowerConstraints(allowed_limit_ranges=allowed):
            ranges = ((f"$.allowed_limit_ranges[{i}].range_boundary", r.range_boundary) for i, r in enumerate(allowed))
        case FRBCFillLevelTargetProfile(elements=elements):
            ranges = ((f"$.elements[{i}].fill_level_range", each.fill_level_range) for i, each in enumerate(elements))
        case FRBCSystemDescription():
            ranges = (("$.storage.fill_level_range", message.storage.fill_level_range),)
        case _:
            ranges = (("$.present_demand_rate", message.present_demand_rate),)
    for path, span in ranges:
        if span is not None and span.start_of_range > span.end_of_range:
            yield path, f"start {span.start_of_range:g} should not be above end {span.end_of_range:g}"


@rule(
    Rule("R-18", "A band of fill levels starts below its end.", "schema FRBC.OperationModeElement"),
    FRBCSystemDescription,
    FRBCLeakageBehaviour,
)
def bands_are_not_empty(message: FRBCSystemDescription | FRBCLeakageBehaviour, _: Situation) -> Iterator[Breach]:
    if isinstance(message, FRBCLeakageBehaviour):
        bands = [(f"$.elements[{i}]", each.fill_level_range) for i, each in enumerate(message.elements)]
    else:
        bands = [
            (f"$.actuators[{a}].operation_modes[{m}].elements[{e}]", element.fill_level_range)
            for a, actuator in enumerate(message.actuators)
            for m, mode in enumerate(actuator.operation_modes)
            for e, element in enumerate(mode.elements)
        ]
    for path, band in bands:
        if band.start_of_range >= band.end_of_range:
            yield f"{path}.fill_level_range", f"start {band.start_of_range:g} should be below end {band.end_of_range:g}"


@permission(
    Rule(
        "R-19",
        "Ranges that go with the operation mode factor, and running costs, may run downwards.",
        "schema PowerRange",
        Severity.WARNING,
        upheld=Upheld.BY_PERMITTING,
    ),
    OMBCSystemDescription,
    FRBCSystemDescription,
    DDBCSystemDescription,
)
def factor_may_run_downwards(message: SystemDescription, _: Situation) -> Iterator[Breach]:
    for path, span in _factor_ranges(message):
        if span.start_of_range > span.end_of_range:
            yield path, f"may run downwards, from {span.start_of_range:g} to {span.end_of_range:g}"


def _factor_ranges(message: SystemDescription) -> Iterator[tuple[str, NumberRange | PowerRange]]:
    for path, machine in machines_of(message):
        modes: tuple[OMBCOperationMode | FRBCOperationMode | DDBCOperationMode, ...] = machine.operation_modes
        for m, mode in enumerate(modes):
            where = f"{path}.operation_modes[{m}]"
            if isinstance(mode, FRBCOperationMode):
                for e, element in enumerate(mode.elements):
                    yield f"{where}.elements[{e}].fill_rate", element.fill_rate
                    yield from _power_ranges(f"{where}.elements[{e}]", element)
                continue
            yield from _power_ranges(where, mode)
            if isinstance(mode, DDBCOperationMode):
                yield f"{where}.supply_range", mode.supply_range


def _power_ranges(
    path: str, place: OMBCOperationMode | DDBCOperationMode | FRBCOperationModeElement
) -> Iterator[tuple[str, NumberRange | PowerRange]]:
    for index, power_range in enumerate(place.power_ranges):
        yield f"{path}.power_ranges[{index}]", power_range
    if place.running_costs is not None:
        yield f"{path}.running_costs", place.running_costs


_Factored = OMBCInstruction | FRBCInstruction | DDBCInstruction | OMBCStatus | FRBCActuatorStatus | DDBCActuatorStatus


@rule(
    Rule("R-20", "An operation mode factor lies in [0, 1].", "schema, operation_mode_factor"),
    OMBCInstruction,
    FRBCInstruction,
    DDBCInstruction,
    OMBCStatus,
    FRBCActuatorStatus,
    DDBCActuatorStatus,
)
def factor_is_a_share(message: _Factored, _: Situation) -> Iterator[Breach]:
    if not 0.0 <= message.operation_mode_factor <= 1.0:
        yield "$.operation_mode_factor", f"{message.operation_mode_factor:g} should lie in [0, 1]"


R_22 = declare(Rule("R-22", "Timestamps carry an offset.", "schema, date-time; RFC 3339", upheld=Upheld.BY_MODELS))
