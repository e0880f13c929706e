"""What the in-memory buses share: the same state that Redis holds for the real ones, kept by a lock.

Thread-safe, so that blocking worker code may run beside the event loop.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import RLock
from uuid import UUID

from flexhub.bus.directory import SeatRecord
from flexhub.bus.envelope import Envelope, PublishResult
from flexhub.bus.mail import Letter
from flexhub.bus.meter import MeterReading
from flexhub.bus.poison import Poison, PoisonReport, PoisonSource, within_limits
from flexhub.bus.ports import INBOX_LIMIT, LEDGER_LIMIT, LOG_BYTES, LOG_LENGTH, POISON_LIMIT, TELEMETRY_LIMIT
from flexhub.bus.streams import LogEntry
from flexhub.bus.use import UseReport, use_from_text


class Log:
    """A conversation, each entry with the number of bytes that were logged before it."""

    def __init__(self) -> None:
        self._entries: deque[tuple[int, LogEntry]] = deque(maxlen=LOG_LENGTH)
        self._taken = 0

    def append(self, entry: LogEntry, size: int) -> None:
        self._entries.append((self._taken, entry))
        self._taken += size
        while self._entries[0][0] < self._taken - LOG_BYTES:
            self._entries.popleft()

    def newest(self, count: int) -> list[LogEntry]:
        return [entry for _, entry in itertools.islice(reversed(self._entries), count)]


@dataclass(slots=True)
class LinkState:
    seat: SeatRecord | None = None
    fence: int = 0
    posted: int = 0
    mail: list[Letter] = field(default_factory=list)
    snapshot: dict[str, str] = field(default_factory=dict)
    log: Log = field(default_factory=Log)


@dataclass(slots=True)
class Inbox:
    """Envelopes that are waiting or not yet confirmed by the next read, and who to call when one arrives."""

    envelopes: deque[Envelope] = field(default_factory=deque)
    read: int = 0
    arrived: Callable[[], object] | None = None


@dataclass(slots=True)
class Rows:
    """A stream of lines; `taken` remembers when an entry was handed out."""

    limit: int
    entries: dict[str, str] = field(default_factory=dict)
    taken: dict[str, float] = field(default_factory=dict)


class Shelf:
    """What was set aside."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._entries: deque[Poison] = deque(maxlen=POISON_LIMIT)
        self._ever = 0

    def put(self, source: PoisonSource, reason: str, text: str) -> None:
        self._ever += 1
        at = datetime.fromtimestamp(self._seconds(), UTC)
        kept, why, what = within_limits(source, reason, text)
        self._entries.append(Poison(f"{self._ever}-0", kept, why, at, what))

    def report(self, count: int) -> PoisonReport:
        newest = tuple(itertools.islice(reversed(self._entries), count))
        return PoisonReport(len(self._entries), self._ever, newest)

    def discard(self, entry_ids: Sequence[str]) -> int:
        gone = [entry for entry in self._entries if entry.id in entry_ids]
        for entry in gone:
            self._entries.remove(entry)
        return len(gone)


class MemoryStore:
    """The state that the buses share. `seconds` drives leases, wakes, locks and redelivery, and may be a test's."""

    def __init__(
        self,
        seconds: Callable[[], float] = time.monotonic,
        *,
        telemetry_limit: int = TELEMETRY_LIMIT,
        ledger_limit: int = LEDGER_LIMIT,
    ) -> None:
        self.seconds = seconds
        self.lock = RLock()
        self.leases: dict[str, float] = {}
        self.retiring: set[str] = set()
        self.use: dict[str, str] = {}
        self.inboxes: dict[str, Inbox] = {}
        self.links: dict[UUID, LinkState] = {}
        self.meters: dict[UUID, MeterReading] = {}
        self.looks: dict[UUID, str] = {}
        self.flags: dict[tuple[str, UUID], tuple[float, int]] = {}
        self.telemetry = Rows(telemetry_limit)
        self.ledger = Rows(ledger_limit)
        self.shelf = Shelf(seconds)
        self.numbers = itertools.count(1)

    def restart_empty(self) -> None:
        """Forget everything, as Redis without persistence does. Tokens go on growing, as they do there."""
        with self.lock:
            directory = (self.leases, self.retiring, self.use, self.inboxes, self.links)
            for state in (*directory, self.flags, self.meters, self.looks):
                state.clear()
            for rows in (self.telemetry, self.ledger):
                rows.entries.clear()
                rows.taken.clear()
            self.shelf = Shelf(self.seconds)

    def link(self, link_id: UUID) -> LinkState:
        return self.links.setdefault(link_id, LinkState())

    def lives(self, process: str) -> bool:
        return self.leases.get(process, 0.0) > self.seconds()

    def reports(self, but: str = "") -> list[UseReport]:
        """What the living processes told, save that one."""
        living = [process for process in self.leases if self.lives(process) and process != but]
        return [use_from_text(self.use.get(process, "")) for process in living]

    def seat(self, link_id: UUID) -> SeatRecord | None:
        """The living seat of a link."""
        link = self.links.get(link_id)
        return link.seat if link and link.seat and self.lives(link.seat.process) else None

    def offer(self, process: str, envelope: Envelope) -> PublishResult:
        inbox = self.inboxes.get(process)
        if inbox is None:
            return PublishResult.NO_SEAT
        if len(inbox.envelopes) >= INBOX_LIMIT:
            return PublishResult.FULL
        inbox.envelopes.append(envelope)
        if inbox.arrived:
            inbox.arrived()
        return PublishResult.DELIVERED

    def sweep(self) -> None:
        for process in [process for process in self.leases if not self.lives(process)]:
            self.remove(process)

    def remove(self, process: str) -> None:
        self.leases.pop(process, None)
        self.retiring.discard(process)
        self.use.pop(process, None)
        self.inboxes.pop(process, None)
        for link in self.links.values():
            if link.seat and link.seat.process == process:
                link.seat = None
                link.snapshot.clear()

    def set_flag(self, name: str, site_id: UUID, ttl_s: float) -> int | None:
        """A number that names this setting of the flag, or None if it is set already."""
        ends, _ = self.flags.get((name, site_id), (0.0, 0))
        if ends > self.seconds():
            return None
        number = next(self.numbers)
        self.flags[name, site_id] = (self.seconds() + ttl_s, number)
        return number

    def clear_flag(self, name: str, site_id: UUID) -> bool:
        """Whether it was set."""
        ends, _ = self.flags.pop((name, site_id), (0.0, 0))
        return ends > self.seconds()
