"""A finding is one broken rule: which rule, how bad, where, and what would be right.

Findings are what a manufacturer sees of our judgement, so the text says what would be right, not only what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

#: A diagnostic label is for a person's eyes; a longer one only costs the peer memory.
LABEL_LIMIT = 240


class Severity(StrEnum):
    """ERROR: the message has no effect. WARNING: it is taken as it is, and the breach is recorded."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule, with the message and the JSON path it was found at (`$` is the message itself).

    `quirk` names the allowance for this peer that let the message pass all the same (see `s2.strictness`).
    """

    rule: str
    severity: Severity
    text: str
    path: str = "$"
    message_id: str | None = None
    message_type: str | None = None
    quirk: str | None = None

    @property
    def label(self) -> str:
        """The finding as the short text of a ReceptionStatus."""
        where = "" if self.path in ("", "$") else f" at {self.path}"
        return shortened(f"{self.rule}{where}: {self.text}")

    def as_dict(self) -> dict[str, str | None]:
        return {
            "rule": self.rule,
            "severity": self.severity.value,
            "text": self.text,
            "path": self.path,
            "message_id": self.message_id,
            "message_type": self.message_type,
            "quirk": self.quirk,
        }


def errors_of(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding.severity is Severity.ERROR)


def warnings_of(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding.severity is Severity.WARNING)


def shortened(text: str) -> str:
    return text if len(text) <= LABEL_LIMIT else text[: LABEL_LIMIT - 1] + "…"
