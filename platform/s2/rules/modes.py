"""Rules for how operation modes are described, and for the factor that goes with them, in OMBC, FRBC and DDBC alike.

A rule here speaks of a machine: the whole device in OMBC, one actuator elsewhere. What a mode does is said by the mode
itself in OMBC and DDBC, and by each of its elements in FRBC; both are an operating point.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from math import isfinite

from s2.descriptions import Machine, SystemDescription, machines_of
from s2.findings import Severity
from s2.messages import (
    Commodity,
    CommodityQuantity,
    DDBCActuatorDescription,
    DDBCSystemDescription,
    FRBCActuatorDescription,
    FRBCOperationMode,
    FRBCSystemDescription,
    OMBCSystemDescription,
)
from s2.rules.instructions import MODE_INSTRUCTIONS, ModeInstruction, machine_for, mode_named_by
from s2.rules.places import OperatingPoint, OperationMode, factor_ranges_of, operating_points_in, operating_points_of
from s2.rules.registry import Breach, Rule, Situation, rule

#: An instruction for less than this ahead is judged by what the device reports now.
_AT_ONCE = timedelta(minutes=1)

#: Which commodity a quantity is a power of. A temperature is none.
_COMMODITY_OF = {
    CommodityQuantity.ELECTRIC_POWER_L1: Commodity.ELECTRICITY,
    CommodityQuantity.ELECTRIC_POWER_L2: Commodity.ELECTRICITY,
    CommodityQuantity.ELECTRIC_POWER_L3: Commodity.ELECTRICITY,
    CommodityQuantity.ELECTRIC_POWER_3_PHASE_SYMMETRIC: Commodity.ELECTRICITY,
    CommodityQuantity.NATURAL_GAS_FLOW_RATE: Commodity.GAS,
    CommodityQuantity.HYDROGEN_FLOW_RATE: Commodity.GAS,
    CommodityQuantity.HEAT_FLOW_RATE: Commodity.HEAT,
    CommodityQuantity.HEAT_THERMAL_POWER: Commodity.HEAT,
    CommodityQuantity.OIL_FLOW_RATE: Commodity.OIL,
}


def is_due(instruction: ModeInstruction, now: datetime) -> bool:
    """Whether the instruction is for now; what the device will be doing at a later time is not known."""
    return instruction.execution_time - now <= _AT_ONCE


def mode_in(machine: Machine | None, mode_id: str) -> OperationMode | None:
    if machine is None:
        return None
    modes: tuple[OperationMode, ...] = machine.operation_modes
    return next((mode for mode in modes if mode.id == mode_id), None)


@rule(
    Rule("R-50", "Transitions name modes and timers of the same machine.", "schema Transition"),
    OMBCSystemDescription,
    FRBCSystemDescription,
    DDBCSystemDescription,
)
def transitions_resolve(message: SystemDescription, _: Situation) -> Iterator[Breach]:
    for path, machine in machines_of(message):
        modes = {mode.id for mode in machine.operation_modes}
        timers = {timer.id for timer in machine.timers}
        for index, transition in enumerate(machine.transitions):
            where = f"{path}.transitions[{index}]"
            for field, mode_id in (("from", transition.from_), ("to", transition.to)):
                if mode_id not in modes:
                    yield f"{where}.{field}", f"{mode_id} is no operation mode here"
            for field, ids in (
                ("start_timers", transition.start_timers),
                ("blocking_timers", transition.blocking_timers),
            ):
                for timer_id in ids:
                    if timer_id not in timers:
                        yield f"{where}.{field}", f"{timer_id} is no timer here"


@rule(
    Rule(
        "R-57",
        "Power and rates are linear in the factor, so from start to end of their range is a finite way.",
        "S2 documentation, operation modes",
    ),
    OMBCSystemDescription,
    FRBCSystemDescription,
    DDBCSystemDescription,
)
def ranges_can_be_interpolated(message: SystemDescription, _: Situation) -> Iterator[Breach]:
    for path, point in operating_points_of(message):
        for field, each in factor_ranges_of(point):
            if not isfinite(each.end_of_range - each.start_of_range):
                text = f"{each.start_of_range:g} and {each.end_of_range:g} should differ by what a number can hold"
                yield f"{path}.{field}", text


@rule(
    Rule(
        "R-58",
        "Running costs are a band of uncertainty, lower end first, and do not depend on the factor.",
        "schema, running_costs",
        Severity.WARNING,
    ),
    OMBCSystemDescription,
    FRBCSystemDescription,
    DDBCSystemDescription,
)
def running_costs_are_a_band(message: SystemDescription, _: Situation) -> Iterator[Breach]:
    for path, point in operating_points_of(message):
        costs = point.running_costs
        if costs is not None and costs.start_of_range > costs.end_of_range:
            text = f"{costs.end_of_range:g} should come before {costs.start_of_range:g}; the factor plays no part here"
            yield f"{path}.running_costs", text


@rule(
    Rule(
        "R-62",
        "Each mode says the power of every supported commodity, and each commodity is listed once.",
        "s2-kit S2-ACT-001, S2-ACT-002; s2-python",
        Severity.WARNING,
    ),
    FRBCSystemDescription,
    DDBCSystemDescription,
)
def commodities_are_covered(message: FRBCSystemDescription | DDBCSystemDescription, _: Situation) -> Iterator[Breach]:
    actuators: tuple[FRBCActuatorDescription | DDBCActuatorDescription, ...] = message.actuators
    for a, actuator in enumerate(actuators):
        field, listed = _commodities_of(actuator)
        supported = frozenset(listed)
        if len(supported) < len(listed):
            yield f"$.actuators[{a}].{field}", "each commodity should be listed once"
        for path, point in operating_points_in(f"$.actuators[{a}]", actuator):
            covered = {_COMMODITY_OF.get(each.commodity_quantity) for each in point.power_ranges}
            if not supported <= covered:
                missing = ", ".join(sorted(supported - covered))
                yield f"{path}.power_ranges", f"a range for {missing} should be here, even if it is 0"


@rule(
    # Only between 0 and 1: many a CEM sends 1 for a mode that is simply on, and the standard lets it.
    Rule(
        "R-135",
        "Where a factor has no effect it is 0.",
        "S2 documentation, operation modes",
        Severity.WARNING,
        needs_session=True,
    ),
    *MODE_INSTRUCTIONS,
)
def factor_has_an_effect(message: ModeInstruction, situation: Situation) -> Iterator[Breach]:
    if not 0.0 < message.operation_mode_factor < 1.0:
        return
    mode = mode_in(machine_for(message, situation), mode_named_by(message))
    if mode is not None and all(
        each.start_of_range == each.end_of_range for point in _points_of(mode) for _, each in factor_ranges_of(point)
    ):
        yield "$.operation_mode_factor", f"{mode.id} does the same at every factor; 0 should stand for that"


def _commodities_of(actuator: FRBCActuatorDescription | DDBCActuatorDescription) -> tuple[str, tuple[Commodity, ...]]:
    if isinstance(actuator, FRBCActuatorDescription):
        return "supported_commodities", actuator.supported_commodities
    return "supported_commodites", actuator.supported_commodities


def _points_of(mode: OperationMode) -> Sequence[OperatingPoint]:
    return mode.elements if isinstance(mode, FRBCOperationMode) else (mode,)
