"""How a rule is written down, found again and applied.

A rule is data (its number in the catalogue, severity, what it demands in our words, where the standard says so) and,
where one message and the session's memory are enough to judge it, a small function that yields breaches. To add a rule
is to write that one function under `@rule(...)` in the family's file.

Some rules are upheld in other places; they are declared here all the same, so that the catalogue is complete and a
test can demand a case for each: by the models while parsing, or by the session itself. A permission is a rule that says
what must not be refused: its function, under `@permission(...)`, tells where a message makes use of it, and is asked
only when the receiver has refused a message in which nothing is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from itertools import islice
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from s2.findings import Finding, Severity
from s2.ledger import InstructionLedger
from s2.messages import EnergyManagementRole, Message
from s2.resource import ResourceView
from s2.versions import WireProfile

#: Where in the message (a JSON path) and what would be right.
Breach = tuple[str, str]

#: A message of 1 MiB can break a rule in 100,000 places; a person, the log and our time are served by the first ones.
MOST_PER_RULE = 10

Check = Callable[[Any, "Situation"], Iterator[Breach]]
_Check = TypeVar("_Check", bound=Check)


class Upheld(Enum):
    """Where a rule is looked after."""

    BY_CHECK = "check"
    BY_MODELS = "models"
    BY_SESSION = "session"
    BY_PERMITTING = "permission"


class Situation(NamedTuple):
    """What a check may look at besides the message: who sends it when, and what the session remembers.

    `versions` are those we speak, `profile` is the one agreed for this session, None before that. A tuple, because one
    is made for each message, and a frozen dataclass takes three times as long to make.
    """

    now: datetime
    sender: EnergyManagementRole
    resource: ResourceView
    ledger: InstructionLedger
    versions: tuple[WireProfile, ...]
    profile: WireProfile | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the catalogue.

    `needs_session`: the verdict depends on earlier messages, so a lone message cannot be judged by it.
    `rejected_by_update`: an RM acknowledges an instruction that breaks this rule and then rejects it.
    `softens`: towards a lenient peer a breach is a warning, because taking the message in does no harm.
    """

    number: str
    text: str
    source: str
    severity: Severity = Severity.ERROR
    needs_session: bool = False
    upheld: Upheld = Upheld.BY_CHECK
    rejected_by_update: bool = False
    softens: bool = False

    def finding(self, message: Message | None, path: str, text: str) -> Finding:
        message_id = getattr(message, "message_id", None)
        message_type = None if message is None else message.message_type
        return Finding(self.number, self.severity, text, path, message_id, message_type)


_RULES: dict[str, Rule] = {}
_CHECKS: dict[type[Message], tuple[tuple[Rule, Check], ...]] = {}
_PERMISSIONS: dict[type[Message], tuple[tuple[Rule, Check], ...]] = {}

#: The catalogue by rule number.
RULES: Mapping[str, Rule] = MappingProxyType(_RULES)


def declare(rule: Rule) -> Rule:
    """Enter a rule in the catalogue. A number stands for one rule only."""
    if rule.number in _RULES:
        raise ValueError(f"{rule.number} is declared twice")
    _RULES[rule.number] = rule
    return rule


def rule(declared: Rule, *message_classes: type[Message]) -> Callable[[_Check], _Check]:
    """Enter a rule together with the check that judges messages of these classes by it."""
    return _entered(declared, message_classes, _CHECKS)


def permission(declared: Rule, *message_classes: type[Message]) -> Callable[[_Check], _Check]:
    """Enter a permission together with what tells where a message of these classes makes use of it.

    The function yields the place and what the receiver should have accepted.
    """
    return _entered(declared, message_classes, _PERMISSIONS)


def findings_on(message: Message, situation: Situation) -> tuple[Finding, ...]:
    """Judge one message by all rules that have a check for it; of each broken rule the first breaches are told."""
    return _told(_CHECKS, message, situation)


def findings_on_refusal(message: Message, situation: Situation) -> tuple[Finding, ...]:
    """What the receiver of a message overlooked when it refused it, although no rule is broken by it."""
    return _told(_PERMISSIONS, message, situation)


def is_checked(message: Message) -> bool:
    """Whether any rule has a check for this type."""
    return type(message) in _CHECKS


_Table = dict[type[Message], tuple[tuple[Rule, Check], ...]]


def _entered(declared: Rule, message_classes: Iterable[type[Message]], table: _Table) -> Callable[[_Check], _Check]:
    declare(declared)

    def register(check: _Check) -> _Check:
        for message_class in message_classes:
            table[message_class] = (*table.get(message_class, ()), (declared, check))
        return check

    return register


def _told(table: _Table, message: Message, situation: Situation) -> tuple[Finding, ...]:
    found: list[Finding] = []
    for declared, check in table.get(type(message), ()):
        # Nearly always there is no breach, so asking for the first one is all that should cost anything.
        breaches = check(message, situation)
        for first in breaches:
            told = (first, *islice(breaches, MOST_PER_RULE - 1))
            found += [declared.finding(message, path, text) for path, text in told]
            break
    return tuple(found)
