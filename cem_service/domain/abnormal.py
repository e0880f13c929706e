"""What a resource keeps for abnormal conditions, made usable while there is one (R-38).

S2 marks modes, transitions, limit ranges and sequences as `abnormal_condition_only`. Every reader of a description
leaves those out. In an emergency that somebody has declared, the same readers are given the description without the
marks, and every instruction says that it is one during an abnormal condition.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from cem_service.domain.decision import Decision
from s2.messages import Message

_MARK = "abnormal_condition_only"

T = TypeVar("T")


def without_marks(messages: Iterable[Message]) -> list[Message]:
    """The same messages, with nothing kept back."""
    return [_unmarked(message) for message in messages]


def as_abnormal(decisions: Sequence[Decision]) -> list[Decision]:
    """The same decisions, each instruction saying that it is for an abnormal condition (R-40)."""
    return [replace(each, message=replace(each.message, abnormal_condition=True)) for each in decisions]


def _unmarked(part: T) -> T:
    """`part` itself where there is no mark in it, so that most messages are not copied."""
    if not is_dataclass(part) or isinstance(part, type):
        return part
    changed: dict[str, Any] = {}
    for field in fields(part):
        value = getattr(part, field.name)
        if field.name == _MARK:
            new: Any = False
        elif isinstance(value, tuple):
            parts = tuple(_unmarked(each) for each in value)
            new = value if all(one is other for one, other in zip(parts, value, strict=True)) else parts
        else:
            new = _unmarked(value)
        if new is not value:
            changed[field.name] = new
    return replace(part, **changed) if changed else part
