"""One gateway process: its lease in Redis, its seats, and the few tasks that serve all of them.

    writer        carries what the sessions produced to Redis (writer.py)
    keeper        renews the lease and keeps the seats ours (keeper.py)
    inbox         reads what workers send and hands it to the sessions
    ticker        lets sessions act whose deadline has passed
    wakes         tells Celery about sites that want attention (wake_sender.py)

Everything runs in one event loop. A task that fails unexpectedly is logged and started again; none of them ends the
process, since the sessions' sockets hang on it.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import structlog

from flexhub.bus import Batch, BatchResult, BusUnavailable, Envelope, GatewayBus, LedgerRow
from flexhub.clock import Clock
from flexhub.gateway import inbox, limits
from flexhub.gateway.deadlines import Deadlines
from flexhub.gateway.handlers import Turn, handle, sent
from flexhub.gateway.keeper import SeatKeeper
from flexhub.gateway.refusals import Send
from flexhub.gateway.seats import Seat, seat_info
from flexhub.gateway.wake_sender import WakeSender
from flexhub.gateway.writer import BatchWriter
from flexhub.pairing.services import NodeIdentity
from s2.errors import LocalProtocolError
from s2.events import Event
from s2.messages import EnergyManagementRole, SessionRequest, SessionRequestType
from s2.session import Session

logger = structlog.get_logger(__name__)


class GatewayProcess:
    """Holds the seats of this process. Methods are called from its event loop only."""

    def __init__(
        self,
        bus: GatewayBus,
        clock: Clock,
        wake_sender: WakeSender,
        *,
        ack_timeout_s: float,
        max_frame_bytes: int,
        drain_s: float = limits.DRAIN_S,
    ) -> None:
        self.clock = clock
        self.max_frame_bytes = max_frame_bytes
        self.seats: dict[UUID, Seat] = {}
        self.writer = BatchWriter(bus, self._on_result)
        self.stopping = False
        self._bus = bus
        self._wake_sender = wake_sender
        self._drain_s = drain_s
        self._ack_timeout = clock.duration_of(ack_timeout_s)
        self._handshake_timeout = clock.duration_of(limits.HANDSHAKE_TIMEOUT_S)
        self._retry_delays = tuple(clock.duration_of(delay_s) for delay_s in limits.RETRY_DELAYS_S)
        self._deadlines: Deadlines[Seat] = Deadlines()
        self._keeper = SeatKeeper(bus, self.seats, self.writer, self._replace)
        self._departed: dict[UUID, UUID] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._starting = asyncio.Lock()
        self._started = False
        self._empty = asyncio.Event()
        self._empty.set()

    # -- Life ----------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take the lease and start the tasks, once. Raises BusUnavailable."""
        async with self._starting:
            if self._started:
                return
            process_id = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
            await self._bus.register(process_id)
            self._started = True
            logger.info("gateway.process.started", process=process_id)
        tasks = (self.writer.run, self._keeper.run, self._read_inbox, self._tick, self._wake_sender.run)
        for task in tasks:
            self.spawn(_for_ever(task))

    async def stop(self) -> None:
        """Ask the devices to reconnect, close what is left, write everything, and give back seats and lease."""
        self.stopping = True
        if not self._started:
            return
        await self._ask_all_to_reconnect()
        await self._wait_until_empty(limits.GOODBYE_S)
        for seat in list(self.seats.values()):
            self.spawn(seat.close(limits.CLOSE_SERVICE_RESTART, "This server restarts; connect again."))
        await self._wait_until_empty(limits.GOODBYE_S)
        if not await self.writer.drained(limits.GOODBYE_S):
            logger.error("gateway.process.rows_lost", rows=len(self.writer.batch))
        # The tasks first: a renewal after the end of the lease would take another one.
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        try:
            await self._bus.unregister()
        except BusUnavailable:
            logger.warning("gateway.process.lease_left", reason="Redis is away; the lease ends by itself.")
        self._wake_sender.close()
        await self._bus.close()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run beside everything else; the process keeps the task alive and ends it when it stops."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("gateway.task.failed", task=repr(task.get_coro()), exc_info=error)

    # -- Seats ---------------------------------------------------------------------------------------------------------

    async def open(self, identity: NodeIdentity, send: Send, *, peer: str) -> Seat:
        """Take the seat for a new socket; an older socket of the same link is closed. Raises BusUnavailable."""
        await self.start()
        info = seat_info(identity, since=self.clock.now(), peer=peer)
        token = await self._bus.claim_seat(info)
        session = Session(
            EnergyManagementRole.CEM,
            new_id=_new_id,
            ack_timeout=self._ack_timeout,
            handshake_timeout=self._handshake_timeout,
            retry_delays=self._retry_delays,
            strictness=identity.strictness,
        )
        measures_site = identity.is_main_meter or not identity.site_has_main_meter
        seat = Seat(info, token, session, send, measures_site=measures_site)
        older = self.seats.get(info.link_id)
        if older is not None and older.token > token:
            # Two sockets at once: Redis gave the other one the later token, so it is the newest.
            self._replace(seat)
            return seat
        self.seats[info.link_id] = seat
        self._empty.clear()
        if older is not None:
            self._replace(older)
        return seat

    async def leave(self, seat: Seat) -> None:
        """The socket is gone. Gives back the seat unless a newer session has it."""
        seat.closed = True
        link_id = seat.info.link_id
        if self.seats.get(link_id) is not seat:
            return
        del self.seats[link_id]
        if not self.seats:
            self._empty.set()
        self._remember_departed(seat)
        if self.stopping:
            return  # All seats are given back at once.
        await self._keeper.release(seat)
        self.writer.batch.wake(seat.info.tenant_id, seat.info.site_id)
        self.writer.touch()

    # -- One turn of one session -----------------------------------------------------------------------------------

    def turn(self, seat: Seat, at: datetime, text: str | None = None) -> Turn:
        return Turn(seat, self.writer.batch, at, text, logs=self.writer.logs)

    async def finish(self, turn: Turn, events: Iterable[Event], texts: Iterable[str]) -> None:
        """What follows once the session's answers have left: fold, log, and close where the session asks for it."""
        closing = handle(turn, events)
        sent(turn, texts)
        self.writer.touch()
        self._deadlines.note(turn.seat)
        if closing is not None:
            await turn.seat.close(closing.code, closing.reason)

    async def flush(self, seat: Seat, events: Iterable[Event] = ()) -> None:
        """Send what a session has to say on its own account; for work outside of its consumer."""
        try:
            texts = await seat.flush()
            await self.finish(self.turn(seat, self.clock.now()), events, texts)
        except OSError:
            # The socket died under us; its consumer learns of it by itself.
            logger.debug("gateway.socket.gone", link_id=str(seat.info.link_id))

    # -- Tasks ---------------------------------------------------------------------------------------------------------

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(limits.TICK_S)
            for seat in self._deadlines.due(self.clock.now()):
                self.spawn(self._act(seat))

    async def _act(self, seat: Seat) -> None:
        await self.flush(seat, seat.session.tick(self.clock.now()))

    async def _read_inbox(self) -> None:
        while True:
            try:
                envelopes = await self._bus.read_inbox(limits.INBOX_BLOCK_MS)
            except BusUnavailable:
                await asyncio.sleep(limits.REDIS_RETRY_S)
                continue
            for envelope in envelopes:
                try:
                    self._deliver(envelope)
                except Exception:
                    # The rest was taken out of the inbox with it, and belongs to other sessions.
                    logger.exception("gateway.inbox.failed", link_id=str(envelope.link_id))

    def _deliver(self, envelope: Envelope) -> None:
        seat = self.seats.get(envelope.link_id)
        if seat is None or seat.closed or envelope.token not in (None, seat.token):
            self._undelivered(envelope)
        elif envelope.kind == "close":
            self.spawn(seat.close(limits.CLOSE_REPLACED, envelope.payload))
        elif inbox.emit(self.turn(seat, self.clock.now()), envelope):
            self.spawn(self.flush(seat))
        self.writer.touch()

    def _undelivered(self, envelope: Envelope) -> None:
        instruction_id = inbox.instruction_id(envelope) if envelope.kind == "message" else None
        seat = self.seats.get(envelope.link_id)
        tenant_id = seat.info.tenant_id if seat else self._departed.get(envelope.link_id)
        if instruction_id is None or tenant_id is None:
            return
        self.writer.batch.ledger(
            LedgerRow(tenant_id, envelope.link_id, instruction_id, self.clock.now(), status=inbox.UNDELIVERED)
        )

    def _on_result(self, batch: Batch, result: BatchResult) -> None:
        self._keeper.judge(batch, result)
        self._wake_sender.add(result.woken)

    # -- Endings -------------------------------------------------------------------------------------------------------

    def _replace(self, seat: Seat) -> None:
        self.spawn(seat.close(limits.CLOSE_REPLACED, "A newer connection of this device took over."))

    async def _ask_all_to_reconnect(self) -> None:
        seats = list(self.seats.values())
        pause_s = min(self._drain_s / max(len(seats), 1), limits.DRAIN_PAUSE_S)
        for place, seat in enumerate(seats):
            if place and self.seats:
                await asyncio.sleep(pause_s)
            self._ask_to_reconnect(seat)

    def _ask_to_reconnect(self, seat: Seat) -> None:
        request = SessionRequest(
            message_id=_new_id(), request=SessionRequestType.RECONNECT, diagnostic_label="This server restarts."
        )
        try:
            seat.session.send(request, self.clock.now())
        except LocalProtocolError:
            return  # It is ending already.
        self.spawn(self.flush(seat))

    async def _wait_until_empty(self, timeout_s: float) -> None:
        try:
            await asyncio.wait_for(self._empty.wait(), timeout_s)
        except TimeoutError:
            logger.info("gateway.process.sessions_left", sessions=len(self.seats))

    def _remember_departed(self, seat: Seat) -> None:
        """For envelopes that come too late and name only the link."""
        self._departed.pop(seat.info.link_id, None)
        self._departed[seat.info.link_id] = seat.info.tenant_id
        if len(self._departed) > limits.DEPARTED:
            del self._departed[next(iter(self._departed))]


def _new_id() -> str:
    return str(uuid4())


async def _for_ever(task: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await task()
        except Exception:
            logger.exception("gateway.task.failed", task=task.__qualname__)
            await asyncio.sleep(1)
