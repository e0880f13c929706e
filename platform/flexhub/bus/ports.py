"""The two sides of the bus as their users see them. Every method may raise BusUnavailable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol
from uuid import UUID

from flexhub.bus.batch import Batch, BatchResult
from flexhub.bus.directory import SeatAddress, SeatInfo, SeatRecord
from flexhub.bus.envelope import Envelope, PublishResult
from flexhub.bus.mail import Mailbag
from flexhub.bus.meter import MeterReading
from flexhub.bus.poison import PoisonReport, PoisonSource
from flexhub.bus.site_lock import SiteLock
from flexhub.bus.snapshot import Snapshot
from flexhub.bus.streams import Delivery, LedgerRow, LogEntry, TelemetryRow
from flexhub.bus.use import TenantUse, UseReport

LEASE_TTL_S = 10.0
WAKE_TTL_S = 30
# What says when a site was looked at; without a look for so long it is as if there had never been one.
LOOKED_TTL_S = 24 * 3600
INBOX_LIMIT = 10_000
LOG_LENGTH = 500
# Of one conversation, about. Ordinary messages have some 300 bytes; large ones take their room from the oldest.
LOG_BYTES = 256 * 1024
# Of one mailbox. A hosted RM takes its mail within seconds; these are what it may miss while its worker is away.
MAIL_LENGTH = 1_000
MAIL_BYTES = 4 * 1024 * 1024
TELEMETRY_LIMIT = 1_000_000
LEDGER_LIMIT = 100_000
SNAPSHOT_FIELDS_LIMIT = 512
POISON_LIMIT = 1_000


class GatewayBus(Protocol):
    """For the one event loop of a gateway process. Leases run on real time."""

    @property
    def process(self) -> str:
        """Our name in the directory, which changes when a lease is lost."""
        ...

    async def register(self, process_id: str) -> None:
        """Take a lease of 10 s and open the inbox. Call before anything else."""
        ...

    async def renew(self) -> bool:
        """Extend the lease; call every 3 s. False: it had ended, and we are registered anew without any seat.

        Then claim every seat again: the old ones are no longer living.
        """
        ...

    async def unregister(self) -> None:
        """Give back all seats and the lease."""
        ...

    async def close(self) -> None:
        """Close the connections; the lease is left to end by itself unless `unregister` came first."""
        ...

    async def claim_seat(self, info: SeatInfo) -> int:
        """Take the seat of a link from whoever has it, with an empty snapshot; returns the fencing token.

        A former owner in another process finds a `close` envelope in its inbox, bearing the token that it had.
        What a claim took that failed or was cancelled half-way is given up by the next `renew`.
        """
        ...

    async def release_seat(self, link_id: UUID, token: int) -> bool:
        """Remove the seat and its snapshot if `token` still owns it; False when it did not."""
        ...

    async def find_seat(self, end_id: UUID) -> SeatAddress | None:
        """Where the living session of this end is; None where there is none."""
        ...

    async def find_seats(self, end_ids: Sequence[UUID]) -> dict[UUID, SeatAddress]:
        """Where the living sessions of these ends are, for thousands at once; those that have none are left out."""
        ...

    async def living(self) -> frozenset[str]:
        """The processes whose lease has not ended, ourselves included."""
        ...

    async def retire(self) -> None:
        """Say that this process is about to end. Its lease and its seats live on until `unregister`."""
        ...

    async def staying(self) -> frozenset[str]:
        """The living processes that are not about to end, ourselves included."""
        ...

    async def tell_use(self, use: Mapping[UUID, TenantUse]) -> list[UseReport]:
        """Say what the tenants use in this process; returns what each of the other living processes said last."""
        ...

    async def read_inbox(self, block_ms: int, count: int = 256) -> list[Envelope]:
        """Wait up to `block_ms` for envelopes. Each call takes what the one before returned as processed."""
        ...

    async def last_looks(self, site_ids: Sequence[UUID]) -> list[str | None]:
        """What tells each site's last look of the CEM from the one before, see `SiteLock`; None without any."""
        ...

    async def set_aside(self, source: PoisonSource, reason: str, text: str) -> None:
        """Put away something that its handler failed for, so that a person can look at it."""
        ...

    async def write(self, batch: Batch) -> BatchResult:
        """Write all of it in one round trip. After BusUnavailable it may be written again."""
        ...


