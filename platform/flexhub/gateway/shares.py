"""Which process takes which link, worked out by each of them alone: rendezvous hashing. Pure.

Every process weighs a link for each process that lives, and the heaviest has it. Whoever sees the same processes sees
the same owner, nobody has to be elected, and when a process comes or goes only its own links move.
"""

from __future__ import annotations

from collections.abc import Collection
from hashlib import blake2b
from uuid import UUID


class Shares:
    """The owners of links among the processes last seen; each is worked out once a view."""

    __slots__ = ("_owners", "_processes")

    def __init__(self) -> None:
        self._processes: frozenset[str] = frozenset()
        self._owners: dict[UUID, str] = {}

    def see(self, processes: Collection[str]) -> None:
        """These live now."""
        living = frozenset(processes)
        if living != self._processes:
            self._processes = living
            self._owners.clear()

    def owner(self, key: UUID) -> str | None:
        """None while no process lives."""
        if not self._processes:
            return None
        found = self._owners.get(key)
        if found is None:
            found = self._owners[key] = owner(key, self._processes)
        return found

    def forget_all_but(self, keys: Collection[UUID]) -> None:
        """Let go of links that are gone, so that the memory follows the links there are."""
        if len(self._owners) > len(keys):
            self._owners = {key: process for key, process in self._owners.items() if key in keys}


def owner(key: UUID, processes: Collection[str]) -> str:
    """The process that the link belongs to. Raises ValueError where there is none."""
    return max(processes, key=lambda process: (_weight(key, process), process))


def _weight(key: UUID, process: str) -> bytes:
    return blake2b(process.encode() + key.bytes, digest_size=8).digest()
