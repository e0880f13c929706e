"""When to speak: instants as S2 writes them, and how often a value is worth a message."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf


def utc(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)


def milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


@dataclass(slots=True)
class Reporting:
    """Report a value every `every_s`, and at once when it has changed by `change`, but not within `gap_s`."""

    every_s: float
    change: float
    gap_s: float = 0.0
    last_s: float = -inf
    last_value: float = inf

    def due(self, at_s: float, value: float) -> bool:
        """Whether to report now; the caller then does."""
        since_s = at_s - self.last_s
        changed = abs(value - self.last_value) >= self.change and since_s >= self.gap_s
        if not changed and since_s < self.every_s:
            return False
        self.last_s, self.last_value = at_s, value
        return True

    def forget(self) -> None:
        """Whatever was reported before, the next question is answered with yes."""
        self.last_s = -inf
