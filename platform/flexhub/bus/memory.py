"""Both sides of the bus in one process, without Redis: the same promises, kept by a lock instead of scripts.

The buses of one test or one program share a `MemoryStore`, which is what Redis is to the other implementation.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

from flexhub.bus.batch import Batch, BatchResult
from flexhub.bus.directory import SeatAddress, SeatInfo, SeatRecord
from flexhub.bus.envelope import Envelope, PublishResult
from flexhub.bus.mail import Mailbag
from flexhub.bus.memory_store import Inbox, Log, MemoryStore, Rows
from flexhub.bus.memory_writes import append, fold, post
from flexhub.bus.meter import MeterReading
from flexhub.bus.poison import PoisonReport, PoisonSource
from flexhub.bus.ports import (
    LEASE_TTL_S,
    LOG_LENGTH,
    POISON_LIMIT,
    WAKE_TTL_S,
)
from flexhub.bus.site_lock import SiteLock
from flexhub.bus.snapshot import CONTROL_TYPE_FIELD, PROFILE_FIELD, RELEASED_FIELD, Snapshot, moment_of
from flexhub.bus.streams import (
    Delivery,
    LedgerRow,
    LogEntry,
    Row,
    TelemetryRow,
    decode_ledger,
    decode_rows,
    decode_telemetry,
    encode_telemetry,
)
from flexhub.bus.use import TenantUse, UseReport, total_use, use_to_text
from s2.versions import WireProfile

RECLAIM_AFTER_S = 30.0
CLOSE_REASON = "A newer connection took over."


class MemoryGatewayBus:
    """Implements `ports.GatewayBus`."""

    def __init__(self, store: MemoryStore, *, lease_ttl_s: float = LEASE_TTL_S) -> None:
        self._store = store
        self._lease_ttl_s = lease_ttl_s
        self._process_id = self._incarnation = ""
        self._renewals_lost = 0
        self._retired = False

    @property
    def process(self) -> str:
        return self._incarnation

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
            self._store.inboxes[incarnation] = Inbox()
            if self._retired:
                self._store.retiring.add(incarnation)
        self._incarnation = incarnation

    async def claim_seat(self, info: SeatInfo) -> int:
        with self._store.lock:
            link, before = self._store.link(info.link_id), self._store.link(info.link_id).seat
            link.fence = next(self._store.numbers)
            link.seat, link.posted = SeatRecord(info, self._incarnation, link.fence), 0
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

    async def find_seat(self, end_id: UUID) -> SeatAddress | None:
        with self._store.lock:
            seat = self._store.seat(end_id)
            return SeatAddress(end_id, seat.process, seat.token) if seat else None

    async def find_seats(self, end_ids: Sequence[UUID]) -> dict[UUID, SeatAddress]:
        seats = {each: await self.find_seat(each) for each in end_ids}
        return {each: seat for each, seat in seats.items() if seat is not None}

    async def living(self) -> frozenset[str]:
        with self._store.lock:
            return frozenset(process for process in self._store.leases if self._store.lives(process))

    async def retire(self) -> None:
        with self._store.lock:
            self._retired = True
            self._store.retiring.add(self._incarnation)

    async def staying(self) -> frozenset[str]:
        return await self.living() - self._store.retiring

    async def tell_use(self, use: Mapping[UUID, TenantUse]) -> list[UseReport]:
        with self._store.lock:
            if self._store.lives(self._incarnation):
                self._store.use[self._incarnation] = use_to_text(use)
            return self._store.reports(but=self._incarnation)

    async def read_inbox(self, block_ms: int, count: int = 256) -> list[Envelope]:
        arrived = asyncio.Event()
        loop = asyncio.get_running_loop()
        with self._store.lock:
            inbox = self._store.inboxes.get(self._incarnation, Inbox())
            for _ in range(inbox.read):
                inbox.envelopes.popleft()
            inbox.read = 0
            inbox.arrived = lambda: loop.call_soon_threadsafe(arrived.set)
        if not inbox.envelopes and block_ms > 0:
            try:
                # Not wait_for, which in Python 3.11 may swallow a cancellation.
                async with asyncio.timeout(block_ms / 1000):
                    await arrived.wait()
            except TimeoutError:
                return []
        with self._store.lock:
            found = list(itertools.islice(inbox.envelopes, count))
            inbox.read, inbox.arrived = len(found), None
            return found

    async def last_looks(self, site_ids: Sequence[UUID]) -> list[str | None]:
        with self._store.lock:
            return [self._store.looks.get(each) for each in site_ids]

    async def set_aside(self, source: PoisonSource, reason: str, text: str) -> None:
        with self._store.lock:
            self._store.shelf.put(source, reason, text)

    async def write(self, batch: Batch) -> BatchResult:
        result = BatchResult()
        with self._store.lock:
            for forward in batch.forwards:
                outcome = self._store.offer(forward.process, forward.envelope)
                if outcome is not PublishResult.DELIVERED:
                    result.undelivered.append((forward, outcome))
            for link_id, writes in batch.links.items():
                fold(self._store.link(link_id), link_id, writes, result)
                if writes.mail is not None:
                    post(self._store, link_id, writes.token, writes.mail, result)
            result.telemetry_full = append(self._store, self._store.telemetry, batch.telemetry_rows)
            result.ledger_full = append(self._store, self._store.ledger, batch.ledger_rows)
            for name, wake in batch.all_wakes():
                if self._store.set_flag("wake", name, WAKE_TTL_S):
                    result.woken.append(wake)
        result.leftover.keep_rows(
            batch.telemetry_rows if result.telemetry_full else [], batch.ledger_rows if result.ledger_full else []
        )
        return result


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

    def publish_all(self, envelopes: Sequence[Envelope]) -> list[PublishResult]:
        return [self.publish(envelope.link_id, envelope) for envelope in envelopes]

    def sessions(self) -> list[SeatRecord]:
        with self._store.lock:
            self._store.sweep()
            found = [
                replace(
                    link.seat,
                    profile=link.snapshot.get(PROFILE_FIELD),
                    control_type=link.snapshot.get(CONTROL_TYPE_FIELD),
                    released_at=moment_of(link.snapshot.get(RELEASED_FIELD)),
                )
                for link in self._store.links.values()
                if link.seat
            ]
        return sorted(found, key=lambda record: (record.info.name, str(record.info.link_id)))

    def snapshots(self, link_ids: Iterable[UUID]) -> dict[UUID, Snapshot | None]:
        with self._store.lock:
            return {link_id: self._snapshot(link_id) for link_id in link_ids}

    def look(self, site_id: UUID, link_ids: Iterable[UUID]) -> tuple[dict[UUID, Snapshot | None], MeterReading | None]:
        with self._store.lock:
            return self.snapshots(link_ids), self.meter(site_id)

    def _snapshot(self, link_id: UUID) -> Snapshot | None:
        seat = self._store.seat(link_id)
        return Snapshot(link_id, seat.token, dict(self._store.link(link_id).snapshot)) if seat else None

    def conversation(self, link_id: UUID, count: int = LOG_LENGTH) -> list[LogEntry]:
        with self._store.lock:
            return self._store.link(link_id).log.newest(count)

    def mail(self, end_id: UUID, after: str = "", count: int = 100) -> Mailbag:
        with self._store.lock:
            seat, link = self._store.seat(end_id), self._store.link(end_id)
            later = [letter for letter in link.mail if not after or _number(letter.id) > _number(after)]
            letters = tuple(later[:count])
            if seat is None:
                return Mailbag(None, None, letters)
            profile = link.snapshot.get(PROFILE_FIELD)
            return Mailbag(seat.token, WireProfile.of(profile) if profile else None, letters)

    def report_meter(self, site_id: UUID, latest: MeterReading, rows: Sequence[TelemetryRow]) -> bool:
        with self._store.lock:
            if append(self._store, self._store.telemetry, list(map(encode_telemetry, rows))):
                return False
            before = self._store.meters.get(site_id)
            if before is None or before.at < latest.at:
                self._store.meters[site_id] = latest
            return True

    def meter(self, site_id: UUID) -> MeterReading | None:
        with self._store.lock:
            return self._store.meters.get(site_id)

    def forget(self, ids: Iterable[UUID]) -> None:
        with self._store.lock:
            for each in ids:
                link = self._store.link(each)
                link.seat, link.mail, link.log = None, [], Log()
                link.snapshot.clear()
                self._store.meters.pop(each, None)

    def drop_mail(self, end_id: UUID, up_to: str) -> None:
        with self._store.lock:
            link = self._store.link(end_id)
            link.mail = [letter for letter in link.mail if _number(letter.id) > _number(up_to)]

    def tenant_use(self) -> dict[UUID, TenantUse]:
        with self._store.lock:
            return total_use(self._store.reports())

    def request_wake(self, site_id: UUID) -> bool:
        with self._store.lock:
            return self._store.set_flag("wake", site_id, WAKE_TTL_S) is not None

    def end_wake(self, site_id: UUID) -> None:
        with self._store.lock:
            self._store.clear_flag("wake", site_id)

    @contextmanager
    def site_lock(self, site_id: UUID, ttl_s: float) -> Iterator[SiteLock]:
        with self._store.lock:
            awaited = self._store.clear_flag("wake", site_id)
            mine = self._store.set_flag("lock", site_id, ttl_s)
            lock = SiteLock(mine is not None, awaited, self._store.looks.get(site_id))
        try:
            yield lock
        finally:
            with self._store.lock:
                if mine is not None and lock.looked:
                    self._store.looks[site_id] = str(mine)
                if mine is not None and self._store.flags.get(("lock", site_id), (0.0, 0))[1] == mine:
                    del self._store.flags["lock", site_id]

    def last_look(self, site_id: UUID) -> str | None:
        with self._store.lock:
            return self._store.looks.get(site_id)

    def take_telemetry(self, count: int = 500) -> Delivery[TelemetryRow]:
        return self._take(self._store.telemetry, count, decode_telemetry)

    def confirm_telemetry(self, delivery: Delivery[TelemetryRow]) -> None:
        self._confirm("telemetry", self._store.telemetry, delivery)

    def take_ledger(self, count: int = 500) -> Delivery[LedgerRow]:
        return self._take(self._store.ledger, count, decode_ledger)

    def confirm_ledger(self, delivery: Delivery[LedgerRow]) -> None:
        self._confirm("ledger", self._store.ledger, delivery)

    def set_aside(self, source: PoisonSource, reason: str, text: str) -> None:
        with self._store.lock:
            self._store.shelf.put(source, reason, text)

    def poison(self, count: int = POISON_LIMIT) -> PoisonReport:
        with self._store.lock:
            return self._store.shelf.report(count)

    def discard_poison(self, entry_ids: Sequence[str]) -> int:
        with self._store.lock:
            return self._store.shelf.discard(entry_ids)

    def _take(self, rows: Rows, count: int, decode: Callable[[str], Row]) -> Delivery[Row]:
        with self._store.lock:
            now = self._store.seconds()
            free = [name for name in rows.entries if rows.taken.get(name, -RECLAIM_AFTER_S) + RECLAIM_AFTER_S <= now]
            chosen = free[:count]
            rows.taken.update(dict.fromkeys(chosen, now))
            entries = [(name, rows.entries[name]) for name in chosen]
        return decode_rows(entries, decode)

    def _confirm(self, source: PoisonSource, rows: Rows, delivery: Delivery[Any]) -> None:
        with self._store.lock:
            for reason, line in delivery.unreadable:
                self._store.shelf.put(source, reason, line)
            for name, _ in delivery.receipt:
                rows.entries.pop(name, None)
                rows.taken.pop(name, None)


def _number(entry_id: str) -> int:
    return int(entry_id.partition("-")[0])
