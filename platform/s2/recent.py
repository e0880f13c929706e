"""A bounded memory of texts in a dozen bytes each.

A session must recognise a repeated message or instruction id, and there are thousands of sessions in a process: a
dict of the last 256 message ids would take more memory than everything else that a session holds. So only 64-bit
hashes are kept, in one ring. Python salts string hashes per process, so a peer cannot aim at a collision, and an
accidental one has a chance of about 1 in 10^16 per message.

Every message is looked up, so that must be quick: the hashes of one bucket form a chain through the ring, newest first.
"""

from __future__ import annotations

from array import array

#: As many buckets as a session remembers messages, so that a chain rarely has more than two links.
_BUCKETS = 256
_NOBODY = -1


class RecentKeys:
    """The last `capacity` texts (below 2**15), as hashes. Grows with use, so that an idle session costs nothing."""

    __slots__ = ("_capacity", "_hashes", "_newest", "_next", "_older")

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._next = 0
        self._hashes = array("q")
        #: For each slot the one before it in the same bucket; for each bucket the newest slot.
        self._older = array("h")
        self._newest = array("h")

    def __len__(self) -> int:
        return len(self._hashes)

    def add(self, text: str) -> int:
        """Remember the text and return its slot; the oldest text loses its slot once all are taken."""
        key, slot = hash(text), self._next
        if not self._newest:
            self._newest = array("h", [_NOBODY]) * _BUCKETS
        bucket = key % _BUCKETS
        if len(self._hashes) == self._capacity:
            self._forget(slot)
            self._hashes[slot], self._older[slot] = key, self._newest[bucket]
        else:
            self._hashes.append(key)
            self._older.append(self._newest[bucket])
        self._newest[bucket] = slot
        self._next = (slot + 1) % self._capacity
        return slot

    def find(self, text: str) -> int | None:
        """The slot of the text, or None."""
        key = hash(text)
        slot = self._newest[key % _BUCKETS] if self._newest else _NOBODY
        while slot != _NOBODY:
            if self._hashes[slot] == key:
                return slot
            slot = self._older[slot]
        return None

    def _forget(self, slot: int) -> None:
        """Take the oldest text out of its chain, of which it is the last link."""
        bucket = self._hashes[slot] % _BUCKETS
        newer = self._newest[bucket]
        if newer == slot:
            self._newest[bucket] = _NOBODY
            return
        while self._older[newer] != slot:
            newer = self._older[newer]
        self._older[newer] = _NOBODY
