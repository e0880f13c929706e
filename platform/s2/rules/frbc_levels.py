"""Rules for the fill level of a storage: where it is, where it should be, and how the modes move it.

What the level will do is known only where nothing but the actuators moves it. A storage that announces usage or leakage
may fall while it is filled, and even rise by itself (a negative usage), so there the course of the level is not judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from math import nan

from s2.findings import Severity
from s2.messages import (
    FRBCActuatorDescription,
    FRBCInstruction,
    FRBCOperationMode,
    FRBCStorageStatus,
    FRBCSystemDescription,
    InstructionStatus,
    InstructionStatusUpdate,
)
from s2.rules.bands import covers, element_at, fill_rate
from s2.rules.modes import is_due, mode_in
from s2.rules.registry import Breach, Rule, Situation, rule

#: Levels reported within less than this say more of rounding than of a rate.
_SHORTEST_RISE = timedelta(seconds=10)

#: So much of the storage's range may a level rise without any rate: whole percents, a gauge that sets itself right.
_GAUGE_STEP = 0.05

#: A rate is an average over a band; a rise at more than this many times the largest one has another unit.
_RATE_SLACK = 2.0


@rule(
    Rule(
        "R-125",
        "The fill level is within the range of the storage; outside it instructions may be ignored.",
        "schema FRBC.StorageDescription",
        Severity.WARNING,
        needs_session=True,
    ),
    FRBCStorageStatus,
)
def level_is_in_range(message: FRBCStorageStatus, situation: Situation) -> Iterator[Breach]:
    description, level = _description(situation), message.present_fill_level
    if description is None:
        return
    limits = description.storage.fill_level_range
    if not covers(limits, level):
        yield "$.present_fill_level", f"{level:g} is outside {limits.start_of_range:g} to {limits.end_of_range:g}"


@rule(
    Rule(
        "R-126",
        "Also outside its range a storage obeys instructions for abnormal conditions.",
        "schema FRBC.StorageDescription",
        Severity.WARNING,
        needs_session=True,
    ),
    InstructionStatusUpdate,
)
def emergency_is_obeyed(message: InstructionStatusUpdate, situation: Situation) -> Iterator[Breach]:
    entry = situation.ledger.get(message.instruction_id)
    if message.status_type is not InstructionStatus.REJECTED or entry is None:
        return
    if not isinstance(entry.instruction, FRBCInstruction) or not entry.instruction.abnormal_condition:
        return
    description, level = _description(situation), situation.resource.level_before(situation.now)
    if description is not None and level is not None and not covers(description.storage.fill_level_range, level.value):
        text = (
            f"at level {level.value:g}, outside its range, only safety is a reason to refuse an emergency instruction"
        )
        yield "$.status_type", text


@rule(
    Rule(
        "R-127",
        "The fill level is kept inside the range of the storage.",
        "schema FRBC.StorageDescription",
        Severity.WARNING,
        needs_session=True,
    ),
    FRBCInstruction,
)
def level_is_not_driven_out(message: FRBCInstruction, situation: Situation) -> Iterator[Breach]:
    description = _description(situation)
    if description is None:
        return
    limits, (level, way) = description.storage.fill_level_range, _course(message, situation)
    if way > 0 and level >= limits.end_of_range:
        yield "$.operation_mode", f"fills, although the level of {level:g} is at the top of its range"
    elif way < 0 and level <= limits.start_of_range:
        yield "$.operation_mode", f"empties, although the level of {level:g} is at the bottom of its range"


@rule(
    # Pursuing a target is best effort: that a level is not there yet is nobody's fault, and surely not the device's.
    Rule(
        "R-128",
        "An instruction does not take the fill level further from the target range of its time.",
        "schema FRBC.FillLevelTargetProfileElement",
        Severity.WARNING,
        needs_session=True,
    ),
    FRBCInstruction,
)
def level_is_not_taken_from_target(message: FRBCInstruction, situation: Situation) -> Iterator[Breach]:
    target = situation.resource.target_at(situation.now)
    if target is None:
        return
    level, way = _course(message, situation)
    if covers(target, level):
        return
    wanted = f"{target.start_of_range:g} to {target.end_of_range:g} by now"
    if way > 0 and level > target.end_of_range:
        yield "$.operation_mode", f"fills, although the level of {level:g} should be within {wanted}"
    elif way < 0 and level < target.start_of_range:
        yield "$.operation_mode", f"empties, although the level of {level:g} should be within {wanted}"


@rule(
    Rule(
        "R-129",
        "Fill rates are per second, and their sum over the actuators moves the level.",
        "schema FRBC.OperationModeElement",
        Severity.WARNING,
        needs_session=True,
    ),
    FRBCStorageStatus,
)
def level_rises_as_described(message: FRBCStorageStatus, situation: Situation) -> Iterator[Breach]:
    before = situation.resource.level_before(situation.now)
    if before is None or message.present_fill_level <= before.value:
        return
    description, elapsed = _description(situation), situation.now - before.at
    if description is None or elapsed < _SHORTEST_RISE or not _only_actuators_move(description):
        return
    limits = description.storage.fill_level_range
    rise = message.present_fill_level - before.value
    excess = rise - _GAUGE_STEP * (limits.end_of_range - limits.start_of_range)
    # The look at all elements comes last: few levels rise so far at once.
    if excess > 0 and excess > _RATE_SLACK * _largest_rate(description) * elapsed.total_seconds():
        text = f"rose by {rise:g} in {elapsed.total_seconds():g} s, which all actuators together cannot fill"
        yield "$.present_fill_level", f"{text}; their rates should be per second"


@rule(
    Rule(
        "R-130",
        "A mode is used only at fill levels that one of its elements covers.",
        "schema FRBC.OperationMode",
        Severity.WARNING,
        needs_session=True,
    ),
    FRBCInstruction,
)
def mode_is_usable_at_the_level(message: FRBCInstruction, situation: Situation) -> Iterator[Breach]:
    level = situation.resource.level_before(situation.now)
    if level is None or not is_due(message, situation.now):
        return
    mode = mode_in(situation.resource.machine_at(message.actuator_id, situation.now), message.operation_mode)
    if isinstance(mode, FRBCOperationMode) and element_at(mode, level.value) is None:
        yield "$.operation_mode", f"mode {mode.id} has no element for the present level of {level.value:g}"


def _description(situation: Situation) -> FRBCSystemDescription | None:
    """The description that a level of now is about; None while another one begins."""
    resource = situation.resource
    description = resource.description_at(situation.now) if resource.descriptions.steady_at(situation.now) else None
    return description if isinstance(description, FRBCSystemDescription) else None


def _only_actuators_move(description: FRBCSystemDescription) -> bool:
    storage = description.storage
    return not (storage.provides_usage_forecast or storage.provides_leakage_behaviour)


def _course(message: FRBCInstruction, situation: Situation) -> tuple[float, int]:
    """The present level, and which way an instruction for now takes it: 1 is up, -1 down.

    0 is also where it is not known, where the other actuators outweigh the instructed one, and in an emergency.
    """
    description, level = _description(situation), situation.resource.level_before(situation.now)
    if level is None or description is None or not _only_actuators_move(description):
        return 0.0, 0
    if message.abnormal_condition or not is_due(message, situation.now):
        return level.value, 0
    own = total = 0.0
    for actuator in description.actuators:
        activity = situation.resource.activity_before(actuator.id, situation.now)
        if actuator.id == message.actuator_id:
            own = rate = _rate(actuator, message.operation_mode, message.operation_mode_factor, level.value)
        else:
            rate = nan if activity is None else _rate(actuator, activity.mode_id, activity.factor, level.value)
        total += rate
    # Whatever is compared with what is not a number is false.
    return level.value, (own > 0 and total > 0) - (own < 0 and total < 0)


def _rate(actuator: FRBCActuatorDescription, mode_id: str, factor: float, level: float) -> float:
    """In level units per second; not a number where the mode has no element for the level."""
    mode = mode_in(actuator, mode_id)
    element = element_at(mode, level) if isinstance(mode, FRBCOperationMode) else None
    return nan if element is None else fill_rate(element, factor)


def _largest_rate(description: FRBCSystemDescription) -> float:
    """The fastest that the actuators can fill the storage together."""
    return sum(
        max(
            0.0,
            *(
                max(element.fill_rate.start_of_range, element.fill_rate.end_of_range)
                for mode in actuator.operation_modes
                for element in mode.elements
            ),
        )
        for actuator in description.actuators
    )
