"""How fast one peer may send. Pure: the time is passed in, as seconds of a clock that never runs backwards.

Two buckets. From the first, which has the size and the rate of the device's type, each message takes a token; without
one it is put off. The second is several times as large and as fast, and put-off messages take from it too: a peer that
empties it does not listen to TEMPORARY_ERROR, and its connection ends.

Real time, also where the hub's clock runs faster, because it is a real machine that is protected.
"""

from __future__ import annotations

from enum import Enum, auto

# A peer may go on at this multiple of its pace for ever; it gets nothing out of it, and costs us little.
FLOOD_FACTOR = 5
# The least that a peer may send beyond its pace before it is cut off, as a time at that multiple.
FLOOD_S = 10


class Verdict(Enum):
    """What a message means for the peer's standing. Only the first that is over, after a quiet time, is EXCEEDED."""

    WITHIN = auto()
    EXCEEDED = auto()
    STILL_EXCEEDED = auto()
    FLOODING = auto()


class Bucket:
    """Holds `size` tokens at most and regains `per_s` of them each second."""

    __slots__ = ("_at_s", "_missing", "_per_s", "size")

    def __init__(self, per_s: float, size: float) -> None:
        self.size = size
        self._per_s = per_s
        self._missing = 0.0
        self._at_s = 0.0

    def retune(self, per_s: float, size: float, now_s: float) -> None:
        """Another rate and size from now on. What is missing stays so, up to the whole of it."""
        self._missing = min(self._missing_at(now_s), size)
        self._at_s = now_s
        self._per_s, self.size = per_s, size

    def left(self, now_s: float) -> float:
        """The tokens that are there now."""
        return self.size - self._missing_at(now_s)

    def take(self, now_s: float) -> None:
        """Take one, which must be there."""
        self._missing = self._missing_at(now_s) + 1
        self._at_s = now_s

    def give(self, number: float) -> None:
        """Put back so many; what does not fit is lost."""
        self._missing = max(0.0, self._missing - number)

    def _missing_at(self, now_s: float) -> float:
        return max(0.0, self._missing - (now_s - self._at_s) * self._per_s)


class Pace:
    """One peer's standing. Ask `allows` before a message is read, and `count` it once it is known that it counts."""

    __slots__ = ("_flood", "_messages", "_over")

    def __init__(self, messages_per_s: float, burst: float) -> None:
        self._messages = Bucket(messages_per_s, burst)
        self._flood = Bucket(FLOOD_FACTOR * messages_per_s, _patience(messages_per_s, burst))
        self._over = False

    def retune(self, messages_per_s: float, burst: float, now_s: float) -> None:
        """Another pace from now on."""
        self._messages.retune(messages_per_s, burst, now_s)
        self._flood.retune(FLOOD_FACTOR * messages_per_s, _patience(messages_per_s, burst), now_s)

    def rests(self, now_s: float) -> bool:
        """Whether nothing is held against the peer any more."""
        return self._messages.left(now_s) >= self._messages.size and self._flood.left(now_s) >= self._flood.size

    def forgive(self, number: float) -> None:
        """So many messages that were sent all the same no longer count as flooding."""
        self._flood.give(number)

    def allows(self, now_s: float) -> bool:
        return self._messages.left(now_s) >= 1

    def count(self, now_s: float) -> Verdict:
        """Take in that a message came at `now_s`."""
        if self._flood.left(now_s) < 1:
            return Verdict.FLOODING
        self._flood.take(now_s)
        left = self._messages.left(now_s)
        if left >= 1:
            self._messages.take(now_s)
            # At the very edge every other message would fit; that is still one excess, and is told once.
            self._over = self._over and left < self._messages.size / 2
            return Verdict.WITHIN
        if self._over:
            return Verdict.STILL_EXCEEDED
        self._over = True
        return Verdict.EXCEEDED


def _patience(messages_per_s: float, burst: float) -> float:
    return FLOOD_FACTOR * max(burst, FLOOD_S * messages_per_s)
