"""Ids that are the same after each start: S2 ids are UUIDs (R-05), vendors' ids are anything."""

from __future__ import annotations

from uuid import UUID, uuid5

_NAMESPACE = UUID("5d0f3f6b-3c5e-4f0e-9b7a-6f2f5e1c7d11")


def stable_id(*parts: str) -> str:
    """The id that stands for these names: the vendor, its key for the device, and what is meant within it."""
    return str(uuid5(_NAMESPACE, "\0".join(parts)))
