"""Keeps what this process holds in Redis true: its lease, and the seats of its sessions.

Four things can happen to a seat without its socket noticing:

* A newer session took it (its write is *fenced*): the socket here is closed, the newest wins.
* Redis came back empty, or our lease ended and somebody cleaned up (the write is *lost*, the renewal fails): the seat
  is claimed again under a new token, and the whole snapshot is written again, because it was acknowledged.
* The same happened to one end of a relayed link, whose far end knows the way to the old seat only and may have lost its
  own; or to a session that speaks for a hosted RM, whose mail is lost or names another session. The peer is asked to
  come anew, since both ends have to start over (decision 0004).
* The socket closed while Redis was away: the seat is given back when it returns.

After a lost lease nothing is claimed before a write has shown who else took a seat meanwhile: this process may have
been paused for minutes while its devices found another one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import islice
from uuid import UUID

import structlog

from flexhub.bus import Batch, BatchResult, BusUnavailable, GatewayBus
from flexhub.gateway.limits import LEASE_RENEWAL_S
from flexhub.gateway.seats import Seat
from flexhub.gateway.writer import BatchWriter

logger = structlog.get_logger(__name__)

# So many seats are claimed or given back at once, and between two such groups the lease is renewed: one after the
# other, those of a large process take longer than a lease lives.
TOGETHER = 200


class SeatKeeper:
    """`replace` is called with a seat that a newer session took, `unseat` with those that are lost and begin anew."""

    def __init__(
        self,
        bus: GatewayBus,
        seats: Mapping[UUID, Seat],
        writer: BatchWriter,
        replace: Callable[[Seat], None],
        unseat: Callable[[Sequence[Seat]], None],
    ) -> None:
        self._bus = bus
        self._seats = seats
        self._writer = writer
        self._replace = replace
        self._unseat = unseat
        self._attention = asyncio.Event()
        self._lease_lost = False
        self._claiming: set[UUID] = set()
        self._unclaimed: dict[UUID, None] = {}
        self._unreleased: dict[UUID, tuple[Seat, int]] = {}
        self._releasing: set[tuple[UUID, int]] = set()

    async def run(self) -> None:
        """Renew, claim and release until cancelled."""
        while True:
            self._attention.clear()
            try:
                await self._put_right()
            except BusUnavailable:
                logger.debug("gateway.keeper.waits_for_redis")
            try:
                # Not wait_for, which in Python 3.11 may swallow the cancellation that ends this task.
                async with asyncio.timeout(LEASE_RENEWAL_S):
                    await self._attention.wait()
            except TimeoutError:
                continue

    async def release(self, seat: Seat) -> None:
        """Give back the seat of a socket that is gone, now or when Redis is there again, and wake who minds."""
        self._unclaimed.pop(seat.info.link_id, None)
        self._unreleased[seat.info.link_id] = seat, seat.token
        try:
            # Its own only: thousands of sockets may end at once, and each of them comes by here.
            await self._give_back(seat, seat.token)
        except BusUnavailable:
            self._attention.set()

    def judge(self, batch: Batch, result: BatchResult) -> None:
        """Learn from what became of a batch."""
        for link_id in result.fenced:
            # What our own claim fences, while its answer is under way, was ours.
            if link_id not in self._claiming and (seat := self._seat_that_wrote(batch, link_id)) is not None:
                self._replace(seat)
        for link_id in result.lost:
            seat = self._seat_that_wrote(batch, link_id)
            if seat is not None and not seat.unseated:
                self._unclaimed[link_id] = None
                self._attention.set()
        for link_id in result.overfull:
            logger.warning("gateway.snapshot.full", link_id=str(link_id))

    async def _put_right(self) -> None:
        await self._renew()
        if self._lease_lost:
            await self._probe()
        await self._claim()
        await self._release()

    async def _renew(self) -> bool:
        renewed = await self._bus.renew()
        if not renewed:
            self._lease_lost = True
            # A lease also goes with all else that Redis held.
            self._writer.repeat_recent()
        return renewed

    async def _probe(self) -> None:
        """Write every snapshot under its old token; what is fenced by that is somebody else's now."""
        for seat in self._seats.values():
            seat.fold_all(self._writer.batch)
        self._writer.touch()
        if not await self._writer.drained(LEASE_RENEWAL_S):
            raise BusUnavailable
        held = {link_id: None for link_id, seat in self._seats.items() if not (seat.closed or seat.unseated)}
        self._unclaimed.update(held)
        self._lease_lost = False

    async def _claim(self) -> None:
        if self._unclaimed:
            logger.warning("gateway.seats.lost", seats=len(self._unclaimed))
            self._let_begin_anew()
        while self._unclaimed:
            group = list(islice(self._unclaimed, TOGETHER))
            await _all_of(self._claim_again(link_id) for link_id in group)
            if self._unclaimed:
                await self._stay_alive()

    def _let_begin_anew(self) -> None:
        """Take out the seats that are not claimed again."""
        lost = [self._seats[link_id] for link_id in self._unclaimed if link_id in self._seats]
        anew = [seat for seat in lost if seat.begins_anew]
        for seat in anew:
            seat.unseated = True
            del self._unclaimed[seat.info.link_id]
        if anew:
            self._unseat(anew)

    async def _claim_again(self, link_id: UUID) -> None:
        seat = self._seats.get(link_id)
        if seat is not None and not seat.closed:
            self._claiming.add(link_id)
            try:
                token = await self._bus.claim_seat(seat.info)
            finally:
                self._claiming.discard(link_id)
            self._hold(seat, token)
        self._unclaimed.pop(link_id, None)

    def _hold(self, seat: Seat, token: int) -> None:
        if self._seats.get(seat.info.link_id) is not seat:
            # The socket closed meanwhile and gave back what it knew of, which was the seat before this one.
            self._unreleased[seat.info.link_id] = seat, token
            return
        seat.token = token
        seat.fold_all(self._writer.batch)
        seat.wake(self._writer.batch)
        self._writer.touch()

    async def _release(self) -> None:
        unreleased = self._unreleased.items()
        waiting = [(seat, token) for link_id, (seat, token) in unreleased if (link_id, token) not in self._releasing]
        for start in range(0, len(waiting), TOGETHER):
            if start:
                await self._stay_alive()
            await _all_of(self._give_back(seat, token) for seat, token in waiting[start : start + TOGETHER])

    async def _stay_alive(self) -> None:
        if not await self._renew():
            self._attention.set()
            raise BusUnavailable("the lease ended while seats were put right")

    async def _give_back(self, seat: Seat, token: int) -> None:
        link_id = seat.info.link_id
        self._releasing.add((link_id, token))
        try:
            await self._bus.release_seat(link_id, token)
        finally:
            self._releasing.discard((link_id, token))
        if self._unreleased.get(link_id) == (seat, token):
            del self._unreleased[link_id]
        # Not before: whoever looks has to find that the session is gone.
        seat.wake(self._writer.batch)
        self._writer.touch()

    def _seat_that_wrote(self, batch: Batch, link_id: UUID) -> Seat | None:
        """A verdict on an older token says nothing about the session that we hold now."""
        seat = self._seats.get(link_id)
        return seat if seat is not None and batch.links[link_id].token == seat.token else None


async def _all_of(works: Iterable[Awaitable[None]]) -> None:
    """All of them to their end; raises what the first of those that failed has raised."""
    for outcome in await asyncio.gather(*works, return_exceptions=True):
        if outcome is not None:
            raise outcome
