"""The workers' side over Redis: blocking, with a small pool of connections that threads share."""

from __future__ import annotations

import logging
import os
import secrets
import socket
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast
from uuid import UUID

from flexhub.bus import keys, scripts
from flexhub.bus.directory import SeatRecord, seat_from_fields
from flexhub.bus.envelope import Envelope, PublishResult, envelope_to_text
from flexhub.bus.errors import BusUnavailable
from flexhub.bus.mail import Letter, Mailbag, letter_from_fields
from flexhub.bus.meter import MeterReading, decode_reading, encode_reading
from flexhub.bus.opening import open_worker_line
from flexhub.bus.poison import PoisonReport, PoisonSource, read_poison, reason_of, within_limits
from flexhub.bus.ports import LOG_LENGTH, LOOKED_TTL_S, POISON_LIMIT, TELEMETRY_LIMIT, WAKE_TTL_S
from flexhub.bus.scripts import Command
from flexhub.bus.site_lock import SiteLock
from flexhub.bus.snapshot import CONTROL_TYPE_FIELD, PROFILE_FIELD, RELEASED_FIELD, Snapshot
from flexhub.bus.streams import (
    Delivery,
    LedgerRow,
    LogEntry,
    Row,
    TelemetryRow,
    decode_ledger,
    decode_log,
    decode_rows,
    decode_telemetry,
    encode_telemetry,
    entry_after,
)
from flexhub.bus.use import TenantUse, total_use, use_from_text
from s2.versions import WireProfile

logger = logging.getLogger(__name__)

GROUP = "drain"
# A worker that took rows and said nothing for this long is taken for dead; its rows go to the next who asks.
RECLAIM_AFTER_MS = 30_000
POOL_SIZE = 8
# Seats per round trip when all are listed: a reply of some hundred kilobytes.
PAGE = 1_000


