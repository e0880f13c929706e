"""Both sides of the bus in one process, without Redis: the same promises, kept by a lock instead of scripts.

`MemoryStore` is what Redis is to the other implementation; the buses of one test or one program share it. Thread-safe,
so that blocking worker code may run beside the event loop.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import RLock
from typing import Any
from uuid import UUID

from flexhub.bus.batch import Batch, BatchResult, LinkWrites, Wake
from flexhub.bus.directory import SeatInfo, SeatRecord
from flexhub.bus.envelope import Envelope, PublishResult
from flexhub.bus.ports import (
    INBOX_LIMIT,
    LEASE_TTL_S,
    LEDGER_LIMIT,
    LOG_LENGTH,
    SNAPSHOT_FIELDS_LIMIT,
    TELEMETRY_LIMIT,
    WAKE_TTL_S,
)
from flexhub.bus.snapshot import CONTROL_TYPE_FIELD, PROFILE_FIELD, Snapshot
from flexhub.bus.streams import (
    Delivery,
    LedgerRow,
    LogEntry,
    Row,
    TelemetryRow,
    decode_findings,
    decode_ledger,
    decode_rows,
    decode_telemetry,
)

RECLAIM_AFTER_S = 30.0
CLOSE_REASON = "A newer connection took over."


@dataclass(slots=True)
class _Link:
    seat: SeatRecord | None = None
    fence: int = 0
    snapshot: dict[str, str] = field(default_factory=dict)
    log: deque[LogEntry] = field(default_factory=lambda: deque(maxlen=LOG_LENGTH))


@dataclass(slots=True)
class _Inbox:
    """Envelopes that are waiting or not yet confirmed by the next read, and who to call when one arrives."""

    envelopes: deque[Envelope] = field(default_factory=deque)
    read: int = 0
    arrived: Callable[[], object] | None = None


@dataclass(slots=True)
class _Rows:
    """A stream of lines; `taken` remembers when an entry was handed out."""

    limit: int
    entries: dict[str, str] = field(default_factory=dict)
    taken: dict[str, float] = field(default_factory=dict)


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
        self.inboxes: dict[str, _Inbox] = {}
        self.links: dict[UUID, _Link] = {}
        self.flags: dict[tuple[str, UUID], tuple[float, int]] = {}
        self.telemetry = _Rows(telemetry_limit)
        self.ledger = _Rows(ledger_limit)
        self.numbers = itertools.count(1)

    def restart_empty(self) -> None:
        """Forget everything, as Redis without persistence does. Tokens go on growing, as they do there."""
        with self.lock:
            for state in (self.leases, self.inboxes, self.links, self.flags):
                state.clear()
            for rows in (self.telemetry, self.ledger):
                rows.entries.clear()
                rows.taken.clear()

    def link(self, link_id: UUID) -> _Link:
        return self.links.setdefault(link_id, _Link())

    def lives(self, process: str) -> bool:
        return self.leases.get(process, 0.0) > self.seconds()

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


class MemoryGatewayBus:
    """Implements `ports.GatewayBus`."""

    def __init__(self, store: MemoryStore, *, lease_ttl_s: float = LEASE_TTL_S) -> None:
        self._store = store
        self._lease_ttl_s = lease_ttl_s
        self._process_id = self._incarnation = ""
        self._renewals_lost = 0

    async def register(self, process_id: str) -> None:
        self._process_id, self._renewals_lost = process_id, 0
        self._open(process_id)

    async def renew(self) -> bool:
        with self._store.lock:
            living = self._store.lives(self._incarnation)
            if living:
                self._store.leases[self._incarnation] = self._store.seconds() + self._lease_ttl_s
            self._store.sweep()
        if not living:
            self._renewals_lost += 1
            self._open(f"{self._process_id}.{self._renewals_lost}")
        return living

    async def unregister(self) -> None:
        with self._store.lock:
            self._store.remove(self._incarnation)

    async def close(self) -> None:
        """Nothing is held open."""

    def _open(self, incarnation: str) -> None:
        with self._store.lock:
            self._store.leases[incarnation] = self._store.seconds() + self._lease_ttl_s
            self._store.inboxes[incarnation] = _Inbox()
        self._incarnation = incarnation

    async def claim_seat(self, info: SeatInfo) -> int:
        with self._store.lock:
            link, before = self._store.link(info.link_id), self._store.link(info.link_id).seat
            link.fence = next(self._store.numbers)
            link.seat = SeatRecord(info, self._incarnation, link.fence)
            link.snapshot.clear()
            if before and before.process != self._incarnation:
                close = Envelope(info.link_id, "close", CLOSE_REASON, token=before.token)
                self._store.offer(before.process, close)
            return link.fence

    async def release_seat(self, link_id: UUID, token: int) -> bool:
        with self._store.lock:
            link = self._store.link(link_id)
            if link.seat is None or link.seat.token != token:
                return False
            link.seat = None
            link.snapshot.clear()
            return True

    async def read_inbox(self, block_ms: int, count: int = 256) -> list[Envelope]:
        arrived = asyncio.Event()
        loop = asyncio.get_running_loop()
        with self._store.lock:
            inbox = self._store.inboxes.get(self._incarnation, _Inbox())
            for _ in range(inbox.read):
                inbox.envelopes.popleft()
            inbox.read = 0
            inbox.arrived = lambda: loop.call_soon_threadsafe(arrived.set)
        if not inbox.envelopes and block_ms > 0:
            try:
                await asyncio.wait_for(arrived.wait(), block_ms / 1000)
            except TimeoutError:
                return []
        with self._store.lock:
            found = list(itertools.islice(inbox.envelopes, count))
            inbox.read, inbox.arrived = len(found), None
            return found

    async def write(self, batch: Batch) -> BatchResult:
        result = BatchResult()
        with self._store.lock:
            for link_id, writes in batch.links.items():
                _fold(self._store.link(link_id), link_id, writes, result)
            result.telemetry_full = _append(self._store, self._store.telemetry, batch.telemetry_rows)
            result.ledger_full = _append(self._store, self._store.ledger, batch.ledger_rows)
            for site_id, tenant_id in batch.wakes.items():
                if self._store.set_flag("wake", site_id, WAKE_TTL_S):
                    result.woken.append(Wake(tenant_id, site_id))
        if result.telemetry_full:
            result.leftover.telemetry_rows += batch.telemetry_rows
        if result.ledger_full:
            result.leftover.ledger_rows += batch.ledger_rows
        result.leftover.size = len(result.leftover.telemetry_rows) + len(result.leftover.ledger_rows)
        return result


def _fold(link: _Link, link_id: UUID, writes: LinkWrites, result: BatchResult) -> None:
    for start in range(0, len(writes.log), 5):
        direction, at, text, status, findings = writes.log[start : start + 5]
        link.log.append(
            LogEntry(
                "sent" if direction == "sent" else "received",
                datetime.fromisoformat(at),
                text,
                status or None,
                decode_findings(findings),
            )
        )
    if link.seat is None and link.fence <= writes.token:
        result.lost.add(link_id)
        return
    if link.seat is None or link.seat.token != writes.token:
        result.fenced.add(link_id)
        return
    for prefix in writes.prefixes:
        for name in [name for name in link.snapshot if name.startswith(prefix)]:
            del link.snapshot[name]
    for name, text_or_none in writes.fields.items():
        if text_or_none is None:
            link.snapshot.pop(name, None)
        elif name in link.snapshot or len(link.snapshot) < SNAPSHOT_FIELDS_LIMIT:
            link.snapshot[name] = text_or_none
        else:
            result.overfull.add(link_id)


def _append(store: MemoryStore, rows: _Rows, lines: list[str]) -> bool:
    """Whether the stream is too full for these lines; then none of them went in."""
    held = sum(text.count("\n") + 1 for text in rows.entries.values()) if rows.entries else 0
    if lines and held + len(lines) > rows.limit:
        return True
    if lines:
        rows.entries[f"{next(store.numbers)}-0"] = "\n".join(lines)
    return False


class MemoryWorkerBus:
    """Implements `ports.WorkerBus`."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def close(self) -> None:
        """Nothing is held open."""

    def publish(self, link_id: UUID, envelope: Envelope) -> PublishResult:
        with self._store.lock:
            seat = self._store.seat(link_id)
            if seat is None or envelope.token not in (None, seat.token):
                return PublishResult.NO_SEAT
            return self._store.offer(seat.process, replace(envelope, link_id=link_id, token=seat.token))

    def sessions(self) -> list[SeatRecord]:
        with self._store.lock:
            self._store.sweep()
            found = [
                replace(
                    link.seat,
                    profile=link.snapshot.get(PROFILE_FIELD),
                    control_type=link.snapshot.get(CONTROL_TYPE_FIELD),
                )
                for link in self._store.links.values()
                if link.seat
            ]
        return sorted(found, key=lambda record: (record.info.name, str(record.info.link_id)))

    def snapshots(self, link_ids: Iterable[UUID]) -> dict[UUID, Snapshot | None]:
        with self._store.lock:
            return {link_id: self._snapshot(link_id) for link_id in link_ids}

    def _snapshot(self, link_id: UUID) -> Snapshot | None:
        seat = self._store.seat(link_id)
        return Snapshot(link_id, seat.token, dict(self._store.link(link_id).snapshot)) if seat else None

    def conversation(self, link_id: UUID, count: int = LOG_LENGTH) -> list[LogEntry]:
        with self._store.lock:
            return list(itertools.islice(reversed(self._store.link(link_id).log), count))

    def request_wake(self, site_id: UUID) -> bool:
        with self._store.lock:
            return self._store.set_flag("wake", site_id, WAKE_TTL_S) is not None

    def begin_wake(self, site_id: UUID) -> None:
        with self._store.lock:
            self._store.flags.pop(("wake", site_id), None)

    @contextmanager
    def site_lock(self, site_id: UUID, ttl_s: float) -> Iterator[bool]:
        with self._store.lock:
            mine = self._store.set_flag("lock", site_id, ttl_s)
        try:
            yield mine is not None
        finally:
            with self._store.lock:
                if mine is not None and self._store.flags.get(("lock", site_id), (0.0, 0))[1] == mine:
                    del self._store.flags["lock", site_id]

    def take_telemetry(self, count: int = 500) -> Delivery[TelemetryRow]:
        return self._take(self._store.telemetry, count, decode_telemetry)

    def confirm_telemetry(self, delivery: Delivery[TelemetryRow]) -> None:
        self._confirm(self._store.telemetry, delivery)

    def take_ledger(self, count: int = 500) -> Delivery[LedgerRow]:
        return self._take(self._store.ledger, count, decode_ledger)

    def confirm_ledger(self, delivery: Delivery[LedgerRow]) -> None:
        self._confirm(self._store.ledger, delivery)

    def _take(self, rows: _Rows, count: int, decode: Callable[[str], Row]) -> Delivery[Row]:
        with self._store.lock:
            now = self._store.seconds()
            free = [name for name in rows.entries if rows.taken.get(name, -RECLAIM_AFTER_S) + RECLAIM_AFTER_S <= now]
            chosen = free[:count]
            rows.taken.update(dict.fromkeys(chosen, now))
            entries = [(name, rows.entries[name]) for name in chosen]
        return decode_rows(entries, decode)

    def _confirm(self, rows: _Rows, delivery: Delivery[Any]) -> None:
        with self._store.lock:
            for name, _ in delivery.receipt:
                rows.entries.pop(name, None)
                rows.taken.pop(name, None)
