"""Releases the devices of a hosted CEM that does not look after them any more (decision 0013).

What a device was told under FRBC, OMBC or DDBC has no end in S2. So when no worker has looked at its site for long, the
gateway, which holds its session, selects NO_SELECTION: the device does what it does by itself. The first look of a
worker at the site selects its control type again (`cem_service.services`).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from uuid import UUID

import structlog

from flexhub.bus import BusUnavailable, GatewayBus
from flexhub.bus.snapshot import RELEASED_FIELD, is_released, moment_of
from flexhub.gateway import limits
from flexhub.gateway.farewells import spread
from flexhub.gateway.handlers import Turn
from flexhub.gateway.seats import Seat
from flexhub.gateway.sessions import new_id
from flexhub.gateway.silence import Silence
from flexhub.gateway.writer import BatchWriter
from s2.errors import LocalProtocolError
from s2.messages import ControlType, SelectControlType

logger = structlog.get_logger(__name__)

_FREE = (None, ControlType.NO_SELECTION, ControlType.NOT_CONTROLABLE)


class CEMWatch:
    """`run` is one of the process's tasks; `let_go` is called with each seat that is to be released."""

    def __init__(
        self,
        bus: GatewayBus,
        seats: Mapping[UUID, Seat],
        writer: BatchWriter,
        let_go: Callable[[Seat], None],
        *,
        release_after_s: float,
    ) -> None:
        self._bus = bus
        self._seats = seats
        self._writer = writer
        self._let_go = let_go
        self._release_after_s = release_after_s
        self._round_s = release_after_s / limits.CEM_ROUNDS
        self._silence = Silence(limits.CEM_ROUNDS, limits.CEM_ASK_FROM_ROUND)
        self._is_silent = False
        self._released = 0

    async def run(self) -> None:
        """Look on and on until cancelled."""
        while True:
            await asyncio.sleep(self._round_s)
            await self.look()

    async def look(self) -> None:
        """One round."""
        held = _by_site(seat for seat in self._seats.values() if is_steered(seat))
        sites = list(held)
        try:
            self._silence.hear(dict(zip(sites, await self._bus.last_looks(sites), strict=True)))
        except BusUnavailable:
            self._silence.hear_nothing()
        for site_id in self._silence.to_wake():
            held[site_id][0].wake(self._writer.batch)
            self._writer.touch()
        self._tell(len(self._silence.silent()))
        await self._release([seat for site_id in self._silence.silent() for seat in held[site_id]])

    async def _release(self, seats: list[Seat]) -> None:
        now = seats[: limits.RELEASES_PER_ROUND]
        async for seat in spread(now, within_s=self._round_s, pause_s=limits.RELEASE_PAUSE_S):
            self._let_go(seat)
            self._released += 1

    def _tell(self, silent: int) -> None:
        """Once when it begins, and once when every device that is still here was selected again."""
        if silent and not self._is_silent:
            logger.error("gateway.cem.silent", sites=silent, after_s=self._release_after_s)
            self._is_silent = True
        elif self._is_silent and not silent and not any(map(_is_released, self._seats.values())):
            logger.info("gateway.cem.looks_again", released=self._released)
            self._is_silent, self._released = False, 0


def is_steered(seat: Seat) -> bool:
    """Whether a hosted CEM has selected what it can steer the device by."""
    return not seat.closed and seat.rm is None and seat.relay is None and seat.session.control_type not in _FREE


def release(turn: Turn) -> bool:
    """Queue the selection of NO_SELECTION; the caller flushes the seat. False where there is nothing to release."""
    seat = turn.seat
    select = SelectControlType(message_id=new_id(), control_type=ControlType.NO_SELECTION)
    if not is_steered(seat):
        return False
    try:
        seat.session.send(select, turn.at)
    except LocalProtocolError:
        return False  # The session is ending, or too far behind with its acknowledgements; then it soon ends.
    seat.reset_control_type(turn.batch)
    seat.fold(turn.batch, RELEASED_FIELD, turn.at.isoformat())
    return True


def _by_site(seats: Iterable[Seat]) -> dict[UUID, list[Seat]]:
    found: dict[UUID, list[Seat]] = defaultdict(list)
    for seat in seats:
        found[seat.info.site_id].append(seat)
    return found


def _is_released(seat: Seat) -> bool:
    return is_released(seat.session.control_type, moment_of(seat.text_of(RELEASED_FIELD)))
