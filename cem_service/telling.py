"""Stored reasons, told in the language of the reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from cem_service import reader
from cem_service.domain.reason import Reason
from cem_service.models import Instruction, PlanRun
from cem_service.phrases import Language, sentence


def run_in_words(run: PlanRun, language: Language | None = None) -> list[str]:
    """One sentence a reason. As it was stored, in English, for a row of another release or of a plan that failed."""
    told = [_told(reason, run.site.timezone, language) for reason in run.reasons or ()]
    words = [one for one in told if one is not None]
    if words and len(words) == len(told):
        return words
    return [line for line in run.summary.splitlines() if line]


def instruction_in_words(instruction: Instruction, language: Language | None = None) -> str:
    """As above."""
    told = _told(instruction.reason_data, instruction.site.timezone, language)
    return instruction.reason if told is None else told


def reason_in_words(reason: Reason, timezone: str) -> str:
    return sentence(reason, reader.language(), ZoneInfo(timezone))


def _told(data: Mapping[str, Any] | None, timezone: str, language: Language | None) -> str | None:
    """None for what this release cannot read."""
    if data is None:
        return None
    try:
        return sentence(Reason.from_dict(data), language or reader.language(), ZoneInfo(timezone))
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