class RedisWorkerBus:
    """Implements `ports.WorkerBus`."""

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = 5.0,
        connections: int = POOL_SIZE,
        reclaim_after_ms: int = RECLAIM_AFTER_MS,
    ) -> None:
        self._line = open_worker_line(url, timeout_s=timeout_s, connections=connections)
        self._reclaim_after_ms = reclaim_after_ms
        self._consumer = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"

    def close(self) -> None:
        self._line.close()

    # -- Seats and what they know ------------------------------------------------------------------------------------

    def publish(self, link_id: UUID, envelope: Envelope) -> PublishResult:
        (result,) = self.publish_all([replace(envelope, link_id=link_id)])
        return result

    def publish_all(self, envelopes: Sequence[Envelope]) -> list[PublishResult]:
        links = list(dict.fromkeys(envelope.link_id for envelope in envelopes))
        *seats, living = self._line.exchange(
            [*(("HMGET", keys.link_keys(link_id).seat, "process", "token") for link_id in links), _LIVING]
        )
        seat_of = dict(zip(links, seats, strict=True))
        parcels: dict[str, list[int]] = {}
        for place, envelope in enumerate(envelopes):
            process, token = seat_of[envelope.link_id]
            if process is not None and process in living and envelope.token in (None, int(token)):
                parcels.setdefault(process, []).append(place)
        addressed = [replace(each, token=int(seat_of[each.link_id][1] or 0)) for each in envelopes]
        taken = self._line.exchange(
            [
                scripts.OFFER.call([keys.inbox(process)], *(envelope_to_text(addressed[place]) for place in places))
                for process, places in parcels.items()
            ]
        )
        return _results(len(envelopes), parcels.values(), taken)

    def sessions(self) -> list[SeatRecord]:
        dead, processes = self._line.exchange([scripts.TAKE_DEAD.call([keys.PROCESSES, keys.SWEEPING]), _LIVING])
        if dead is not None:
            self._sweep(dead)
        living = sorted(processes)
        members = self._line.exchange([("SMEMBERS", keys.links(process)) for process in living])
        found: list[SeatRecord] = []
        for process, links in zip(living, members, strict=True):
            ordered = sorted(links)
            for start in range(0, len(ordered), PAGE):
                found += self._seats(process, ordered[start : start + PAGE])
        return sorted(found, key=lambda record: (record.info.name, str(record.info.link_id)))

    def snapshots(self, link_ids: Iterable[UUID]) -> dict[UUID, Snapshot | None]:
        wanted = list(dict.fromkeys(link_ids))
        *replies, living = self._line.exchange([*_asking(wanted), _LIVING])
        return _snapshots(wanted, replies, living)

    def look(self, site_id: UUID, link_ids: Iterable[UUID]) -> tuple[dict[UUID, Snapshot | None], MeterReading | None]:
        wanted = list(dict.fromkeys(link_ids))
        *replies, living, reading = self._line.exchange([*_asking(wanted), _LIVING, _meter(site_id)])
        return _snapshots(wanted, replies, living), _reading(reading)

    def conversation(self, link_id: UUID, count: int = LOG_LENGTH) -> list[LogEntry]:
        (entries,) = self._line.exchange([("XREVRANGE", keys.link_keys(link_id).log, "+", "-", "COUNT", count)])
        return [decode_log(fields) for _, fields in entries]

    def mail(self, end_id: UUID, after: str = "", count: int = 100) -> Mailbag:
        link, mail = keys.link_keys(end_id), keys.mail_keys(end_id).mail
        # The letters first, so that none of them is newer than the session which is shown.
        entries, (process, token), profile, living = self._line.exchange(
            [
                ("XRANGE", mail, f"({after}" if after else "-", "+", "COUNT", count),
                ("HMGET", link.seat, "process", "token"),
                ("HGET", link.snapshot, PROFILE_FIELD),
                _LIVING,
            ]
        )
        letters = tuple(self._letters(mail, entries))
        if process not in living:
            return Mailbag(None, None, letters)
        return Mailbag(int(token), WireProfile.of(profile) if profile else None, letters)

    def report_meter(self, site_id: UUID, latest: MeterReading, rows: Sequence[TelemetryRow]) -> bool:
        lines = "\n".join(map(encode_telemetry, rows))
        (taken,) = self._line.exchange([scripts.APPEND.call(keys.TELEMETRY, TELEMETRY_LIMIT, len(rows), lines)])
        if taken:
            at_ms = round(latest.at.timestamp() * 1000)
            self._line.exchange([scripts.READ_METER.call([keys.meter(site_id)], at_ms, encode_reading(latest))])
        return bool(taken)

    def meter(self, site_id: UUID) -> MeterReading | None:
        (text,) = self._line.exchange([_meter(site_id)])
        return _reading(text)

    def forget(self, ids: Iterable[UUID]) -> None:
        commands: list[Command] = []
        for each in ids:
            link = keys.link_keys(each)
            # The fence stays its day: it is a number, and what refuses a writer that comes late.
            commands.append(("DEL", link.seat, link.snapshot, link.log, keys.mail_keys(each).mail, keys.meter(each)))
        for start in range(0, len(commands), PAGE):
            self._line.exchange(commands[start : start + PAGE])

    def drop_mail(self, end_id: UUID, up_to: str) -> None:
        self._line.exchange([("XTRIM", keys.mail_keys(end_id).mail, "MINID", entry_after(up_to))])

    def _letters(self, mail: str, entries: Sequence[tuple[str, Mapping[str, str]]]) -> Iterator[Letter]:
        for entry_id, fields in entries:
            try:
                yield letter_from_fields(entry_id, fields)
            except (KeyError, ValueError) as error:
                logger.exception("letter %s of %s cannot be read and is set aside", entry_id, mail)
                aside = _aside("mail", reason_of(error), " ".join(fields.values()))
                self._line.exchange([aside], then=[("XDEL", mail, entry_id)])

    def _seats(self, process: str, links: Sequence[str]) -> Iterator[SeatRecord]:
        commands: list[Command] = []
        for link in links:
            link_keys = keys.link_keys(UUID(link))
            commands += (
                ("HGETALL", link_keys.seat),
                ("HMGET", link_keys.snapshot, PROFILE_FIELD, CONTROL_TYPE_FIELD, RELEASED_FIELD),
            )
        replies = self._line.exchange(commands)
        for fields, settled in zip(replies[::2], replies[1::2], strict=True):
            # A link that moved on is still in the set of the process it left, until that notices.
            if fields.get("process") == process:
                yield seat_from_fields(fields, *settled)

    def _sweep(self, process: str) -> None:
        """Remove every trace of a process that no longer runs. May be repeated, or done by two at once."""
        (members,) = self._line.exchange([("SMEMBERS", keys.links(process))])
        links = [UUID(member) for member in members]
        for start in range(0, len(links), PAGE):
            chunk = links[start : start + PAGE]
            self._line.exchange([scripts.EVICT.call(keys.link_keys(link), process) for link in chunk])
        # The directory last: what it does not name any more, nobody cleans up.
        self._line.exchange(
            [("DEL", keys.links(process), keys.inbox(process))],
            then=[
                ("SREM", keys.RETIRING, process),
                ("HDEL", keys.USE, process),
                ("ZREM", keys.PROCESSES, process),
                ("ZREM", keys.SWEEPING, process),
            ],
        )

    def tenant_use(self) -> dict[UUID, TenantUse]:
        (told,) = self._line.exchange([scripts.USE.call([keys.PROCESSES, keys.USE], "", "")])
        return total_use(map(use_from_text, told))

    # -- Wakes and locks ---------------------------------------------------------------------------------------------

    def request_wake(self, site_id: UUID) -> bool:
        (flagged,) = self._line.exchange([("SET", keys.wake(site_id), 1, "NX", "EX", WAKE_TTL_S)])
        return bool(flagged)

    def end_wake(self, site_id: UUID) -> None:
        self._line.exchange([("DEL", keys.wake(site_id))])

    @contextmanager
    def site_lock(self, site_id: UUID, ttl_s: float) -> Iterator[SiteLock]:
        token = secrets.token_hex(16)
        awaited, ours, last_look = self._line.exchange(
            [
                ("DEL", keys.wake(site_id)),
                ("SET", keys.lock(site_id), token, "NX", "PX", int(ttl_s * 1000)),
                ("GET", keys.looked(site_id)),
            ]
        )
        lock = SiteLock(bool(ours), bool(awaited), last_look)
        try:
            yield lock
        finally:
            if ours:
                self._unlock(site_id, token, looked=lock.looked)

    def last_look(self, site_id: UUID) -> str | None:
        (mark,) = self._line.exchange([("GET", keys.looked(site_id))])
        return cast(str | None, mark)

    def _unlock(self, site_id: UUID, token: str, *, looked: bool) -> None:
        # The mark first: whoever takes the lock next has to see it.
        mark: list[Command] = [("SET", keys.looked(site_id), token, "EX", LOOKED_TTL_S)] if looked else []
        try:
            self._line.exchange([*mark, scripts.UNLOCK.call([keys.lock(site_id)], token)])
        except BusUnavailable:
            # The work under the lock is done, and the lock ends by itself: nothing that the caller should fail for.
            logger.warning("lock of site %s could not be given back and will time out", site_id)

    # -- Streams of rows ---------------------------------------------------------------------------------------------

    def take_telemetry(self, count: int = 500) -> Delivery[TelemetryRow]:
        return self._take(keys.TELEMETRY, count, decode_telemetry)

    def confirm_telemetry(self, delivery: Delivery[TelemetryRow]) -> None:
        self._confirm("telemetry", keys.TELEMETRY, delivery)

    def take_ledger(self, count: int = 500) -> Delivery[LedgerRow]:
        return self._take(keys.LEDGER, count, decode_ledger)

    def confirm_ledger(self, delivery: Delivery[LedgerRow]) -> None:
        self._confirm("ledger", keys.LEDGER, delivery)

    def _take(self, stream: keys.StreamKeys, count: int, decode: Callable[[str], Row]) -> Delivery[Row]:
        try:
            entries = self._entries(stream.stream, count)
        except BusUnavailable as error:
            if "NOGROUP" not in str(error):
                raise
            # The first take ever, or the first after Redis was restarted empty.
            self._create_group(stream.stream)
            entries = self._entries(stream.stream, count)
        return decode_rows([(entry_id, fields.get("rows", "")) for entry_id, fields in entries], decode)

    def _entries(self, stream: str, count: int) -> list[tuple[str, Mapping[str, str]]]:
        claimed, fresh = self._line.exchange(
            [
                ("XAUTOCLAIM", stream, GROUP, self._consumer, self._reclaim_after_ms, "0-0", "COUNT", count),
                ("XREADGROUP", "GROUP", GROUP, self._consumer, "COUNT", count, "STREAMS", stream, ">"),
            ]
        )
        # Redis 6.2 reports an entry that was deleted meanwhile as (None, None).
        entries = [entry for entry in claimed[1] if entry[0] is not None]
        entries += fresh[0][1] if fresh else []
        return cast(list[tuple[str, Mapping[str, str]]], entries)

    def _create_group(self, stream: str) -> None:
        try:
            self._line.exchange([("XGROUP CREATE", stream, GROUP, "0", "MKSTREAM")])
        except BusUnavailable as error:
            if "BUSYGROUP" not in str(error):
                raise

    def _confirm(self, source: PoisonSource, stream: keys.StreamKeys, delivery: Delivery[Any]) -> None:
        if delivery.receipt:
            parts = [part for entry in delivery.receipt for part in entry]
            aside = [_aside(source, reason, line) for reason, line in delivery.unreadable]
            self._line.exchange(aside, then=[scripts.CONFIRM.call(stream, GROUP, *parts)])

    # -- What is set aside -------------------------------------------------------------------------------------------

    def set_aside(self, source: PoisonSource, reason: str, text: str) -> None:
        self._line.exchange([_aside(source, reason, text)])

    def poison(self, count: int = POISON_LIMIT) -> PoisonReport:
        stream, ever = keys.POISON
        waiting, ever_count, entries = self._line.exchange(
            [("XLEN", stream), ("GET", ever), ("XREVRANGE", stream, "+", "-", "COUNT", count)]
        )
        return PoisonReport(waiting, int(ever_count or 0), tuple(read_poison(*entry) for entry in entries))

    def discard_poison(self, entry_ids: Sequence[str]) -> int:
        return sum(self._line.exchange([("XDEL", keys.POISON[0], entry_id) for entry_id in entry_ids]))


