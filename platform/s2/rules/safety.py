"""Rules for abnormal conditions, and for the safety that outranks every instruction."""

from __future__ import annotations

from collections.abc import Iterator

from s2.findings import Severity
from s2.messages import (
    FRBCActuatorStatus,
    FRBCInstruction,
    FRBCOperationMode,
    FRBCSystemDescription,
    Instruction,
    PEBCInstruction,
)
from s2.resource import actuator_of
from s2.rules.bands import fill_rate
from s2.rules.envelopes import AllowedLimits, envelopes_of, limits_of
from s2.rules.instructions import (
    INSTRUCTIONS,
    MODE_INSTRUCTIONS,
    ModeInstruction,
    machine_for,
    mode_named_by,
    moment_of,
)
from s2.rules.modes import mode_in
from s2.rules.registry import Breach, Rule, Situation, rule
from s2.rules.transitions import origins_of, ways_to

#: How far outside its range, as a share of it, a level has to be told before it counts: many tell whole percents only.
LEVEL_TOLERANCE = 0.01


@rule(
    # Power sequences have a number of their own for this, R-101.
    Rule(
        "R-38",
        "What is meant for abnormal conditions is used only with abnormal_condition.",
        "schema, abnormal_condition_only",
        needs_session=True,
    ),
    PEBCInstruction,
    *MODE_INSTRUCTIONS,
)
def abnormal_only_when_abnormal(message: PEBCInstruction | ModeInstruction, situation: Situation) -> Iterator[Breach]:
    if message.abnormal_condition:
        return
    if isinstance(message, PEBCInstruction):
        yield from _abnormal_limits(message, situation)
    else:
        yield from _abnormal_mode(message, situation)


def _abnormal_mode(message: ModeInstruction, situation: Situation) -> Iterator[Breach]:
    machine, target = machine_for(message, situation), mode_named_by(message)
    if machine is None:
        return
    field = "operation_mode" if isinstance(message, FRBCInstruction) else "operation_mode_id"
    if any(mode.abnormal_condition_only for mode in machine.operation_modes if mode.id == target):
        yield f"$.{field}", f"{target} is for abnormal conditions only"
    ways = [] if target in origins_of(message, situation) else ways_to(message, situation)
    if ways and all(way.abnormal_condition_only for way in ways):
        yield f"$.{field}", f"the transition {ways[0].id} to {target} is for abnormal conditions only"


def _abnormal_limits(message: PEBCInstruction, situation: Situation) -> Iterator[Breach]:
    moment = moment_of(message, situation.now)
    constraints = situation.resource.constraints_at(message.power_constraints_id, moment)
    if constraints is None:
        return
    abnormal = AllowedLimits(each for each in constraints.allowed_limit_ranges if each.abnormal_condition_only)
    normal = AllowedLimits(each for each in constraints.allowed_limit_ranges if not each.abnormal_condition_only)
    for path, envelope in envelopes_of(message):
        quantity = envelope.commodity_quantity
        for where, limit_type, limit in limits_of(path, envelope):
            if abnormal.allow(quantity, limit_type, limit) and not normal.allow(quantity, limit_type, limit):
                yield where, f"{limit:g} is within a range for abnormal conditions only"


@rule(
    # Evidence only: what the device measures inside itself, and what else works on its storage, we do not see.
    Rule(
        "R-39",
        "Safety and wear outrank every instruction: a storage beyond its range is not driven further out.",
        "S2 documentation, abnormal condition",
        Severity.WARNING,
        needs_session=True,
    ),
    FRBCActuatorStatus,
)
def storage_is_not_driven_further_out(message: FRBCActuatorStatus, situation: Situation) -> Iterator[Breach]:
    if message.operation_mode_factor <= 0.0:
        return
    overshoot = _overshoot(situation)
    if overshoot == 0.0 or _is_emergency(message.actuator_id, situation):
        return
    rate = _rate_beyond(message, situation, above=overshoot > 0.0)
    if rate * overshoot > 0.0:
        side, way = ("above", "fills") if overshoot > 0.0 else ("below", "empties")
        yield "$.active_operation_mode_id", f"the level is {abs(overshoot):g} {side} its range, and this mode {way} it"


def _overshoot(situation: Situation) -> float:
    """How far the last reported level is above (positive) or below its range; 0 within it, or if that is unknown."""
    level = situation.resource.level_before(situation.now)
    description = None if level is None else situation.resource.description_at(situation.now)
    if level is None or not isinstance(description, FRBCSystemDescription):
        return 0.0
    limits = description.storage.fill_level_range
    tolerance = LEVEL_TOLERANCE * (limits.end_of_range - limits.start_of_range)
    if level.value > limits.end_of_range + tolerance:
        return level.value - limits.end_of_range
    if level.value < limits.start_of_range - tolerance:
        return level.value - limits.start_of_range
    return 0.0


def _rate_beyond(message: FRBCActuatorStatus, situation: Situation, *, above: bool) -> float:
    """The fill rate per second that the reported mode and factor have at that end of the mode's levels."""
    machine = situation.resource.machine_at(message.actuator_id, situation.now)
    mode = mode_in(machine, message.active_operation_mode_id)
    if not isinstance(mode, FRBCOperationMode):
        return 0.0
    if above:
        element = max(mode.elements, key=lambda each: each.fill_level_range.end_of_range)
    else:
        element = min(mode.elements, key=lambda each: each.fill_level_range.start_of_range)
    return fill_rate(element, message.operation_mode_factor)


def _is_emergency(actuator_id: str, situation: Situation) -> bool:
    """Outside its range a storage may ignore instructions, but not those for abnormal conditions (R-126)."""
    return any(
        entry.instruction.abnormal_condition and actuator_of(entry.instruction) == actuator_id
        for entry in situation.ledger
    )


@rule(
    # What an emergency is, the law of the place says, not the protocol: each one is written down for an audit.
    Rule(
        "R-40",
        "abnormal_condition is for emergencies in the sense of local regulation, and each use of it is recorded.",
        "S2 documentation, abnormal condition",
        Severity.WARNING,
    ),
    *INSTRUCTIONS,
)
def emergency_is_recorded(message: Instruction, _: Situation) -> Iterator[Breach]:
    if message.abnormal_condition:
        yield "$.abnormal_condition", "recorded; this has to be an emergency by local regulation"