class WorkerBus(Protocol):
    """For Celery tasks and the admin: blocking, safe to share between threads."""

    def publish(self, link_id: UUID, envelope: Envelope) -> PublishResult: ...

    def publish_all(self, envelopes: Sequence[Envelope]) -> list[PublishResult]:
        """Each to the session of its link, those of one link in their order; two round trips for all."""
        ...

    def sessions(self) -> list[SeatRecord]:
        """Every living seat, by name. Cleans up after processes whose lease has ended."""
        ...

    def snapshots(self, link_ids: Iterable[UUID]) -> dict[UUID, Snapshot | None]:
        """The state of each link, None where there is no living seat; one round trip for all."""
        ...

    def look(self, site_id: UUID, link_ids: Iterable[UUID]) -> tuple[dict[UUID, Snapshot | None], MeterReading | None]:
        """`snapshots` of the links and the `meter` of the site, in one round trip."""
        ...

    def conversation(self, link_id: UUID, count: int = LOG_LENGTH) -> list[LogEntry]:
        """The last messages of a link, newest first."""
        ...

    def mail(self, end_id: UUID, after: str = "", count: int = 100) -> Mailbag:
        """The letters after the one of the id `after`, or the oldest ones, and who sits at that end; one round trip."""
        ...

    def report_meter(self, site_id: UUID, latest: MeterReading, rows: Sequence[TelemetryRow]) -> bool:
        """Put `rows`, 200 at most, into the telemetry stream, and the latest reading where `meter` finds it.

        False: the stream is full, and nothing was taken. A reading older than the one there changes nothing.
        """
        ...

    def meter(self, site_id: UUID) -> MeterReading | None:
        """What `report_meter` said last of this site."""
        ...

    def forget(self, ids: Iterable[UUID]) -> None:
        """Delete all that was said at these ends: snapshots, conversations and mail; of sites, what the meter read.

        For ends without a session.
        """
        ...

    def drop_mail(self, end_id: UUID, up_to: str) -> None:
        """Take out the letter of the id `up_to` and all before it: they have had their effect."""
        ...

    def tenant_use(self) -> dict[UUID, TenantUse]:
        """What each tenant uses in all living gateway processes together, as of a second ago."""
        ...

    def request_wake(self, site_id: UUID) -> bool:
        """True when the caller should send the task of the site or hosted node: none was on its way."""
        ...

    def end_wake(self, site_id: UUID) -> None:
        """Clear the flag of a task that was not sent after all."""
        ...

    def site_lock(self, site_id: UUID, ttl_s: float) -> AbstractContextManager[SiteLock]:
        """Try to be the only one at work for a site or node. Ends by itself after `ttl_s`.

        First thing in a task: in the same round trip it clears the flag of `request_wake`, whether the lock is ours or
        not, so that what arrives while the task runs wakes the site or node again.
        """
        ...

    def last_look(self, site_id: UUID) -> str | None:
        """What tells the site's last look of the CEM from the one before, see `SiteLock`; None without any."""
        ...

    def take_telemetry(self, count: int = 500) -> Delivery[TelemetryRow]:
        """Up to `count` stream entries (each up to 200 rows of one loop turn), those that others left behind first."""
        ...

    def confirm_telemetry(self, delivery: Delivery[TelemetryRow]) -> None: ...

    def take_ledger(self, count: int = 500) -> Delivery[LedgerRow]: ...

    def confirm_ledger(self, delivery: Delivery[LedgerRow]) -> None: ...

    def set_aside(self, source: PoisonSource, reason: str, text: str) -> None:
        """Put away something that could not be stored, so that a person can look at it.

        Confirming a delivery does so with the rows of it that could not be read.
        """
        ...

    def poison(self, count: int = POISON_LIMIT) -> PoisonReport:
        """What was set aside, the newest first. It may be anybody's: only for the platform's own staff."""
        ...

    def discard_poison(self, entry_ids: Sequence[str]) -> int:
        """Delete entries that were looked at; returns how many were still there."""
        ...

    def close(self) -> None: ...
