"""Where in a message there is something that more than one rule looks at, with the JSON path of each place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from s2.descriptions import Machine, SystemDescription, machines_of
from s2.messages import (
    DDBCOperationMode,
    FRBCOperationMode,
    FRBCOperationModeElement,
    NumberRange,
    OMBCOperationMode,
    PowerForecast,
    PowerForecastValue,
    PowerMeasurement,
    PowerRange,
    PowerValue,
    PPBCPowerProfileDefinition,
    PPBCPowerSequenceElement,
)

OperationMode = OMBCOperationMode | FRBCOperationMode | DDBCOperationMode

#: What has powers and running costs: in FRBC one element of a mode, elsewhere the mode.
OperatingPoint = OMBCOperationMode | DDBCOperationMode | FRBCOperationModeElement

#: A list that has at most one entry for each quantity.
Quantities = Sequence[PowerValue | PowerForecastValue | PowerRange]


def operating_points_of(description: SystemDescription) -> Iterator[tuple[str, OperatingPoint]]:
    for path, machine in machines_of(description):
        yield from operating_points_in(path, machine)


def operating_points_in(path: str, machine: Machine) -> Iterator[tuple[str, OperatingPoint]]:
    """Those of one machine, which stands at `path`."""
    modes: tuple[OperationMode, ...] = machine.operation_modes
    for m, mode in enumerate(modes):
        where = f"{path}.operation_modes[{m}]"
        if isinstance(mode, FRBCOperationMode):
            for e, element in enumerate(mode.elements):
                yield f"{where}.elements[{e}]", element
        else:
            yield where, mode


def factor_ranges_of(point: OperatingPoint) -> Iterator[tuple[str, NumberRange | PowerRange]]:
    """The ranges that go with the operation mode factor, with their paths from the point on."""
    if isinstance(point, FRBCOperationModeElement):
        yield "fill_rate", point.fill_rate
    elif isinstance(point, DDBCOperationMode):
        yield "supply_range", point.supply_range
    for index, power_range in enumerate(point.power_ranges):
        yield f"power_ranges[{index}]", power_range


def sequences_of(profile: PPBCPowerProfileDefinition) -> Iterator[tuple[str, Sequence[PPBCPowerSequenceElement]]]:
    """The elements of every sequence of a power profile."""
    for c, container in enumerate(profile.power_sequences_containers):
        for s, sequence in enumerate(container.power_sequences):
            yield f"$.power_sequences_containers[{c}].power_sequences[{s}].elements", sequence.elements


def expectations_of(
    message: PowerForecast | PPBCPowerProfileDefinition,
) -> Iterator[tuple[str, Sequence[PowerForecastValue]]]:
    """The expected values of every element, one list for each stretch of time."""
    if isinstance(message, PowerForecast):
        for index, element in enumerate(message.elements):
            yield f"$.elements[{index}].power_values", element.power_values
        return
    for path, elements in sequences_of(message):
        for index, step in enumerate(elements):
            yield f"{path}[{index}].power_values", step.power_values


def crowded_places_of(
    message: PowerMeasurement | PowerForecast | PPBCPowerProfileDefinition | SystemDescription,
) -> Iterator[tuple[str, Quantities]]:
    """The lists of powers that have more than one entry, each of which should be about a quantity of its own."""
    if isinstance(message, PowerMeasurement):
        if len(message.values) > 1:
            yield "$.values", message.values
    elif isinstance(message, PowerForecast):
        yield from _crowded_elements(message)
    elif isinstance(message, PPBCPowerProfileDefinition):
        for path, values in expectations_of(message):
            if len(values) > 1:
                yield path, values
    else:
        for path, point in operating_points_of(message):
            if len(point.power_ranges) > 1:
                yield f"{path}.power_ranges", point.power_ranges


def _crowded_elements(forecast: PowerForecast) -> Iterator[tuple[str, Quantities]]:
    # Not by expectations_of: most forecasts are about one quantity, and need no path for any of their elements.
    for index, element in enumerate(forecast.elements):
        if len(element.power_values) > 1:
            yield f"$.elements[{index}].power_values", element.power_values
