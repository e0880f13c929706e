"""Takes what arrives in the process's inbox to the seats that it is for, and says what reached nobody."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID

import structlog

from flexhub.bus import BusUnavailable, Envelope, GatewayBus, LedgerRow
from flexhub.bus.envelope import ANY_TOKEN, RELAY_KINDS, envelope_to_text
from flexhub.bus.poison import reason_of
from flexhub.gateway import farewells, inbox, limits, relay_post, rm_handlers
from flexhub.gateway.hosted_rm import HostedRM
from flexhub.gateway.relay import RelayEnd
from flexhub.gateway.rm_handlers import Emission
from flexhub.gateway.seats import Seat

if TYPE_CHECKING:
    from flexhub.gateway.process import GatewayProcess

logger = structlog.get_logger(__name__)

BROKEN = "The device cannot go on with this session; connect again."


class Porter:
    """`run` is one of the process's tasks."""

    def __init__(self, process: GatewayProcess, bus: GatewayBus) -> None:
        self._process = process
        self._bus = bus
        # For envelopes that come too late and name only the link: the tenants of seats that were left, latest last.
        self._departed: dict[UUID, UUID] = {}

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            try:
                envelopes = await self._bus.read_inbox(limits.INBOX_BLOCK_MS)
            except BusUnavailable:
                await asyncio.sleep(limits.REDIS_RETRY_S)
                continue
            for envelope in envelopes:
                try:
                    self.deliver(envelope)
                except Exception as error:
                    # The rest was taken out of the inbox with it, and belongs to other sessions.
                    logger.exception("gateway.inbox.failed", link_id=str(envelope.link_id))
                    await self._set_aside(envelope, error)

    def deliver(self, envelope: Envelope) -> None:
        process = self._process
        seat = process.seats.get(envelope.link_id)
        if seat is None or seat.closed or envelope.token not in (None, seat.token):
            self._undelivered(envelope)
        elif envelope.kind == "close":
            self._close(seat, envelope)
        elif seat.relay is not None:
            self._deliver_to_end(seat, seat.relay, envelope)
        elif envelope.kind != "message":
            self._undelivered(envelope)  # From the far end of a relay, which this link is no more.
        elif seat.rm is not None:
            self._emit_for(seat, seat.rm, envelope)
        elif inbox.emit(process.turn(seat, process.clock.now()), envelope):
            process.spawn(process.flush(seat))
        process.writer.touch()

    def _close(self, seat: Seat, envelope: Envelope) -> None:
        token_id = envelope.message_id
        if not token_id:
            self._process.spawn(seat.close(limits.CLOSE_REPLACED, envelope.payload))
        elif token_id == ANY_TOKEN or (seat.credential is not None and str(seat.credential.token_id) == token_id):
            self._process.spawn(seat.close(limits.CLOSE_TOKEN_ENDED, envelope.payload))

    def remember(self, seat: Seat) -> None:
        """A seat was left."""
        self._departed.pop(seat.info.link_id, None)
        self._departed[seat.info.link_id] = seat.info.tenant_id
        if len(self._departed) > limits.DEPARTED:
            del self._departed[next(iter(self._departed))]

    def _emit_for(self, seat: Seat, rm: HostedRM, envelope: Envelope) -> None:
        process = self._process
        turn = process.turn(seat, process.clock.now())
        emission = rm_handlers.emit(turn, rm, envelope)
        if emission is Emission.BROKEN and not farewells.ask_to_reconnect(seat, BROKEN, turn.at):
            return
        if emission is not Emission.DROPPED:
            process.spawn(process.flush(seat))

    def _deliver_to_end(self, seat: Seat, end: RelayEnd, envelope: Envelope) -> None:
        if envelope.kind not in RELAY_KINDS:
            self._undelivered(envelope)  # It is from a worker of ours, and neither end of this link is.
            return
        turn = self._process.turn(seat, self._process.clock.now())
        self._process.heard(turn, end, relay_post.open_envelope(turn, end, envelope))

    def _undelivered(self, envelope: Envelope) -> None:
        writer = self._process.writer
        if envelope.kind in RELAY_KINDS:
            relay_post.nobody_here(envelope, self._bus.process, writer.batch)
            return
        instruction_id = inbox.instruction_id(envelope) if envelope.kind == "message" else None
        seat = self._process.seats.get(envelope.link_id)
        tenant_id = seat.info.tenant_id if seat else self._departed.get(envelope.link_id)
        if instruction_id is None or tenant_id is None:
            return
        now = self._process.clock.now()
        writer.batch.ledger(LedgerRow(tenant_id, envelope.link_id, instruction_id, now, status=inbox.UNDELIVERED))

    async def _set_aside(self, envelope: Envelope, error: Exception) -> None:
        try:
            await self._bus.set_aside("inbox", reason_of(error), envelope_to_text(envelope))
        except BusUnavailable:
            logger.warning("gateway.inbox.not_set_aside", link_id=str(envelope.link_id))