def _asking(link_ids: Iterable[UUID]) -> Iterator[Command]:
    """Two commands for each link: who has its seat, and what was said there."""
    for link_id in link_ids:
        link = keys.link_keys(link_id)
        yield "HMGET", link.seat, "process", "token"
        yield "HGETALL", link.snapshot


def _snapshots(
    link_ids: Sequence[UUID], replies: Sequence[Any], living: Collection[str]
) -> dict[UUID, Snapshot | None]:
    return {
        link_id: Snapshot(link_id, int(token), texts) if process in living else None
        for link_id, (process, token), texts in zip(link_ids, replies[::2], replies[1::2], strict=True)
    }


def _meter(site_id: UUID) -> Command:
    return "HGET", keys.meter(site_id), "reading"


def _reading(text: str | None) -> MeterReading | None:
    return None if text is None else decode_reading(text)


def _results(number: int, parcels: Iterable[Sequence[int]], taken: Sequence[int]) -> list[PublishResult]:
    """Of so many envelopes, where the inboxes have taken the first ones of each parcel, or do not exist."""
    results = [PublishResult.NO_SEAT] * number
    for places, count in zip(parcels, taken, strict=True):
        if count != scripts.NO_INBOX:
            for index, place in enumerate(places):
                results[place] = PublishResult.DELIVERED if index < count else PublishResult.FULL
    return results


def _aside(source: PoisonSource, reason: str, text: str) -> Command:
    return scripts.SET_ASIDE.call(keys.POISON, *within_limits(source, reason, text))


# Which processes live is a question of Redis' clock, so it is asked along with every question about seats.
_LIVING: Command = scripts.LIVING.call([keys.PROCESSES])
