"""Closes the sessions whose token or link has ended, whoever was or was not told of it.

Who revokes a token tells the gateways over the bus, which takes milliseconds (porter.py). What that cannot reach is
found here, by asking the database:

* A sign-in that was under way: its token was checked before the revocation and its seat taken after it. So each new
  session is looked at once more, right after its seat is taken. Whoever revokes publishes after the commit: a seat that
  was there by then gets the letter, and one that was not is asked about after the commit. There is no third case.
* A revocation while Redis was away, a token that expires, a row that went by a cascade or by hand. So all sessions are
  looked at in turn, a few at a time.

While the database does not answer, sessions go on: it must be possible to restart it without ending them all.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from math import ceil
from typing import Protocol
from uuid import UUID

import structlog

from flexhub.gateway import limits
from flexhub.gateway.database import DatabaseThread, DatabaseUnavailable
from flexhub.gateway.seats import Seat
from flexhub.observability.outage import Outage
from flexhub.pairing import standing
from flexhub.pairing.standing import USE_NOTED_EVERY, Credential

logger = structlog.get_logger(__name__)


class Credentials(Protocol):
    """Every method may raise DatabaseUnavailable."""

    async def ended(self, held: Collection[Credential]) -> set[Credential]:
        """Those of them that open nothing any more."""
        ...

    async def note_use(self, token_ids: Collection[int]) -> None: ...

    def close(self) -> None: ...


class DatabaseCredentials:
    """Implements `Credentials` over the pairing service."""

    def __init__(self) -> None:
        self._database = DatabaseThread("gateway-tokens", timeout_s=limits.TOKENS_TIMEOUT_S)

    async def ended(self, held: Collection[Credential]) -> set[Credential]:
        return await self._database.ask(lambda: standing.ended_credentials(held))

    async def note_use(self, token_ids: Collection[int]) -> None:
        await self._database.ask(lambda: standing.note_use(token_ids))

    def close(self) -> None:
        self._database.close()


class TokenWatch:
    """`run` is one of the process's tasks; `close` is called with each seat that has lost its ground."""

    def __init__(self, seats: Mapping[UUID, Seat], credentials: Credentials, close: Callable[[Seat], None]) -> None:
        self._seats = seats
        self._credentials = credentials
        self._close = close
        self._outage = Outage("the tokens of living sessions are not looked at")
        # Those that were just opened, and those of this round that are still to be looked at.
        self._fresh: dict[Seat, None] = {}
        self._round: deque[Seat] = deque()
        self._share = 0
        self._next_round_s = 0.0
        # When the use of a token was noted last, by the event loop's clock.
        self._noted_s: dict[int, float] = {}

    def opened(self, seat: Seat) -> None:
        """Look at it soon. Not for a seat whose connection we opened ourselves: `Outgoing` looks after those."""
        if seat.credential is not None:
            self._fresh[seat] = None

    async def run(self) -> None:
        """Look on and on until cancelled."""
        while True:
            await asyncio.sleep(limits.TOKENS_LOOK_S)
            with self._outage.expected(DatabaseUnavailable):
                await self.look(asyncio.get_running_loop().time())

    async def look(self, now_s: float) -> None:
        """At those that are new, and at a share of the others. Raises DatabaseUnavailable."""
        seats = self._next(now_s)
        held = {seat.credential for seat in seats if seat.credential is not None}
        if not held:
            return
        try:
            ended = await self._credentials.ended(held)
        except BaseException:
            # Where they stood is found again with the next round; what is new must not wait for it.
            self._fresh = dict.fromkeys(seats) | self._fresh
            raise
        for seat in seats:
            if seat.credential in ended and not seat.closed:
                logger.info("gateway.session.token_ended", link_id=str(seat.info.link_id))
                self._close(seat)
        await self._note_use((each.token_id for each in held - ended), now_s)

    def _next(self, now_s: float) -> list[Seat]:
        fresh = list(self._fresh)[: limits.TOKENS_TOGETHER]
        for seat in fresh:
            del self._fresh[seat]
        if not self._round and now_s >= self._next_round_s:
            self._begin_round(now_s)
        room = min(self._share, limits.TOKENS_TOGETHER - len(fresh), len(self._round))
        return fresh + [seat for _ in range(room) if not (seat := self._round.popleft()).closed]

    def _begin_round(self, now_s: float) -> None:
        self._next_round_s = now_s + limits.TOKENS_ROUND_S
        self._round.extend(seat for seat in self._seats.values() if seat.credential is not None)
        self._share = ceil(len(self._round) * limits.TOKENS_LOOK_S / limits.TOKENS_ROUND_S)
        living = {seat.credential.token_id for seat in self._round if seat.credential is not None}
        self._noted_s = {token_id: at_s for token_id, at_s in self._noted_s.items() if token_id in living}

    async def _note_use(self, token_ids: Iterable[int], now_s: float) -> None:
        before_s = now_s - USE_NOTED_EVERY.total_seconds()
        due = {token_id for token_id in token_ids if self._noted_s.get(token_id, before_s) <= before_s}
        if due:
            await self._credentials.note_use(due)
            self._noted_s |= dict.fromkeys(due, now_s)
