"""Rules for operation modes, transitions and timers, as OMBC, FRBC and DDBC share them.

A rule here speaks of a machine: the whole device in OMBC, one actuator elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from s2.descriptions import SystemDescription, machines_of
from s2.findings import Severity
from s2.messages import (
    DDBCInstruction,
    DDBCSystemDescription,
    FRBCSystemDescription,
    OMBCInstruction,
    OMBCSystemDescription,
    Transition,
)
from s2.resource import actuator_of
from s2.rules.instructions import MODE_INSTRUCTIONS, ModeInstruction, machine_for, mode_named_by, moment_of
from s2.rules.registry import Breach, Rule, Situation, Upheld, permission, rule


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
    # FRBC has numbers of its own for the same demand, R-122 and R-123.
    Rule("R-51", "The instructed mode exists in the description in force.", "schema, instructions", needs_session=True),
    OMBCInstruction,
    DDBCInstruction,
)
def instructed_mode_exists(message: OMBCInstruction | DDBCInstruction, situation: Situation) -> Iterator[Breach]:
    description = situation.resource.description_at(moment_of(message, situation.now))
    machine = machine_for(message, situation)
    if machine is not None and not any(mode.id == message.operation_mode_id for mode in machine.operation_modes):
        yield "$.operation_mode_id", f"{message.operation_mode_id} is no operation mode in force"
    elif machine is None and description is not None:
        yield "$.actuator_id", f"{actuator_of(message) or 'this'} is no actuator in force"


@rule(
    Rule(
        "R-52",
        "A transition leads from the active mode to the instructed one.",
        "S2 documentation, operation modes",
        Severity.WARNING,
        needs_session=True,
    ),
    *MODE_INSTRUCTIONS,
)
def transition_exists(message: ModeInstruction, situation: Situation) -> Iterator[Breach]:
    active, ways = _ways_to(message, situation)
    target = mode_named_by(message)
    if active is not None and active != target and not ways and _has_mode(message, situation):
        yield "$", f"no transition leads from {active} to {target}"


@permission(
    Rule(
        "R-53",
        "Another factor in the same mode needs no transition.",
        "S2 documentation, operation modes",
        Severity.WARNING,
        needs_session=True,
        upheld=Upheld.BY_PERMITTING,
    ),
    *MODE_INSTRUCTIONS,
)
def factor_may_change(message: ModeInstruction, situation: Situation) -> Iterator[Breach]:
    mode_id = mode_named_by(message)
    if situation.resource.active_mode(actuator_of(message), moment_of(message, situation.now)) == mode_id:
        yield "$.operation_mode_factor", f"the device is in mode {mode_id}; another factor needs no transition"


@rule(
    Rule(
        "R-54",
        "No timer blocks the transition at the execution time.",
        "schema Transition",
        Severity.WARNING,
        needs_session=True,
    ),
    *MODE_INSTRUCTIONS,
)
def no_timer_blocks(message: ModeInstruction, situation: Situation) -> Iterator[Breach]:
    moment = moment_of(message, situation.now)
    active, ways = _ways_to(message, situation)
    if active == mode_named_by(message):
        return
    blocked = [_blocking(each, message, situation, moment) for each in ways]
    # One free way is enough; where all are blocked, the first one is told.
    if blocked and all(blocked):
        timer_id = blocked[0]
        finished_at = situation.resource.timer_finished_at(actuator_of(message), timer_id or "")
        yield "$.execution_time", f"timer {timer_id} blocks until {finished_at:%Y-%m-%dT%H:%M:%S%z}"


def _ways_to(message: ModeInstruction, situation: Situation) -> tuple[str | None, list[Transition]]:
    """The active mode, and the transitions that lead from it to the instructed one."""
    machine = machine_for(message, situation)
    active = situation.resource.active_mode(actuator_of(message), moment_of(message, situation.now))
    if machine is None or active is None:
        return None, []
    target = mode_named_by(message)
    return active, [each for each in machine.transitions if each.from_ == active and each.to == target]


def _has_mode(message: ModeInstruction, situation: Situation) -> bool:
    machine = machine_for(message, situation)
    return machine is not None and any(mode.id == mode_named_by(message) for mode in machine.operation_modes)


def _blocking(transition: Transition, message: ModeInstruction, situation: Situation, moment: datetime) -> str | None:
    for timer_id in transition.blocking_timers:
        finished_at = situation.resource.timer_finished_at(actuator_of(message), timer_id)
        if finished_at is not None and finished_at > moment:
            return timer_id
    return None
