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
    origins, target = origins_of(message, situation), mode_named_by(message)
    machine = machine_for(message, situation)
    if machine is None or not origins or target in origins or not has_mode(machine, target):
        return
    if not ways_to(message, situation):
        yield "$", f"no transition leads from {' or '.join(origins)} to {target}"


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
    ways = [
        each for each in ways_to(message, situation) if message.abnormal_condition or not each.abnormal_condition_only
    ]
    if not ways or mode_named_by(message) in origins_of(message, situation):
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
    origins = origins_of(message, situation)
    ways: dict[str, list[Transition]] = {}
    for each in machine.transitions:
        if each.from_ in origins and each.to != origins[0]:
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


def origins_of(message: ModeInstruction, situation: Situation) -> list[str]:
    """The modes that the actuator may be in when the instruction is carried out; empty where it has told of none.

    The first one is that which it reports now. The others are those that it is instructed to turn to until then: a CEM
    that goes through intermediate modes tells all of the way beforehand (R-63).
    """
    moment = moment_of(message, situation.now)
    active = situation.resource.active_mode(actuator_of(message), moment)
    if active is None:
        return []
    planned = (
        mode_id
        for entry, mode_id in _open_for_the_same(message, situation)
        if moment_of(entry.instruction, entry.at) <= moment
    )
    return list(dict.fromkeys((active, *planned)))


def ways_to(message: ModeInstruction, situation: Situation) -> list[Transition]:
    """The transitions to the instructed mode from where the actuator may be then."""
    machine, origins = machine_for(message, situation), origins_of(message, situation)
    if machine is None:
        return []
    target = mode_named_by(message)
    return [each for each in machine.transitions if each.from_ in origins and each.to == target]
