"""What could not be read, stored or delivered, set aside: it is not lost, and holds up nothing that comes after it.

There is one bounded stream for the whole hub, and a count of all that ever went in. An entry may hold anybody's data,
so it is for the platform's own staff only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from flexhub.bus.streams import log_text

PoisonSource = Literal["inbox", "ledger", "mail", "telemetry"]

# A reason is for people; a database's may quote a whole row.
REASON_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Poison:
    """One message set aside. `at` is when, by Redis' clock; `text` is cut to 8 KiB."""

    id: str
    source: str
    reason: str
    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class PoisonReport:
    """`waiting` lie there now, `ever` went in since Redis was last empty. `entries` are the newest of them."""

    waiting: int
    ever: int
    entries: tuple[Poison, ...]


def reason_of(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def within_limits(source: PoisonSource, reason: str, text: str) -> tuple[str, str, str]:
    """As it is stored: cut, and free of what UTF-8 cannot carry."""
    return source, log_text(reason[:REASON_LIMIT]), log_text(text)


def read_poison(entry_id: str, fields: Mapping[str, str]) -> Poison:
    at = datetime.fromtimestamp(int(entry_id.partition("-")[0]) / 1000, UTC)
    return Poison(entry_id, fields["source"], fields["reason"], at, fields["text"])
