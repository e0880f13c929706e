"""What each quirk makes of a message (see `s2.strictness`).

Two kinds. A repair reads the message as it was meant, before the rules judge it. A permission takes the message as it
is: it applies where the rule found a breach, so that only the rule says what a breach is. Either way the firing is a
warning with the number of the rule that would have been broken, the name of the quirk, and what was read instead.

To add a quirk is to name it in `Quirk`, and to enter a repair or a permission here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from s2.findings import Finding, Severity
from s2.messages import (
    FRBCLeakageBehaviour,
    InstructionStatusUpdate,
    Message,
    NumberRange,
    PEBCPowerConstraints,
)
from s2.rules import RULES, Breach, Situation
from s2.rules.registry import MOST_PER_RULE
from s2.strictness import Quirk

_Findings = tuple[Finding, ...]
_Repaired = tuple[Message, list[Breach]]


def repaired(message: Message, situation: Situation, quirks: frozenset[Quirk]) -> tuple[Message, _Findings]:
    """The message as the quirks of its sender let it be read; itself where none applies."""
    repair = _REPAIRS.get(type(message))
    if repair is None or repair.quirk not in quirks:
        return message, ()
    result = repair.apply(message, situation)
    if result is None:
        return message, ()
    mended, breaches = result
    rule = RULES[repair.rule]
    told = (rule.finding(message, path, text) for path, text in islice(breaches, MOST_PER_RULE))
    return mended, tuple(replace(each, severity=Severity.WARNING, quirk=repair.quirk.value) for each in told)


def permitted(message: Message, findings: _Findings, quirks: frozenset[Quirk]) -> _Findings:
    """The findings on a message, those that a quirk of its sender permits as warnings."""
    permission = _PERMISSIONS.get(type(message))
    if permission is None or permission.quirk not in quirks:
        return findings
    return tuple(
        replace(each, severity=Severity.WARNING, text=f"{each.text}; {permission.text}", quirk=permission.quirk.value)
        if each.rule == permission.rule
        else each
        for each in findings
    )


def _turn_ranges_round(message: PEBCPowerConstraints, _: Situation) -> _Repaired | None:
    breaches: list[Breach] = []
    ranges = list(message.allowed_limit_ranges)
    for index, each in enumerate(message.allowed_limit_ranges):
        start, end = each.range_boundary.start_of_range, each.range_boundary.end_of_range
        if start > end:
            ranges[index] = replace(each, range_boundary=NumberRange(start_of_range=end, end_of_range=start))
            where = f"$.allowed_limit_ranges[{index}].range_boundary"
            breaches.append((where, f"start {start:g} should not be above end {end:g}; read from {end:g} to {start:g}"))
    return (replace(message, allowed_limit_ranges=tuple(ranges)), breaches) if breaches else None


def _instruction_by_message_id(message: InstructionStatusUpdate, situation: Situation) -> _Repaired | None:
    if situation.ledger.knows(message.instruction_id):
        return None
    for entry in situation.ledger:
        if entry.instruction.message_id == message.instruction_id:
            text = f"should be the id of the instruction, not its message_id; read as {entry.id}"
            return replace(message, instruction_id=entry.id), [("$.instruction_id", text)]
    return None


@dataclass(frozen=True, slots=True)
class _Repair:
    quirk: Quirk
    rule: str
    apply: Callable[[Any, Situation], _Repaired | None]


@dataclass(frozen=True, slots=True)
class _Permission:
    quirk: Quirk
    rule: str
    text: str


_REPAIRS: Mapping[type[Message], _Repair] = {
    PEBCPowerConstraints: _Repair(Quirk.REVERSED_LIMIT_RANGE, "R-17", _turn_ranges_round),
    InstructionStatusUpdate: _Repair(Quirk.MESSAGE_ID_AS_INSTRUCTION_ID, "R-35", _instruction_by_message_id),
}

_PERMISSIONS: Mapping[type[Message], _Permission] = {
    FRBCLeakageBehaviour: _Permission(Quirk.UNDECLARED_LEAKAGE, "R-124", "taken all the same"),
}
