"""Rules for the way from the active mode to the instructed one: transitions, their timers and how long they take.

An instruction that should go another way is not refused, because the device may change its mode meanwhile and knows
best itself what it can do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from s2.findings import Severity
from s2.ledger import LedgerEntry
from s2.messages import Transition
from s2.resource import actuator_of
from s2.rules.instructions import MODE_INSTRUCTIONS, ModeInstruction, machine_for, mode_named_by, moment_of
from s2.rules.references import has_mode
from s2.rules.registry import Breach, Rule, Situation, Upheld, permission, rule


def duration_of(ways: Iterable[Transition]) -> timedelta:
    """How long the quickest of these transitions takes. Nothing where there is none; an absent duration is none."""
    return timedelta(milliseconds=min((each.transition_duration or 0 for each in ways), default=0))


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
    machine = machine_for(message, situation)
    if active is not None and active != target and not ways and machine is not None and has_mode(machine, target):
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
    running = situation.resource.timers_running(actuator_of(message), moment_of(message, situation.now))
    if not running:
        return
    active, ways = _ways_to(message, situation)
    ways = [each for each in ways if message.abnormal_condition or not each.abnormal_condition_only]
    if active == mode_named_by(message) or not ways:
        return
    # One free way is enough; where all are blocked, the first one is told.
    if not any(running.keys().isdisjoint(each.blocking_timers) for each in ways):
        timer_id = next(each for each in ways[0].blocking_timers if each in running)
        yield "$.execution_time", f"timer {timer_id} blocks until {running[timer_id]:%Y-%m-%dT%H:%M:%S%z}"


@rule(
    Rule(
        "R-63",
        "Through intermediate modes goes one instruction for each transition, and none before the last one is over.",
        "S2 documentation, operation modes",
        Severity.WARNING,
        needs_session=True,
    ),
    *MODE_INSTRUCTIONS,
)
def transitions_are_not_skipped(message: ModeInstruction, situation: Situation) -> Iterator[Breach]:
    # An emergency does not wait.
    others = [] if message.abnormal_condition else _open_for_the_same(message, situation)
    machine = machine_for(message, situation) if others else None
    if machine is None:
        return
    active = situation.resource.active_mode(actuator_of(message), moment_of(message, situation.now))
    ways: dict[str, list[Transition]] = {}
    for each in machine.transitions:
        if each.from_ == active and each.to != active:
            ways.setdefault(each.to, []).append(each)
    durations = {mode_id: duration_of(each) for mode_id, each in ways.items()}
    for entry, mode_id in others:
        needed = durations.get(mode_id, timedelta())
        if mode_id != mode_named_by(message) and _hurries(message, entry, needed, situation.now):
            text = (
                f"instruction {entry.id} needs {needed.total_seconds():g} s to get to {mode_id}; this one cuts it off"
            )
            yield "$.execution_time", text


def _open_for_the_same(message: ModeInstruction, situation: Situation) -> list[tuple[LedgerEntry, str]]:
    """The other open instructions for that actuator, each with its mode."""
    return [
        (entry, mode_named_by(entry.instruction))
        for entry in situation.ledger.open_entries()
        if isinstance(entry.instruction, MODE_INSTRUCTIONS)
        and entry.id != message.id
        and actuator_of(entry.instruction) == actuator_of(message)
    ]


def _hurries(message: ModeInstruction, entry: LedgerEntry, needed: timedelta, now: datetime) -> bool:
    """Whether the message takes effect while the transition that the entry asks for is under way."""
    start, moment = moment_of(entry.instruction, entry.at), moment_of(message, now)
    # One for the very same later time takes the place of the other, which is then never begun.
    is_replaced = moment == start > now
    return not is_replaced and timedelta() <= moment - start < needed


def _ways_to(message: ModeInstruction, situation: Situation) -> tuple[str | None, list[Transition]]:
    """The active mode, and the transitions that lead from it to the instructed one."""
    machine = machine_for(message, situation)
    active = situation.resource.active_mode(actuator_of(message), moment_of(message, situation.now))
    if machine is None or active is None:
        return None, []
    target = mode_named_by(message)
    return active, [each for each in machine.transitions if each.from_ == active and each.to == target]
