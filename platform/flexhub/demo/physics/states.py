"""Marks which fields of a device are its state, and reads and restores them as plain JSON values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, fields
from typing import Any

Plain = float | int | bool | str | None | list[Any]


def state(default: Any) -> Any:
    """A dataclass field that belongs to the state which survives a restart of the home's process."""
    return field(default=default, metadata={"state": True})


def read_state(device: Any) -> dict[str, Plain]:
    return {each.name: getattr(device, each.name) for each in fields(device) if each.metadata.get("state")}


def restore_state(device: Any, saved: Mapping[str, Plain]) -> None:
    """Put back what `read_state` returned; a field that is missing there keeps its value."""
    for each in fields(device):
        if each.metadata.get("state") and each.name in saved:
            setattr(device, each.name, saved[each.name])
