"""Carries what the event loop's turns produced to Redis, in few round trips.

Sessions add to `batch` and go on. One task writes: it takes the whole batch, and while that is on its way the next
one accumulates. What Redis did not take is kept and written again, so nothing that was acknowledged is lost while the
process lives; to keep that bounded, `available` turns False and sessions answer TEMPORARY_ERROR. What it did take is
kept for a while too, as it may come back empty (recent_rows.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog

from flexhub.bus import Batch, BatchResult, BusUnavailable, Forward, GatewayBus, MailRefused
from flexhub.gateway.limits import (
    BACKLOG_LOG_ROWS,
    BACKLOG_ROWS,
    FLUSH_PAUSE_S,
    RECENT_ROWS,
    RECENT_ROWS_S,
    REDIS_RETRY_MAX_S,
    REDIS_RETRY_S,
    WRITTEN_WITHIN_S,
)
from flexhub.gateway.recent_rows import RecentRows

logger = structlog.get_logger(__name__)

OnResult = Callable[[Batch, BatchResult], None]
OnGivenUp = Callable[[Sequence[Forward], Sequence[MailRefused]], None]


class BatchWriter:
    """`on_result` is called with each batch that Redis took.

    `on_given_up` is called with messages that could not be relayed, and with letters that are in no mailbox.

    Both are called in the event loop and must not block.
    """

    def __init__(self, bus: GatewayBus, on_result: OnResult, on_given_up: OnGivenUp = lambda *_: None) -> None:
        self.batch = Batch()
        self._bus = bus
        self._on_result = on_result
        self._on_given_up = on_given_up
        self._flying = Batch()
        self._recent = RecentRows(keep_s=RECENT_ROWS_S, most=RECENT_ROWS)
        self._failing = False
        self._dirty = asyncio.Event()
        # Who waits for `batch` to be taken.
        self._waiting: list[asyncio.Future[None]] = []
        # Set when `batch` was taken, and when those that are on their way were.
        self._written: asyncio.Event | None = None
        self._under_way: list[asyncio.Event] = []

    @property
    def available(self) -> bool:
        """Whether a message may be accepted now."""
        return not self._failing and self._backlog < BACKLOG_ROWS

    @property
    def logs(self) -> bool:
        """Whether there is room for conversation entries; they go before anything that was acknowledged does."""
        return self._backlog < BACKLOG_LOG_ROWS

    def touch(self) -> None:
        """Call after adding to `batch`."""
        self._dirty.set()

    def repeat_recent(self) -> None:
        """Redis may have come back empty: write the rows again that it had before, and nobody may have stored."""
        telemetry, ledger = self._recent.take()
        if telemetry or ledger:
            logger.warning("gateway.rows.repeated", telemetry=len(telemetry), ledger=len(ledger))
            self.batch.keep_rows(telemetry, ledger)
            self.touch()

    def written(self) -> asyncio.Event:
        """As `touch`; it is set once all that was added before is in Redis.

        Or after a second: what Redis does not take in this time is safe here for as long as the process lives, and a
        peer that got no answer would say it all again.
        """
        self.touch()
        if self._written is None:
            self._written = asyncio.Event()
            asyncio.get_running_loop().call_later(WRITTEN_WITHIN_S, self._written.set)
        return self._written

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            self._flying = self._take_batch()
            waiting, self._waiting = self._waiting, []
            await self._deliver()
            for event in self._under_way:
                event.set()
            self._under_way.clear()
            for future in waiting:
                if not future.done():
                    future.set_result(None)
            await asyncio.sleep(FLUSH_PAUSE_S)

    async def drained(self, timeout_s: float) -> bool:
        """Wait until everything that was added before was taken; False when that took too long."""
        taken = asyncio.get_running_loop().create_future()
        self._waiting.append(taken)
        self.touch()
        try:
            # Not wait_for, which in Python 3.11 may swallow the cancellation of the task that waits.
            async with asyncio.timeout(timeout_s):
                await taken
        except TimeoutError:
            return False
        return True

    async def _deliver(self) -> None:
        """Write what is on its way, and what joins it meanwhile, until Redis has all of it."""
        pause = REDIS_RETRY_S
        while True:
            try:
                result = await self._bus.write(self._flying)
            except BusUnavailable as error:
                self._fails(str(error))
                # Kept, they would arrive long after their senders were told to send them again, or to come anew.
                relayed, mail = self._flying.give_up_relayed(), self._flying.give_up_mail()
                if relayed or mail:
                    self._on_given_up(relayed, mail)
            else:
                now_s = asyncio.get_running_loop().time()
                self._recent.add(self._flying.telemetry_rows, self._flying.ledger_rows, now_s)
                self._on_result(self._flying, result)
                self._flying = result.leftover
                if not self._flying:
                    break
                self._fails("a stream is full; are its workers running?")
            await asyncio.sleep(pause)
            pause = min(2 * pause, REDIS_RETRY_MAX_S)
            self._flying.absorb(self._take_batch())
        self._recovers()

    def _take_batch(self) -> Batch:
        taken, self.batch = self.batch, Batch()
        if self._written is not None:
            self._under_way.append(self._written)
            self._written = None
        return taken

    @property
    def _backlog(self) -> int:
        return len(self.batch) + len(self._flying)

    def _fails(self, reason: str) -> None:
        if not self._failing:
            logger.error("gateway.redis.refuses", reason=reason, backlog_rows=self._backlog)
        self._failing = True

    def _recovers(self) -> None:
        if self._failing:
            logger.info("gateway.redis.takes_again", backlog_rows=self._backlog)
        self._failing = False
