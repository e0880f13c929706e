"""A conversation under one control type that tells the findings on each thing said, in simulated time."""

from __future__ import annotations

from typing import Any

from s2.findings import Finding, errors_of
from s2.messages import EnergyManagementRole
from s2.rules import RULES
from tests.support.s2_sessions import at, conversation, message

Utterance = tuple[EnergyManagementRole, str, dict[str, Any]]


class JudgedTalk:
    """What is said is judged and, unless it is to be answered INVALID_CONTENT, taken in."""

    def __init__(self, family: str) -> None:
        self.conversation = conversation(family)

    def findings(self, utterance: Utterance, after_s: float = 0) -> tuple[Finding, ...]:
        sender, message_type, changes = utterance
        said, now = message(message_type, **changes), at(after_s)
        findings = self.conversation.judge(said, sender, now)
        if all(RULES[each.rule].rejected_by_update for each in errors_of(findings)):
            self.conversation.apply(said, sender, now, findings)
        return findings

    def says(self, utterance: Utterance, after_s: float = 0) -> set[str]:
        """The rules that it breaks."""
        return {finding.rule for finding in self.findings(utterance, after_s)}


def found(family: str, *utterances: Utterance) -> set[str]:
    """The rules that the last utterance breaks, at the same moment as all others."""
    talk = JudgedTalk(family)
    *before, last = utterances
    for each in before:
        talk.findings(each)
    return talk.says(last)
