"""Rules for the ids of modes, actuators and timers: which description they belong to (R-42, R-43).

An instruction speaks of the description that will be in force when it is carried out. What a status or a timer status
speaks of may be in force or yet to come, since the RM decides when to tell of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from s2.descriptions import Machine, SystemDescription, machine_in
from s2.findings import Severity
from s2.messages import (
    DDBCActuatorStatus,
    DDBCTimerStatus,
    FRBCActuatorStatus,
    FRBCInstruction,
    FRBCTimerStatus,
    OMBCStatus,
    OMBCTimerStatus,
)
from s2.resource import Status, TimerStatus, actuator_of
from s2.rules.instructions import MODE_INSTRUCTIONS, ModeInstruction, mode_named_by, moment_of
from s2.rules.registry import Breach, Rule, Situation, rule

STATUSES = (OMBCStatus, FRBCActuatorStatus, DDBCActuatorStatus)
TIMER_STATUSES = (OMBCTimerStatus, FRBCTimerStatus, DDBCTimerStatus)


@dataclass(frozen=True, slots=True)
class Unresolved:
    """The first id of an instruction that the description in force at its time does not have.

    `field` has the name on the wire; `published`: another description that holds, or will hold, has the id.
    """

    field: str
    id: str
    description: SystemDescription
    published: bool

    @property
    def is_actuator(self) -> bool:
        return self.field == "actuator_id"


def unresolved(instruction: ModeInstruction, situation: Situation) -> Unresolved | None:
    """None where actuator and mode are found, and where nothing is in force (which is R-44)."""
    actuator_id, mode_id = actuator_of(instruction), mode_named_by(instruction)
    description = situation.resource.description_at(moment_of(instruction, situation.now))
    if description is None:
        return None
    machine = machine_in(description, actuator_id)
    if machine is not None and has_mode(machine, mode_id):
        return None
    published = situation.resource.published_machines(actuator_id) or ()
    if machine is None:
        return Unresolved("actuator_id", actuator_id, description, bool(published))
    return Unresolved(_mode_field(instruction), mode_id, description, any_has_mode(published, mode_id))


# Asked for every status, and a loop takes half the time of any().
def has_mode(machine: Machine, mode_id: str) -> bool:
    for mode in machine.operation_modes:  # noqa: SIM110
        if mode.id == mode_id:
            return True
    return False


def any_has_mode(machines: Iterable[Machine], mode_id: str) -> bool:
    for machine in machines:  # noqa: SIM110
        if has_mode(machine, mode_id):
            return True
    return False


def any_has_timer(machines: Iterable[Machine], timer_id: str) -> bool:
    return any(timer.id == timer_id for machine in machines for timer in machine.timers)


@rule(
    Rule(
        "R-43",
        "With the description that is replaced, its ids are gone.",
        "s2-kit, sessions",
        Severity.WARNING,
        needs_session=True,
    ),
    *MODE_INSTRUCTIONS,
    *STATUSES,
    *TIMER_STATUSES,
)
def id_is_not_of_a_former_description(
    message: ModeInstruction | Status | TimerStatus, situation: Situation
) -> Iterator[Breach]:
    # It comes beside the error for the unknown id, and only tells where that id was last seen.
    former, actuator_id = situation.resource.descriptions.former, actuator_of(message)
    published = None if former is None else situation.resource.published_machines(actuator_id)
    if former is None or published is None:
        return
    field, named, any_has = _named_by(message)
    if any_has(published, named):
        return
    machine = machine_in(former, actuator_id)
    if machine is not None and not published:
        yield "$.actuator_id", _where_it_went(actuator_id, former)
    elif machine is not None and any_has([machine], named):
        yield f"$.{field}", _where_it_went(named, former)


@rule(
    # What was never published, or is no longer, each family has under a number of its own.
    Rule(
        "R-51",
        "The instructed mode and actuator exist in the description that is in force at the execution time.",
        "schema, instructions",
        needs_session=True,
    ),
    *MODE_INSTRUCTIONS,
)
def instructed_mode_is_in_force(message: ModeInstruction, situation: Situation) -> Iterator[Breach]:
    missing = unresolved(message, situation)
    if missing is not None and missing.published:
        what = "actuator" if missing.is_actuator else "operation mode"
        text = f"{missing.id} is no {what} of description {missing.description.message_id}, which is in force then"
        yield f"$.{missing.field}", text


def _mode_field(instruction: ModeInstruction) -> str:
    return "operation_mode" if isinstance(instruction, FRBCInstruction) else "operation_mode_id"


def _where_it_went(named: str, former: SystemDescription) -> str:
    return f"{named} went with system description {former.message_id}, which is no longer in force"


def _named_by(
    message: ModeInstruction | Status | TimerStatus,
) -> tuple[str, str, Callable[[Iterable[Machine], str], bool]]:
    """The field for a mode or timer, the id in it, and how machines are asked for that id."""
    if isinstance(message, TIMER_STATUSES):
        return "timer_id", message.timer_id, any_has_timer
    if isinstance(message, STATUSES):
        return "active_operation_mode_id", message.active_operation_mode_id, any_has_mode
    return _mode_field(message), mode_named_by(message), any_has_mode
