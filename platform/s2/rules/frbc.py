"""Rules for Fill Rate Based Control."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

from s2.messages import FRBCInstruction, FRBCLeakageBehaviour, FRBCSystemDescription, NumberRange
from s2.resource import actuator_of
from s2.rules.instructions import machine_for, moment_of
from s2.rules.registry import Breach, Rule, Situation, rule

#: Bands that were computed may miss each other by rounding (R-134).
_RELATIVE_TOLERANCE = 1e-9


@rule(
    Rule("R-120", "The elements of a mode cover fill levels without gap or overlap.", "schema FRBC.OperationMode"),
    FRBCSystemDescription,
)
def elements_are_contiguous(message: FRBCSystemDescription, _: Situation) -> Iterator[Breach]:
    for a, actuator in enumerate(message.actuators):
        for m, mode in enumerate(actuator.operation_modes):
            path = f"$.actuators[{a}].operation_modes[{m}].elements"
            yield from _seams([element.fill_level_range for element in mode.elements], path)


@rule(
    Rule("R-121", "The bands of leakage cover fill levels without gap or overlap.", "schema FRBC.LeakageBehaviour"),
    FRBCLeakageBehaviour,
)
def leakage_is_contiguous(message: FRBCLeakageBehaviour, _: Situation) -> Iterator[Breach]:
    yield from _seams([element.fill_level_range for element in message.elements], "$.elements")


@rule(
    Rule("R-122", "The instructed actuator exists.", "s2-kit S2-FRBC-003", needs_session=True),
    FRBCInstruction,
)
def actuator_exists(message: FRBCInstruction, situation: Situation) -> Iterator[Breach]:
    description = situation.resource.description_at(moment_of(message, situation.now))
    if description is not None and machine_for(message, situation) is None:
        yield "$.actuator_id", f"{actuator_of(message)} is no actuator in force"


@rule(
    Rule("R-123", "The instructed mode belongs to the actuator.", "s2-kit S2-FRBC-004", needs_session=True),
    FRBCInstruction,
)
def mode_belongs_to_actuator(message: FRBCInstruction, situation: Situation) -> Iterator[Breach]:
    machine = machine_for(message, situation)
    if machine is not None and not any(mode.id == message.operation_mode for mode in machine.operation_modes):
        yield "$.operation_mode", f"{message.operation_mode} is no operation mode of actuator {message.actuator_id}"


def _seams(bands: Sequence[NumberRange], path: str) -> Iterator[Breach]:
    """Breaches where one band does not end where the next one begins. The standard does not ask for an order."""
    ordered = sorted(bands, key=lambda band: band.start_of_range)
    for lower, upper in itertools.pairwise(ordered):
        end, start = lower.end_of_range, upper.start_of_range
        if not math.isclose(end, start, rel_tol=_RELATIVE_TOLERANCE, abs_tol=_RELATIVE_TOLERANCE):
            yield path, f"the band that ends at {end:g} should meet the next one, which starts at {start:g}"
