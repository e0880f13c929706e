"""How strictly a peer's messages are judged. What we send ourselves is judged strictly in any case.

A strict session refuses what breaks a rule. A lenient one takes in what does no harm: rules that soften become
warnings, and unknown keys are skipped. A quirk is one known habit of a product that a session understands on top of
that, switched on by name for a device type. Nothing of this is silent: whatever is taken all the same is a finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice
from types import MappingProxyType

from s2.findings import Finding, Severity
from s2.messages import Message
from s2.messages.wire import parse_known_keys
from s2.rules import RULES
from s2.rules.registry import MOST_PER_RULE
from s2.versions import WireProfile


class Quirk(StrEnum):
    """A habit of a product by the name under which it is switched on. How each is understood, `s2.quirks` says."""

    REVERSED_LIMIT_RANGE = "reversed-limit-range"
    MESSAGE_ID_AS_INSTRUCTION_ID = "message-id-as-instruction-id"
    UNDECLARED_LEAKAGE = "undeclared-leakage"


#: What a product with this habit does, and what is made of it.
QUIRK_TEXTS: Mapping[Quirk, str] = MappingProxyType(
    {
        Quirk.REVERSED_LIMIT_RANGE: "Range boundaries of PEBC limits run downwards; they are turned round.",
        Quirk.MESSAGE_ID_AS_INSTRUCTION_ID: (
            "Instruction status updates name the message_id of the instruction; it is found by that."
        ),
        Quirk.UNDECLARED_LEAKAGE: "FRBC leakage is sent although the storage declares none; it is taken.",
    }
)


#: A faulty text is read a second time only up to this many characters: it costs more than the first time did.
REREADING_LIMIT = 256 * 1024


@dataclass(frozen=True, slots=True)
class Strictness:
    """The allowances for one peer."""

    lenient: bool = False
    quirks: frozenset[Quirk] = frozenset()

    def rereads(self, text: str) -> bool:
        """Whether a text that breaks the schema is looked at again, for unknown keys as its only fault."""
        return self.lenient and len(text) <= REREADING_LIMIT

    def softened(self, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        """The findings as they count against this peer."""
        if not self.lenient:
            return findings
        return tuple(
            replace(each, severity=Severity.WARNING) if RULES[each.rule].softens else each for each in findings
        )


STRICT = Strictness()


def quirks_named(names: Iterable[str]) -> frozenset[Quirk]:
    """The quirks of these names; a name that is not known here, as of a later version, has no effect."""
    known = frozenset(names)
    return frozenset(quirk for quirk in Quirk if quirk.value in known)


def read_leniently(text: str, profile: WireProfile) -> tuple[Message, tuple[Finding, ...]]:
    """The message in a text whose only fault are unknown keys, with a warning for each of the first ones (R-09).

    Raises InvalidData or InvalidMessage, which then tells of a fault other than those.
    """
    message, unknown = parse_known_keys(text, profile)
    message_id = getattr(message, "message_id", None)
    findings = tuple(
        Finding(rule, Severity.WARNING, "unknown key; skipped", path, message_id, message.message_type)
        for rule, path in islice(unknown, MOST_PER_RULE)
    )
    return message, findings
