"""A bounded memory of texts in eight bytes each.

A session must recognise a repeated message or instruction id, and there are thousands of sessions in a process: a
dict of the last 256 message ids would take more memory than everything else that a session holds. So only 64-bit
hashes are kept, in one ring. Python salts string hashes per process, so a peer cannot aim at a collision, and an
accidental one has a chance of about 1 in 10^16 per message.
"""

from __future__ import annotations

_WIDTH = 8


class RecentKeys:
    """The last `capacity` texts, as hashes. Grows with use, so that an idle session costs nothing."""

    __slots__ = ("_capacity", "_next", "_ring")

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._next = 0
        self._ring = bytearray()

    def __len__(self) -> int:
        return len(self._ring) // _WIDTH

    def add(self, text: str) -> int:
        """Remember the text and return its slot; the oldest text loses its slot once all are taken."""
        slot = self._next
        self._ring[slot * _WIDTH : (slot + 1) * _WIDTH] = _key(text)
        self._next = (slot + 1) % self._capacity
        return slot

    def find(self, text: str) -> int | None:
        """The slot of the text, or None."""
        key = _key(text)
        position = self._ring.find(key)
        while position % _WIDTH and position != -1:
            position = self._ring.find(key, position + 1)
        return None if position == -1 else position // _WIDTH


def _key(text: str) -> bytes:
    return hash(text).to_bytes(_WIDTH, "little", signed=True)
