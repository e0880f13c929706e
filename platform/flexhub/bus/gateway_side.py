"""The gateway's side over Redis: three connections, for writes, for the directory, and for waiting on the inbox."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from flexhub.bus import keys, scripts
from flexhub.bus.batch import Batch, BatchResult, Forward, LinkWrites
from flexhub.bus.batch_replies import refused, sort_forwards, sort_links, sort_mail
from flexhub.bus.directory import SeatAddress, SeatInfo, seat_to_fields
from flexhub.bus.envelope import Envelope, envelope_from_text, envelope_to_text
from flexhub.bus.errors import BusUnavailable
from flexhub.bus.opening import open_line, open_shared_line
from flexhub.bus.poison import PoisonSource, reason_of, within_limits
from flexhub.bus.ports import LEASE_TTL_S, LEDGER_LIMIT, TELEMETRY_LIMIT, WAKE_TTL_S
from flexhub.bus.scripts import Command
from flexhub.bus.streams import ROWS_PER_ENTRY, entry_after
from flexhub.bus.use import TenantUse, UseReport, use_from_text, use_to_text

logger = logging.getLogger(__name__)

# Longer than a lease, so that a process which only just renews in time still finds what was sent to it meanwhile.
INBOX_TTL_MS = 60_000
# Seats cleaned up per round trip: large enough to be quick, small enough not to hold Redis up.
SWEEP_CHUNK = 500
# Seats looked up per round trip, for the same reasons.
SEATS_CHUNK = 500
CLOSE_REASON = "A newer connection took over."


class RedisGatewayBus:
    """Implements `ports.GatewayBus`. One per process and event loop."""

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = 5.0,
        lease_ttl_s: float = LEASE_TTL_S,
        telemetry_limit: int = TELEMETRY_LIMIT,
        ledger_limit: int = LEDGER_LIMIT,
    ) -> None:
        self._writes = open_line(url, timeout_s=timeout_s)
        self._directory = open_shared_line(url, timeout_s=timeout_s)
        self._reads = open_line(url, timeout_s=timeout_s)
        self._lease_ttl_s = lease_ttl_s
        self._telemetry_limit = telemetry_limit
        self._ledger_limit = ledger_limit
        self._process_id = self._incarnation = ""
        self._renewals_lost = 0
        self._retired = False
        self._read_up_to = "0-0"
        self._held: dict[UUID, int] = {}
        # Whose claims were not answered: they may have taken effect all the same.
        self._doubtful: set[UUID] = set()

    # -- The lease ---------------------------------------------------------------------------------------------------

    @property
    def process(self) -> str:
        return self._incarnation

    async def register(self, process_id: str) -> None:
        self._process_id, self._renewals_lost = process_id, 0
        await self._open(process_id)

    async def renew(self) -> bool:
        inbox = keys.inbox(self._incarnation)
        living, inbox_there, dead = await self._directory.exchange(
            [
                scripts.RENEW.call([keys.PROCESSES], self._incarnation, self._lease_ttl_s),
                ("PEXPIRE", inbox, INBOX_TTL_MS),
                scripts.TAKE_DEAD.call([keys.PROCESSES, keys.SWEEPING]),
            ]
        )
        if isinstance(dead, bytes):
            await self._sweep(dead.decode())
        if living and inbox_there:
            await self._give_up_unknown()
            return True
        self._renewals_lost += 1
        logger.warning("lease lost: process %s registers anew and must claim its seats again", self._process_id)
        await self._open(f"{self._process_id}.{self._renewals_lost}")
        return False

    async def unregister(self) -> None:
        await self._sweep(self._incarnation)

    async def close(self) -> None:
        for line in (self._writes, self._directory, self._reads):
            await line.close()

    async def _open(self, incarnation: str) -> None:
        await self._directory.exchange(
            [
                scripts.OPEN_INBOX.call([keys.inbox(incarnation)], INBOX_TTL_MS),
                *([_retire(incarnation)] if self._retired else []),
            ],
            then=[scripts.REGISTER.call([keys.PROCESSES], incarnation, self._lease_ttl_s)],
        )
        self._incarnation, self._read_up_to = incarnation, "0-0"
        self._held.clear()
        self._doubtful.clear()

    async def _sweep(self, process: str) -> None:
        """Remove every trace of a process that no longer runs. May be repeated, or done by two at once."""
        (members,) = await self._directory.exchange([("SMEMBERS", keys.links(process))])
        links = [UUID(member.decode()) for member in cast(list[bytes], members)]
        for start in range(0, len(links), SWEEP_CHUNK):
            chunk = links[start : start + SWEEP_CHUNK]
            await self._directory.exchange([scripts.EVICT.call(keys.link_keys(link), process) for link in chunk])
        # The directory last: what it does not name any more, nobody cleans up.
        await self._directory.exchange(
            [("DEL", keys.links(process), keys.inbox(process))],
            then=[
                ("SREM", keys.RETIRING, process),
                ("HDEL", keys.USE, process),
                ("ZREM", keys.PROCESSES, process),
                ("ZREM", keys.SWEEPING, process),
            ],
        )

    # -- Seats -------------------------------------------------------------------------------------------------------

    async def claim_seat(self, info: SeatInfo) -> int:
        link_id = info.link_id
        token: int | None = None
        # From here on a release of the session before this one must not touch the set of links.
        before = self._held.pop(link_id, None)
        try:
            token, former = await self._claim(info)
            self._held[link_id] = token
            if former is not None:
                close = Envelope(link_id, "close", CLOSE_REASON, token=former.token)
                await self._directory.exchange(
                    [scripts.OFFER.call([keys.inbox(former.process)], envelope_to_text(close))]
                )
        except BaseException:
            self._doubtful.add(link_id)
            if self._held.get(link_id) == token:
                self._held.pop(link_id, None)
            if before is not None:
                self._held.setdefault(link_id, before)
            raise
        return token

    async def _claim(self, info: SeatInfo) -> tuple[int, SeatAddress | None]:
        """The token, and whose seat it was where that is another process."""
        process, link_id = self._incarnation, info.link_id
        fields = [part for pair in seat_to_fields(info).items() for part in pair]
        # The set first: a member without a seat is harmless, a seat that no sweeper finds would stay for ever.
        _, claimed = await self._directory.exchange(
            [("SADD", keys.links(process), str(link_id))],
            then=[scripts.CLAIM.call(keys.link_keys(link_id), process, *fields)],
        )
        if process != self._incarnation:
            # The lease ended while this claim waited for its turn; the seat went to a process that lives no more.
            raise BusUnavailable("the lease ended during the claim")
        token, former, old_token = (part.decode() for part in cast(list[bytes], claimed))
        if former in ("", process):
            return int(token), None
        return int(token), SeatAddress(link_id, former, int(old_token))

    async def _give_up_unknown(self) -> None:
        """Release the seats that unanswered claims have taken: nobody speaks there, and others find them occupied."""
        doubtful = list(self._doubtful)
        for start in range(0, len(doubtful), SEATS_CHUNK):
            chunk = doubtful[start : start + SEATS_CHUNK]
            seats = await self._addresses(chunk)
            unknown = [
                scripts.RELEASE.call(keys.link_keys(link_id), seat.token)
                for link_id, seat in seats.items()
                if seat.process == self._incarnation and seat.token != self._held.get(link_id)
            ]
            if unknown:
                await self._directory.exchange(unknown)
            self._doubtful.difference_update(chunk)

    async def release_seat(self, link_id: UUID, token: int) -> bool:
        if self._held.get(link_id) != token:
            return False
        # The set last, for the same reason.
        released, _ = await self._directory.exchange(
            [scripts.RELEASE.call(keys.link_keys(link_id), token)],
            then=[("SREM", keys.links(self._incarnation), str(link_id))],
        )
        self._held.pop(link_id, None)
        return bool(released)

    async def find_seat(self, end_id: UUID) -> SeatAddress | None:
        (seat,) = await self._directory.exchange([("HMGET", keys.link_keys(end_id).seat, "process", "token")])
        process, token = cast(list[bytes | None], seat)
        if process is None or token is None:
            return None
        (lives,) = await self._directory.exchange([scripts.LIVES.call([keys.PROCESSES], process)])
        return SeatAddress(end_id, process.decode(), int(token)) if lives else None

    async def find_seats(self, end_ids: Sequence[UUID]) -> dict[UUID, SeatAddress]:
        found: dict[UUID, SeatAddress] = {}
        for start in range(0, len(end_ids), SEATS_CHUNK):
            found |= await self._addresses(end_ids[start : start + SEATS_CHUNK])
        living = await self.living() if found else frozenset()
        return {each: seat for each, seat in found.items() if seat.process in living}

    async def _addresses(self, end_ids: Sequence[UUID]) -> dict[UUID, SeatAddress]:
        """The seats of these ends, whether their processes live or not."""
        wanted: list[Command] = [("HMGET", keys.link_keys(each).seat, "process", "token") for each in end_ids]
        seats = cast(list[list[bytes | None]], await self._directory.exchange(wanted))
        return {
            each: SeatAddress(each, process.decode(), int(token))
            for each, (process, token) in zip(end_ids, seats, strict=True)
            if process is not None and token is not None
        }

    async def living(self) -> frozenset[str]:
        (processes,) = await self._directory.exchange([scripts.LIVING.call([keys.PROCESSES])])
        return frozenset(process.decode() for process in cast(list[bytes], processes))

    async def retire(self) -> None:
        self._retired = True
        await self._directory.exchange([_retire(self._incarnation)])

    async def staying(self) -> frozenset[str]:
        (retiring,) = await self._directory.exchange([("SMEMBERS", keys.RETIRING)])
        return await self.living() - {process.decode() for process in cast(list[bytes], retiring)}

    async def tell_use(self, use: Mapping[UUID, TenantUse]) -> list[UseReport]:
        (told,) = await self._directory.exchange(
            [scripts.USE.call([keys.PROCESSES, keys.USE], self._incarnation, use_to_text(use))]
        )
        return [use_from_text(text) for text in cast(list[bytes], told)]

    # -- The inbox ---------------------------------------------------------------------------------------------------

    async def read_inbox(self, block_ms: int, count: int = 256) -> list[Envelope]:
        incarnation, up_to = self._incarnation, self._read_up_to
        inbox = keys.inbox(incarnation)
        block: Command = ("BLOCK", block_ms) if block_ms > 0 else ()
        replies = await self._reads.exchange(
            [
                ("XTRIM", inbox, "MINID", entry_after(up_to)),
                ("XREAD", "COUNT", count, *block, "STREAMS", inbox, up_to),
            ],
            wait_s=block_ms / 1000,
        )
        if not replies[1] or incarnation != self._incarnation:
            return []
        entries = cast(Any, replies[1])[0][1]
        envelopes, unreadable = _envelopes(entries)
        if unreadable:
            # Before they count as read: should it fail, the next call finds all of them again.
            await self._reads.exchange(unreadable)
        self._read_up_to = entries[-1][0].decode()
        return envelopes

    # -- What workers do ---------------------------------------------------------------------------------------------

    async def last_looks(self, site_ids: Sequence[UUID]) -> list[str | None]:
        found: list[str | None] = []
        for start in range(0, len(site_ids), SEATS_CHUNK):
            asked: list[Command] = [("GET", keys.looked(each)) for each in site_ids[start : start + SEATS_CHUNK]]
            looks = cast(list[bytes | None], await self._directory.exchange(asked))
            found += (None if look is None else look.decode() for look in looks)
        return found

    async def set_aside(self, source: PoisonSource, reason: str, text: str) -> None:
        await self._directory.exchange([_aside(source, reason, text)])

    # -- The batch ---------------------------------------------------------------------------------------------------

    async def write(self, batch: Batch) -> BatchResult:
        telemetry, ledger = _chunks(batch.telemetry_rows), _chunks(batch.ledger_rows)
        parcels = _by_process(batch.forwards)
        commands = [_offer(process, forwards) for process, forwards in parcels.items()]
        commands += [_fold(link_id, writes) for link_id, writes in batch.links.items()]
        mail = [(end_id, writes) for end_id, writes in batch.links.items() if writes.mail is not None]
        commands += [_post(end_id, writes) for end_id, writes in mail]
        commands += [_append(keys.TELEMETRY, self._telemetry_limit, rows) for rows in telemetry]
        commands += [_append(keys.LEDGER, self._ledger_limit, rows) for rows in ledger]
        # Last, or a task that is just beginning could clear its flag and read what was there before the folds.
        wakes = [(wake, _flag(name)) for name, wake in batch.all_wakes()]
        if not commands and not wakes:
            return BatchResult()
        uncertain, batch.uncertain = batch.uncertain, True
        replies = iter(await self._writes.exchange(commands, then=[flag for _, flag in wakes]))
        batch.uncertain = False
        result = BatchResult()
        sort_forwards(parcels, replies, result)
        sort_links(batch, replies, result)
        sort_mail([end_id for end_id, _ in mail], replies, result)
        refused_telemetry, refused_ledger = refused(telemetry, replies), refused(ledger, replies)
        result.telemetry_full, result.ledger_full = bool(refused_telemetry), bool(refused_ledger)
        result.leftover.keep_rows(refused_telemetry, refused_ledger)
        result.woken += [wake for (wake, _), flagged in zip(wakes, replies, strict=True) if flagged or uncertain]
        return result


def _retire(process: str) -> Command:
    return ("SADD", keys.RETIRING, process)


def _by_process(forwards: Sequence[Forward]) -> dict[str, list[Forward]]:
    """All that one inbox gets arrives at once, so that its reader wakes up once."""
    parcels: dict[str, list[Forward]] = {}
    for forward in forwards:
        parcels.setdefault(forward.process, []).append(forward)
    return parcels


def _offer(process: str, forwards: Sequence[Forward]) -> Command:
    return scripts.OFFER.call([keys.inbox(process)], *[envelope_to_text(each.envelope) for each in forwards])


def _fold(link_id: UUID, writes: LinkWrites) -> Command:
    deletes: list[str] = []
    pairs: list[str] = []
    for name, text in writes.fields.items():
        if text is None:
            deletes.append(name)
        else:
            pairs += (name, text)
    return (
        "EVALSHA",
        scripts.FOLD.sha,
        4,
        *keys.link_keys(link_id),
        writes.token,
        len(writes.prefixes),
        len(deletes),
        len(pairs) // 2,
        *writes.prefixes,
        *deletes,
        *pairs,
        *writes.log,
    )


def _post(end_id: UUID, writes: LinkWrites) -> Command:
    return scripts.POST.call(keys.mail_keys(end_id), writes.token, *(writes.mail or ()))


def _flag(name: UUID) -> Command:
    return ("SET", keys.wake(name), 1, "NX", "EX", WAKE_TTL_S)


def _aside(source: PoisonSource, reason: str, text: str) -> Command:
    return scripts.SET_ASIDE.call(keys.POISON, *within_limits(source, reason, text))


def _append(stream: keys.StreamKeys, limit: int, rows: Sequence[str]) -> Command:
    return scripts.APPEND.call(stream, limit, len(rows), "\n".join(rows))


def _chunks(rows: Sequence[str]) -> list[Sequence[str]]:
    return [rows[start : start + ROWS_PER_ENTRY] for start in range(0, len(rows), ROWS_PER_ENTRY)]


def _envelopes(entries: Sequence[tuple[bytes, Sequence[bytes]]]) -> tuple[list[Envelope], list[Command]]:
    """The envelopes, and what sets aside the entries that are none."""
    envelopes: list[Envelope] = []
    unreadable: list[Command] = []
    for entry_id, parts in entries:
        try:
            name, text = parts
            if name != b"envelope":
                raise KeyError("envelope")
            envelopes.append(envelope_from_text(text.decode()))
        except (KeyError, ValueError) as error:
            logger.exception("inbox entry %s cannot be read and is set aside", entry_id.decode())
            shown = b" ".join(parts).decode("utf-8", "replace")
            unreadable.append(_aside("inbox", reason_of(error), shown))
    return envelopes, unreadable
