"""Reading other people's JSON: each value with its place, so that what is wrong can be named. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cem_service.feeds.sdk.errors import Malformed

# Beyond any price in EUR/MWh, any power in W and any moment in seconds.
_LARGEST = 1e12
# Beyond these arithmetic with dates would fail, and no provider means them.
_YEARS = range(2000, 2200)


@dataclass(frozen=True, slots=True)
class Place:
    """A value of a document and the path to it. All that reads raises Malformed with the path."""

    value: Any
    path: str = "answer"

    @classmethod
    def of(cls, body: bytes) -> Place:
        """The document as a whole. Raises Malformed."""
        try:
            return cls(json.loads(body))
        except (ValueError, RecursionError):
            raise Malformed("answer", "is not JSON") from None

    def __truediv__(self, name: str) -> Place:
        """The member of that name, which may be missing; then its value is None."""
        if not isinstance(self.value, dict):
            raise self.malformed("should be an object")
        return Place(self.value.get(name), name if self.path == "answer" else f"{self.path}.{name}")

    def items(self) -> Iterator[Place]:
        if not isinstance(self.value, list):
            raise self.malformed("should be a list")
        for index, value in enumerate(self.value):
            yield Place(value, f"{self.path}[{index}]")

    def number(self) -> float:
        value = self.value
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _LARGEST:
            raise self.malformed("should be a number")
        return float(value)

    def number_or_none(self) -> float | None:
        return None if self.value is None else self.number()

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.malformed("should be text")
        return self.value

    def word(self, *allowed: str) -> str:
        """One of these texts."""
        if self.value not in allowed:
            raise self.malformed(f"should be {' or '.join(allowed)}")
        return str(self.value)

    def moment(self) -> datetime:
        """ISO 8601 with its zone, in UTC."""
        try:
            moment = datetime.fromisoformat(self.text())
            aware = moment.tzinfo is not None
        except ValueError:
            aware = False
        if not aware:
            raise self.malformed("should be a time with its zone, such as 2026-04-21T10:00Z")
        return self._of_our_times(moment)

    def epoch(self) -> datetime:
        """Seconds since 1970, in UTC."""
        try:
            return self._of_our_times(datetime.fromtimestamp(self.number(), UTC))
        except (ValueError, OverflowError, OSError):
            raise self.malformed("should be a time in seconds since 1970") from None

    def _of_our_times(self, moment: datetime) -> datetime:
        if moment.year not in _YEARS:
            raise self.malformed(f"should be a time from {_YEARS.start} to {_YEARS.stop}")
        return moment.astimezone(UTC)

    def malformed(self, problem: str) -> Malformed:
        return Malformed(self.path, problem)


def finite(number: float, field: str) -> float:
    """Raises Malformed."""
    if not math.isfinite(number) or abs(number) >= _LARGEST:
        raise Malformed(field, "should be a number")
    return number
