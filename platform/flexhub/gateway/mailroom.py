"""Brings what sessions with the role RM hear into the mail of their hosted RMs, before it is acknowledged.

An acknowledgement says that the hosted RM will learn of the message, whatever becomes of this process. So the letter is
written first. While Redis is asked, the session sends nothing; where it does not take the letter, the socket is closed
and the energy manager starts over: the session has counted the message already, so that "send it again" would be no
true answer any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

import structlog

from flexhub.bus import Batch, BatchResult, MailRefused
from flexhub.gateway.hosted_rm import HostedRM
from flexhub.gateway.limits import CLOSE_TRY_AGAIN_LATER, SECURE_TIMEOUT_S
from flexhub.gateway.relay_events import RelayEvent
from flexhub.gateway.rm_handlers import letters_of
from flexhub.gateway.seats import Seat
from flexhub.gateway.writer import BatchWriter

logger = structlog.get_logger(__name__)

NOT_TAKEN = "What you said cannot be taken in now; connect again later."


class Mailroom:
    """Methods are called from the event loop of the process; `judge` and `give_up` do not block."""

    def __init__(self, seats: Mapping[UUID, Seat], writer: BatchWriter) -> None:
        self._seats = seats
        self._writer = writer
        self._waiting: dict[UUID, Seat] = {}

    async def secure(
        self, seat: Seat, rm: HostedRM, events: Iterable[RelayEvent], text: str | None, at: datetime
    ) -> None:
        """Return once what was heard is in the mail, or the socket is closed. Nothing is sent meanwhile."""
        letters = letters_of(events, text, seat.session.profile)
        if not letters:
            self._ask_for_room(seat, rm)
            return
        batch, end_id = self._writer.batch, seat.info.link_id
        for kind, payload in letters:
            batch.post(end_id, seat.token, kind, at, payload)
        seat.wake(batch)
        rm.hold()
        self._waiting[end_id] = seat
        self._writer.touch()
        try:
            async with asyncio.timeout(SECURE_TIMEOUT_S):
                taken = await rm.may_send()
        except TimeoutError:
            taken = False
        finally:
            # Also where the task is cancelled: whoever waits to send must not wait for ever.
            rm.settle(taken=False)
            if self._waiting.get(end_id) is seat:
                del self._waiting[end_id]
        if not taken:
            logger.warning("gateway.mail.not_taken", end_id=str(end_id), letters=len(letters), full=rm.mail_full)
            await seat.close(CLOSE_TRY_AGAIN_LATER, NOT_TAKEN)

    def judge(self, batch: Batch, result: BatchResult) -> None:
        """Learn from what became of a batch."""
        for end_id in result.posted | result.mail_full:
            seat = self._seats.get(end_id)
            if seat is not None and seat.rm is not None and batch.links[end_id].token == seat.token:
                seat.rm.mail_full = end_id in result.mail_full
        for end_id in list(self._waiting):
            writes = batch.links.get(end_id)
            if writes is not None and writes.mail:
                self._settle(end_id, writes.token, taken=end_id in result.posted)

    def give_up(self, refused: Iterable[MailRefused]) -> None:
        """These letters were taken out of their batch."""
        for each in refused:
            self._settle(each.end_id, each.token, taken=False)

    def _settle(self, end_id: UUID, token: int, *, taken: bool) -> None:
        seat = self._waiting.get(end_id)
        if seat is not None and seat.rm is not None and seat.token == token:
            seat.rm.settle(taken=taken)

    def _ask_for_room(self, seat: Seat, rm: HostedRM) -> None:
        """While its mailbox is full the session answers TEMPORARY_ERROR, and each refused message asks once more."""
        if rm.mail_full:
            self._writer.batch.ask_for_room(seat.info.link_id, seat.token)
            seat.wake(self._writer.batch)
            self._writer.touch()
