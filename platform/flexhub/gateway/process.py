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

from flexhub.bus import (
    Batch,
    BatchResult,
    BusUnavailable,
    Envelope,
    Forward,
    GatewayBus,
    LedgerRow,
    PublishResult,
    end_id,
)
from flexhub.bus.envelope import RELAY_KINDS, envelope_to_fields
from flexhub.bus.poison import reason_of
from flexhub.clock import Clock
from flexhub.gateway import inbox, limits, relay_post
from flexhub.gateway.deadlines import Deadlines
from flexhub.gateway.handlers import Turn, handle, sent
from flexhub.gateway.keeper import SeatKeeper
from flexhub.gateway.refusals import Send
from flexhub.gateway.relay import ABSENCE_S, ANSWER_TIMEOUT_S, PATIENCE_S, RelayEnd
from flexhub.gateway.relay_events import RelayEvent
from flexhub.gateway.seats import Seat, seat_info
from flexhub.gateway.wake_sender import WakeSender
from flexhub.gateway.writer import BatchWriter
from flexhub.pairing.services import NodeIdentity
from s2.errors import LocalProtocolError
from s2.events import CloseRequested
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
        self.writer = BatchWriter(bus, self._on_result, self._on_given_up)
        self.stopping = False
        self._bus = bus
        self._wake_sender = wake_sender
        self._drain_s = drain_s
        self._ack_timeout = clock.duration_of(ack_timeout_s)
        self._handshake_timeout = clock.duration_of(limits.HANDSHAKE_TIMEOUT_S)
        self._retry_delays = tuple(clock.duration_of(delay_s) for delay_s in limits.RETRY_DELAYS_S)
        self._deadlines: Deadlines[Seat] = Deadlines()
        self._keeper = SeatKeeper(bus, self.seats, self.writer, self._replace, self._unseat)
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
        await self._end_tasks()
        try:
            await self._bus.unregister()
        except BusUnavailable:
            logger.warning("gateway.process.lease_left", reason="Redis is away; the lease ends by itself.")
        self._wake_sender.close()
        await self._bus.close()

    async def _end_tasks(self) -> None:
        # asyncio.wait_for of Python 3.11 may lose a cancellation that comes as it returns; the task then works on.
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(set(self._tasks), timeout=limits.CANCEL_AGAIN_S)

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
        session = self._relay_end(identity) if identity.is_relayed else self._session(identity)
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
        if seat.relay is not None:
            await self._meet(seat, seat.relay, identity)
        return seat

    def _session(self, identity: NodeIdentity) -> Session:
        return Session(
            EnergyManagementRole.CEM,
            new_id=_new_id,
            ack_timeout=self._ack_timeout,
            handshake_timeout=self._handshake_timeout,
            retry_delays=self._retry_delays,
            strictness=identity.strictness,
        )

    def _relay_end(self, identity: NodeIdentity) -> RelayEnd:
        return RelayEnd(
            EnergyManagementRole(identity.role),
            new_id=_new_id,
            ack_timeout=self._ack_timeout,
            handshake_timeout=self._handshake_timeout,
            answer_timeout=self.clock.duration_of(ANSWER_TIMEOUT_S),
            absence=self.clock.duration_of(ABSENCE_S),
            patience=self.clock.duration_of(PATIENCE_S),
            strictness=identity.strictness,
        )

    async def _meet(self, seat: Seat, end: RelayEnd, identity: NodeIdentity) -> None:
        """Look for the far end, once our own seat can be found. Raises BusUnavailable, and has given it back then."""
        far_role = EnergyManagementRole.CEM if end.peer is EnergyManagementRole.RM else EnergyManagementRole.RM
        try:
            end.meet(await self._bus.find_seat(end_id(identity.link_id, far_role)))
        except BusUnavailable:
            await self.leave(seat)
            raise
        relay_post.post(seat, end, self._bus.process, self.writer.batch)
        self.writer.touch()

    async def leave(self, seat: Seat) -> None:
        """The socket is gone. Gives back the seat unless a newer session has it."""
        seat.closed = True
        link_id = seat.info.link_id
        if seat.relay is not None:
            seat.relay.leave()
            relay_post.post(seat, seat.relay, self._bus.process, self.writer.batch)
            self.writer.touch()
        if self.seats.get(link_id) is not seat:
            return
        del self.seats[link_id]
        if not self.seats:
            self._empty.set()
        self._remember_departed(seat)
        if self.stopping:
            return  # All seats are given back at once.
        await self._keeper.release(seat)
        if seat.relay is not None:
            return
        self.writer.batch.wake(seat.info.tenant_id, seat.info.site_id)
        self.writer.touch()

    # -- One turn of one session -----------------------------------------------------------------------------------

    def turn(self, seat: Seat, at: datetime, text: str | None = None) -> Turn:
        return Turn(seat, self.writer.batch, at, text, logs=self.writer.logs)

    async def finish(self, turn: Turn, events: Iterable[RelayEvent], texts: Iterable[str]) -> None:
        """What follows once the session's answers have left: fold, log, and close where the session asks for it."""
        if turn.seat.relay is not None:
            closing = self._relay(turn, turn.seat.relay, events)
        else:
            closing = handle(turn, events)
            sent(turn, texts)
        self.writer.touch()
        self._deadlines.note(turn.seat)
        if closing is not None:
            await turn.seat.close(closing.code, closing.reason)

    def _relay(self, turn: Turn, end: RelayEnd, events: Iterable[RelayEvent]) -> CloseRequested | None:
        closing = relay_post.record(turn, end, events)
        relay_post.post(turn.seat, end, self._bus.process, turn.batch)
        return closing

    async def flush(self, seat: Seat, events: Iterable[RelayEvent] = ()) -> None:
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
                except Exception as error:
                    # The rest was taken out of the inbox with it, and belongs to other sessions.
                    logger.exception("gateway.inbox.failed", link_id=str(envelope.link_id))
                    await self._set_aside(envelope, error)

    async def _set_aside(self, envelope: Envelope, error: Exception) -> None:
        try:
            await self._bus.set_aside("inbox", reason_of(error), " ".join(envelope_to_fields(envelope)))
        except BusUnavailable:
            logger.warning("gateway.inbox.not_set_aside", link_id=str(envelope.link_id))

    def _deliver(self, envelope: Envelope) -> None:
        seat = self.seats.get(envelope.link_id)
        if seat is None or seat.closed or envelope.token not in (None, seat.token):
            self._undelivered(envelope)
        elif envelope.kind == "close":
            self.spawn(seat.close(limits.CLOSE_REPLACED, envelope.payload))
        elif seat.relay is not None:
            self._deliver_to_end(seat, seat.relay, envelope)
        elif inbox.emit(self.turn(seat, self.clock.now()), envelope):
            self.spawn(self.flush(seat))
        self.writer.touch()

    def _deliver_to_end(self, seat: Seat, end: RelayEnd, envelope: Envelope) -> None:
        if envelope.kind not in RELAY_KINDS:
            self._undelivered(envelope)  # It is from a worker of ours, and neither end of this link is.
            return
        turn = self.turn(seat, self.clock.now())
        self._heard(turn, end, relay_post.open_envelope(turn, end, envelope))

    def _heard(self, turn: Turn, end: RelayEnd, events: Iterable[RelayEvent]) -> None:
        """What came from elsewhere counts at once, so that its order is kept; sending it may take its time."""
        closing = self._relay(turn, end, events)
        self.writer.touch()
        self.spawn(self.flush(turn.seat, () if closing is None else (closing,)))

    def _undelivered(self, envelope: Envelope) -> None:
        if envelope.kind in RELAY_KINDS:
            relay_post.nobody_here(envelope, self._bus.process, self.writer.batch)
            return
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
        for forward, reason in result.undelivered:
            self._lost(forward, reason)

    def _on_given_up(self, forwards: list[Forward]) -> None:
        for forward in forwards:
            self._lost(forward, None)

    def _lost(self, forward: Forward, reason: PublishResult | None) -> None:
        """Tell the end whose parcel reached nobody, if it is still there."""
        sender = forward.envelope.sender
        seat = self.seats.get(sender.end_id) if sender is not None else None
        if sender is None or seat is None or seat.relay is None or seat.closed or seat.token != sender.token:
            return
        turn = self.turn(seat, self.clock.now())
        self._heard(turn, seat.relay, seat.relay.undelivered(forward.envelope, reason, turn.at))

    def _unseat(self, seat: Seat) -> None:
        if seat.relay is not None:
            turn = self.turn(seat, self.clock.now())
            self._heard(turn, seat.relay, seat.relay.unseat(turn.at))

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
            async with asyncio.timeout(timeout_s):
                await self._empty.wait()
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
