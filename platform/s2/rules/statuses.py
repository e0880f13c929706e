"""Rules for what an RM reports of its modes and timers.

A status speaks of a description that was published, in force or yet to come. Before the first description there is
nothing to compare with: a status that comes early is taken as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from s2.descriptions import SKEW, Machine
from s2.findings import Severity
from s2.messages import (
    DDBCActuatorStatus,
    FRBCActuatorStatus,
    Transition,
)
from s2.resource import Status, TimerStatus, actuator_of
from s2.rules.instructions import MODE_INSTRUCTIONS, mode_named_by
from s2.rules.references import STATUSES, TIMER_STATUSES, any_has_mode, any_has_timer
from s2.rules.registry import Breach, Rule, Situation, Upheld, permission, rule
from s2.rules.transitions import duration_of


@rule(
    Rule(
        "R-48",
        "A status that reports another mode than before names the former mode and when it was left.",
        "s2-kit S2-STATUS-001",
        Severity.WARNING,
        needs_session=True,
    ),
    *STATUSES,
)
def status_tells_of_the_transition(message: Status, situation: Situation) -> Iterator[Breach]:
    before = situation.resource.activity_before(actuator_of(message), situation.now)
    if before is None or before.mode_id == message.active_operation_mode_id:
        return
    if message.previous_operation_mode_id != before.mode_id:
        yield "$.previous_operation_mode_id", f"should be {before.mode_id}, the mode that was reported before"
    if message.transition_timestamp is None:
        yield "$.transition_timestamp", f"should say when the device left mode {before.mode_id}"


@rule(
    Rule(
        "R-55",
        "A timer runs from the start of a transition, so it has at most its duration to go.",
        "schema Transition, *.TimerStatus",
        Severity.WARNING,
        needs_session=True,
    ),
    *TIMER_STATUSES,
)
def timer_ends_in_time(message: TimerStatus, situation: Situation) -> Iterator[Breach]:
    left = message.finished_at - situation.now
    if left <= SKEW:
        return
    machines = situation.resource.published_machines(actuator_of(message)) or ()
    durations = [timer.duration for machine in machines for timer in machine.timers if timer.id == message.timer_id]
    if durations and left > timedelta(milliseconds=max(durations)) + SKEW:
        text = f"lies {left.total_seconds():g} s ahead; the timer takes {max(durations) / 1000:g} s when it starts now"
        yield "$.finished_at", text


@rule(
    Rule("R-56", "A timer status names a declared timer.", "schema *.TimerStatus", needs_session=True),
    *TIMER_STATUSES,
)
def timer_is_declared(message: TimerStatus, situation: Situation) -> Iterator[Breach]:
    machines = situation.resource.published_machines(actuator_of(message))
    if machines is None:
        return
    if not machines:
        yield "$.actuator_id", f"{actuator_of(message)} is no actuator of the description"
    elif not any_has_timer(machines, message.timer_id):
        yield "$.timer_id", f"{message.timer_id} is no timer here"


@permission(
    Rule(
        "R-59",
        "A device may change its mode by itself, even where there is no transition.",
        "S2 documentation, operation modes",
        Severity.WARNING,
        needs_session=True,
        upheld=Upheld.BY_PERMITTING,
    ),
    *STATUSES,
)
def mode_may_change_by_itself(message: Status, situation: Situation) -> Iterator[Breach]:
    came_from, active = _came_from(message, situation), message.active_operation_mode_id
    if came_from is None or came_from == active:
        return
    if not _ways(situation.resource.published_machines(actuator_of(message)), came_from, active):
        yield "$.active_operation_mode_id", f"the device may go from {came_from} to {active} without a transition"
    elif not _is_instructed(message, situation):
        yield "$.active_operation_mode_id", f"the device may change to {active} without an instruction"


@rule(
    Rule("R-60", "A status names a mode of its actuator.", "S2 documentation, operation modes", needs_session=True),
    FRBCActuatorStatus,
    DDBCActuatorStatus,
)
def actuator_is_in_a_known_mode(
    message: FRBCActuatorStatus | DDBCActuatorStatus, situation: Situation
) -> Iterator[Breach]:
    machines = situation.resource.published_machines(message.actuator_id)
    if machines is None:
        return
    if not machines:
        yield "$.actuator_id", f"{message.actuator_id} is no actuator of the description"
    elif not any_has_mode(machines, message.active_operation_mode_id):
        yield "$.active_operation_mode_id", f"{message.active_operation_mode_id} is no operation mode of this actuator"


@rule(
    Rule(
        "R-61",
        "The next transition starts when the former one is over.",
        "schema Transition, transition_duration",
        Severity.WARNING,
        needs_session=True,
    ),
    *STATUSES,
)
def transitions_take_their_time(message: Status, situation: Situation) -> Iterator[Breach]:
    started = message.transition_timestamp
    before = situation.resource.activity_before(actuator_of(message), situation.now) if started is not None else None
    if started is None or before is None or before.transition_at is None or before.previous_mode_id is None:
        return
    if message.active_operation_mode_id == before.mode_id or started <= before.transition_at:
        return
    machines = situation.resource.published_machines(actuator_of(message))
    needed = duration_of(_ways(machines, before.previous_mode_id, before.mode_id))
    if started - before.transition_at < needed:
        text = f"the transition to {before.mode_id} takes {needed.total_seconds():g} s from {before.transition_at}"
        yield "$.transition_timestamp", f"{text}; the next one should start after that"


def time_of_transition(message: Status, situation: Situation) -> timedelta:
    """How long the transition that a status reports takes at most."""
    machines = situation.resource.published_machines(actuator_of(message))
    ways = _ways(machines, _came_from(message, situation), message.active_operation_mode_id)
    return max((duration_of([each]) for each in ways), default=timedelta())


def _came_from(message: Status, situation: Situation) -> str | None:
    before = situation.resource.activity_before(actuator_of(message), situation.now)
    return message.previous_operation_mode_id or (None if before is None else before.mode_id)


def _ways(machines: list[Machine] | None, came_from: str | None, to: str) -> list[Transition]:
    return [
        each for machine in machines or () for each in machine.transitions if each.from_ == came_from and each.to == to
    ]


def _is_instructed(message: Status, situation: Situation) -> bool:
    return any(
        isinstance(entry.instruction, MODE_INSTRUCTIONS)
        and not entry.refused
        and actuator_of(entry.instruction) == actuator_of(message)
        and mode_named_by(entry.instruction) == message.active_operation_mode_id
        for entry in situation.ledger
    )
