"""One gateway process: its lease in Redis, its seats, and the few tasks that serve all of them.

    writer        carries what the sessions produced to Redis (writer.py)
    keeper        renews the lease and keeps the seats ours (keeper.py)
    porter        reads what workers send and hands it to the sessions (porter.py)
    ticker        lets sessions act whose deadline has passed
    tokens        closes what was opened by a token that has ended (token_watch.py)
    wakes         tells Celery about sites and hosted RMs that want attention (wake_sender.py)
    cem           releases the devices that the hosted CEM does not look after any more (cem_watch.py)
    tenants       knows what the tenants use, here and in the other processes (tenant_loads.py)

Everything runs in one event loop. A task that fails unexpectedly is logged and started again; none of them ends the
process, since the sessions' sockets hang on it.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from flexhub.bus import (
    Batch,
    BatchResult,
    BusUnavailable,
    Forward,
    GatewayBus,
    MailRefused,
    PublishResult,
    end_id,
)
from flexhub.clock import Clock
from flexhub.gateway import limits, relay_post, rm_handlers
from flexhub.gateway.cem_watch import CEMWatch, release
from flexhub.gateway.deadlines import Deadlines
from flexhub.gateway.farewells import ask_to_reconnect, spread
from flexhub.gateway.handlers import Turn, handle, sent
from flexhub.gateway.hosted_rm import hosted_rm_of
from flexhub.gateway.keeper import SeatKeeper
from flexhub.gateway.mailroom import Mailroom
from flexhub.gateway.porter import Porter
from flexhub.gateway.refusals import Send
from flexhub.gateway.relay import RelayEnd
from flexhub.gateway.relay_events import RelayEvent
from flexhub.gateway.seats import Seat, seat_info
from flexhub.gateway.sessions import SessionMaker
from flexhub.gateway.tenant_load import SessionQuotaReached, TenantLoad
from flexhub.gateway.tenant_loads import TenantLoads
from flexhub.gateway.token_watch import Credentials, TokenWatch
from flexhub.gateway.wake_sender import WakeSender
from flexhub.gateway.writer import BatchWriter
from flexhub.pairing.services import NodeIdentity
from s2.events import CloseRequested
from s2.messages import EnergyManagementRole

logger = structlog.get_logger(__name__)


class GatewayProcess:
    """Holds the seats of this process. Methods are called from its event loop only."""

    def __init__(
        self,
        bus: GatewayBus,
        clock: Clock,
        wake_sender: WakeSender,
        credentials: Credentials,
        tenant_loads: TenantLoads,
        *,
        ack_timeout_s: float,
        max_frame_bytes: int,
        cem_release_after_s: float = limits.CEM_RELEASE_AFTER_S,
        drain_s: float = limits.DRAIN_S,
    ) -> None:
        self.clock = clock
        self.max_frame_bytes = max_frame_bytes
        self.seats: dict[UUID, Seat] = {}
        self.writer = BatchWriter(bus, self._on_result, self._on_given_up)
        self.stopping = False
        self._bus = bus
        self._wake_sender = wake_sender
        self._credentials = credentials
        self._tokens = TokenWatch(self.seats, credentials, self._end_with_token)
        self.tenant_loads = tenant_loads
        self._drain_s = drain_s
        self._sessions = SessionMaker(clock, ack_timeout_s=ack_timeout_s)
        self._deadlines: Deadlines[Seat] = Deadlines()
        self._keeper = SeatKeeper(bus, self.seats, self.writer, self._replace, self._unseat)
        self._porter = Porter(self, bus)
        self._mailroom = Mailroom(self.seats, self.writer)
        self._cem = CEMWatch(bus, self.seats, self.writer, self._release, release_after_s=cem_release_after_s)
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
        own = (self.writer, self._keeper, self._porter, self._wake_sender, self._tokens, self._cem, self.tenant_loads)
        for task in (*(each.run for each in own), self._tick):
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
        # Their flags say that the tasks are on their way, and nobody else would send them for a while.
        if not await self._wake_sender.drained(limits.GOODBYE_S):
            logger.warning("gateway.process.wakes_lost")
        # The tasks first: a renewal after the end of the lease would take another one.
        await self._end_tasks()
        try:
            await self._bus.unregister()
        except BusUnavailable:
            logger.warning("gateway.process.lease_left", reason="Redis is away; the lease ends by itself.")
        self._wake_sender.close()
        self._credentials.close()
        self.tenant_loads.close()
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

    async def enter(self, identity: NodeIdentity) -> TenantLoad:
        """Count a session of its tenant until its `leave`. Raises SessionQuotaReached and BusUnavailable.

        One that takes the place of another is never one too many: that one ends.
        """
        await self.start()
        load = await self.tenant_loads.of(identity.tenant_id)
        if not load.enter():
            try:
                if identity.end_id not in self.seats and await self._bus.find_seat(identity.end_id) is None:
                    raise SessionQuotaReached(load.allowance.sessions)
            except BaseException:
                load.leave()
                raise
        return load

    async def open(self, identity: NodeIdentity, send: Send, *, peer: str) -> Seat:
        """Take the seat for a new socket; an older socket of the same link is closed. Raises BusUnavailable."""
        await self.start()
        info = seat_info(identity, since=self.clock.now(), peer=peer)
        token = await self._bus.claim_seat(info)
        measures_site = identity.is_main_meter or not identity.site_has_main_meter
        rm = hosted_rm_of(identity, info)
        session, credential = self._sessions.make(identity), identity.credential
        seat = Seat(info, token, session, send, measures_site=measures_site, rm=rm, credential=credential)
        older = self.seats.get(info.link_id)
        if older is not None and older.token > token:
            # Two sockets at once: Redis gave the other one the later token, so it is the newest.
            self._replace(seat)
            return seat
        self.seats[info.link_id] = seat
        self._tokens.opened(seat)
        self._empty.clear()
        if older is not None:
            self._replace(older)
        if seat.relay is not None:
            await self._meet(seat, seat.relay, identity)
        return seat

    async def _meet(self, seat: Seat, end: RelayEnd, identity: NodeIdentity) -> None:
        """Look for the far end, once our own seat can be found. Where that fails, the seat has been given back."""
        far_role = EnergyManagementRole.CEM if end.peer is EnergyManagementRole.RM else EnergyManagementRole.RM
        try:
            end.meet(await self._bus.find_seat(end_id(identity.link_id, far_role)))
        except BaseException:
            # Also where the task is cancelled, because its peer has gone: nobody else knows of the seat yet.
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
        self._porter.remember(seat)
        if not self.stopping:  # Otherwise all seats are given back at once.
            await self._keeper.release(seat)

    async def give_back(self, seat: Seat) -> None:
        """While the process stops: for a seat that somebody elsewhere looks for already."""
        await self._keeper.release(seat)

    # -- One turn of one session -----------------------------------------------------------------------------------

    def turn(self, seat: Seat, at: datetime, text: str | None = None) -> Turn:
        return Turn(seat, self.writer.batch, at, text, logs=self.writer.logs)

    async def secure(self, turn: Turn, events: Sequence[RelayEvent]) -> Sequence[RelayEvent]:
        """What has to be done before the answers to a frame leave; returns the events that are to be finished after it.

        What a hosted RM has to know goes into its mail. What a hosted CEM has to know is on its way to Redis, and the
        seat sends nothing until it is there. A relayed message is the far end's to acknowledge.
        """
        seat = turn.seat
        if seat.rm is not None:
            rm_handlers.take_in(turn, events)
            await self._mailroom.secure(seat, seat.rm, events, turn.text, turn.at)
            return events
        if seat.relay is not None or not events:
            return events
        closing = handle(turn, events)
        seat.unwritten = self.writer.written()
        return () if closing is None else (closing,)

    async def finish(self, turn: Turn, events: Iterable[RelayEvent], texts: Iterable[str]) -> None:
        """What follows once the session's answers have left: fold, log, and close where the session asks for it."""
        if turn.seat.relay is not None:
            closing = self._relay(turn, turn.seat.relay, events)
        else:
            closing = handle(turn, events) if turn.seat.rm is None else rm_handlers.handle(turn, events)
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

    def heard(self, turn: Turn, end: RelayEnd, events: Iterable[RelayEvent]) -> None:
        """What came from elsewhere counts at once, so that its order is kept; sending it may take its time."""
        closing = self._relay(turn, end, events)
        self.writer.touch()
        if closing is not None or not turn.seat.flush_is_due:
            # One at most waits for a peer that does not read, however much it is told meanwhile.
            turn.seat.flush_is_due = True
            self.spawn(self.flush(turn.seat, () if closing is None else (closing,)))

    def _on_result(self, batch: Batch, result: BatchResult) -> None:
        self._keeper.judge(batch, result)
        self._mailroom.judge(batch, result)
        self._wake_sender.add(result.woken)
        for forward, reason in result.undelivered:
            self._lost(forward, reason)

    def _on_given_up(self, forwards: Sequence[Forward], mail: Sequence[MailRefused]) -> None:
        for forward in forwards:
            self._lost(forward, None)
        self._mailroom.give_up(mail)

    def _lost(self, forward: Forward, reason: PublishResult | None) -> None:
        """Tell the end whose parcel reached nobody, if it is still there."""
        sender = forward.envelope.sender
        seat = self.seats.get(sender.end_id) if sender is not None else None
        if sender is None or seat is None or seat.relay is None or seat.closed or seat.token != sender.token:
            return
        turn = self.turn(seat, self.clock.now())
        self.heard(turn, seat.relay, seat.relay.undelivered(forward.envelope, reason, turn.at))

    def _unseat(self, seats: Sequence[Seat]) -> None:
        self.spawn(self._unseat_all(seats))

    async def _unseat_all(self, seats: Sequence[Seat]) -> None:
        async for seat in spread(seats, within_s=limits.UNSEATED_S, pause_s=limits.UNSEATED_PAUSE_S):
            turn = self.turn(seat, self.clock.now())
            if seat.relay is not None:
                self.heard(turn, seat.relay, seat.relay.unseat(turn.at))
            elif ask_to_reconnect(seat, "The connection to the device was lost.", turn.at):
                self.spawn(self.flush(seat))

    # -- Endings -------------------------------------------------------------------------------------------------------

    def _replace(self, seat: Seat) -> None:
        self.spawn(seat.close(limits.CLOSE_REPLACED, "A newer connection of this device took over."))

    def _release(self, seat: Seat) -> None:
        turn = self.turn(seat, self.clock.now())
        if release(turn):
            self.writer.touch()
            self.spawn(self.flush(seat))

    def _end_with_token(self, seat: Seat) -> None:
        self.spawn(
            seat.close(limits.CLOSE_TOKEN_ENDED, "What opened this connection has ended: its token or its link.")
        )

    async def _ask_all_to_reconnect(self) -> None:
        seats = list(self.seats.values())
        async for seat in spread(seats, within_s=self._drain_s, pause_s=limits.DRAIN_PAUSE_S):
            if ask_to_reconnect(seat, "This server restarts.", self.clock.now()):
                self.spawn(self.flush(seat))

    async def _wait_until_empty(self, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await self._empty.wait()
        except TimeoutError:
            logger.info("gateway.process.sessions_left", sessions=len(self.seats))


async def _for_ever(task: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await task()
        except Exception:
            logger.exception("gateway.task.failed", task=task.__qualname__)
            await asyncio.sleep(1)
