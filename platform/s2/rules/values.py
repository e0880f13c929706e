"""Rules for numbers and ranges, wherever they occur."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from s2.descriptions import SystemDescription
from s2.findings import Severity
from s2.messages import (
    DDBCActuatorStatus,
    DDBCInstruction,
    DDBCPresentDemandStatus,
    DDBCSystemDescription,
    FRBCActuatorStatus,
    FRBCFillLevelTargetProfile,
    FRBCInstruction,
    FRBCLeakageBehaviour,
    FRBCOperationModeElement,
    FRBCSystemDescription,
    NumberRange,
    OMBCInstruction,
    OMBCStatus,
    OMBCSystemDescription,
    PEBCPowerConstraints,
)
from s2.rules.places import factor_ranges_of, operating_points_of
from s2.rules.registry import Breach, Rule, Situation, Upheld, permission, rule


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
    for path, band in _bands_of(message):
        if band.start_of_range >= band.end_of_range:
            yield f"{path}.fill_level_range", f"start {band.start_of_range:g} should be below end {band.end_of_range:g}"


def _bands_of(message: FRBCSystemDescription | FRBCLeakageBehaviour) -> Iterator[tuple[str, NumberRange]]:
    if isinstance(message, FRBCLeakageBehaviour):
        for index, each in enumerate(message.elements):
            yield f"$.elements[{index}]", each.fill_level_range
        return
    for path, point in operating_points_of(message):
        if isinstance(point, FRBCOperationModeElement):
            yield path, point.fill_level_range


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
    for path, point in operating_points_of(message):
        ranges = [*factor_ranges_of(point)]
        if point.running_costs is not None:
            ranges.append(("running_costs", point.running_costs))
        for field, span in ranges:
            if span.start_of_range > span.end_of_range:
                yield f"{path}.{field}", f"may run downwards, from {span.start_of_range:g} to {span.end_of_range:g}"


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
