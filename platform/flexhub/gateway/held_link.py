"""One link that this process keeps open: it opens it, and opens it again when its session ends.

How long it waits in between follows from how long the sessions lasted (backoff.py). A peer that asks us to reconnect
after a good session sees us again within two seconds; one that ends every session at once, ever more rarely.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any
from uuid import UUID, uuid4

import structlog

from flexhub.bus import BusUnavailable, GatewayBus, end_id
from flexhub.gateway import limits
from flexhub.gateway.backoff import pause_s, slow_pause_s
from flexhub.gateway.consumers import hold
from flexhub.gateway.dialer import DialFailed, Dialler
from flexhub.gateway.house import hold_house
from flexhub.gateway.process import GatewayProcess
from flexhub.gateway.registry import Registry, RegistryUnavailable, TokenUnreadable
from flexhub.gateway.seats import Seat
from flexhub.gateway.tenant_load import SessionQuotaReached
from flexhub.pairing.models import DialledEnd
from flexhub.pairing.outgoing import Outcome, OutgoingLink
from s2.errors import LocalProtocolError
from s2.messages import EnergyManagementRole, SessionRequest, SessionRequestType

logger = structlog.get_logger(__name__)

State = DialledEnd.State


class _Attempt(Enum):
    LASTED = auto()
    FAILED = auto()
    # Trying again soon is no use.
    REFUSED = auto()
    # It is not ours to open, at least not as we know it.
    NOT_OURS = auto()


@dataclass(frozen=True, slots=True)
class Means:
    """What all links of a process are kept open with. `note` must not block; `chance` is from [0, 1)."""

    process: GatewayProcess
    bus: GatewayBus
    registry: Registry
    dialler: Dialler
    opening: asyncio.Semaphore
    note: Callable[[Outcome], None]
    chance: Callable[[], float]


class HeldLink:
    """`misplaced_since_s` is when the link began to belong to another process, by the event loop's clock."""

    __slots__ = ("_leaving", "_means", "_noted", "_seats", "link", "misplaced_since_s")

    def __init__(self, link: OutgoingLink, means: Means) -> None:
        self.link = link
        self.misplaced_since_s: float | None = None
        self._means = means
        self._seats: list[Seat] = []
        self._leaving = asyncio.Event()
        self._noted: tuple[str, str] | None = None

    @property
    def leaving(self) -> bool:
        return self._leaving.is_set()

    async def keep(self) -> None:
        """Until it is told to leave, the process stops, or the link turns out to be somebody else's."""
        failures = 0
        while not self._over:
            attempt = await self._attempt()
            if attempt is _Attempt.NOT_OURS:
                return
            failures = 0 if attempt is _Attempt.LASTED else failures
            chance = self._means.chance()
            await self._wait(slow_pause_s(chance) if attempt is _Attempt.REFUSED else pause_s(failures, chance))
            failures += 1

    def leave(self, request: SessionRequestType, reason: str) -> None:
        """Take leave of the peer, or of each other, and end. Doing it again changes nothing."""
        if not self.leaving:
            self._leaving.set()
            self._means.process.spawn(self._part(list(self._seats), request, reason))

    # -- One attempt -------------------------------------------------------------------------------------------------

    async def _attempt(self) -> _Attempt:
        try:
            async with self._means.opening:
                taken = await self._means.bus.find_seats(self._ends())
            if taken:
                return _Attempt.NOT_OURS
            return await (self._open_house() if self.link.dialled_id is None else self._dial())
        except (BusUnavailable, RegistryUnavailable) as error:
            logger.debug("gateway.link.waits", link_id=str(self.link.link_id), error=type(error).__name__)
        except SessionQuotaReached as error:
            logger.info("gateway.link.refused", link_id=str(self.link.link_id), error=str(error))
            self._note(State.FAILED, str(error))
            return _Attempt.REFUSED
        except TokenUnreadable as error:
            self._note(State.FAILED, str(error))
            return _Attempt.REFUSED
        except DialFailed as error:
            self._note(State.REFUSED if error.refused else State.FAILED, str(error))
            return _Attempt.REFUSED if error.refused else _Attempt.FAILED
        except Exception:
            # Whatever it was, the link is opened again; its peer cannot do it.
            logger.exception("gateway.link.failed", link_id=str(self.link.link_id))
        return _Attempt.FAILED

    def _ends(self) -> list[UUID]:
        """The end ids of the seats that we would take."""
        if self.link.dialled_id is not None:
            return [self.link.key]
        return [end_id(self.link.link_id, role) for role in EnergyManagementRole]

    async def _open_house(self) -> _Attempt:
        async with self._means.opening:
            ends = None if self._over else await self._means.registry.house(self.link)
        if ends is None or self._over:
            return _Attempt.NOT_OURS
        return await self._judge(hold_house(self._means.process, *ends, opened=self._sit))

    async def _dial(self) -> _Attempt:
        async with self._means.opening:
            dialling = None if self._over else await self._means.registry.dialling(self.link)
            if dialling is None:
                return _Attempt.NOT_OURS
            socket = await self._means.dialler.connect(dialling.url, dialling.token)
        try:
            if self._over:
                return _Attempt.NOT_OURS
            process, who = self._means.process, dialling.identity
            return await self._judge(
                hold(process, who, socket.receive, socket.send, peer=socket.peer, opened=self._sit)
            )
        finally:
            await socket.close()

    async def _judge(self, session: Awaitable[dict[str, Any]]) -> _Attempt:
        now_s = asyncio.get_running_loop().time
        began_s = now_s()
        try:
            end = await session
        finally:
            await self._give_back()
        if now_s() - began_s >= limits.LASTED_S:
            return _Attempt.LASTED
        # Another process or a socket of the peer's own took over; that is no failure of the peer.
        if not self._over and end.get("code") != limits.CLOSE_REPLACED:
            reason = end.get("reason")
            self._note(State.FAILED, f"the session ended soon, with {end.get('code')}{f': {reason}' if reason else ''}")
        return _Attempt.FAILED

    async def _give_back(self) -> None:
        """A process that stops gives its seats back in the end, all at once; ours have heirs who wait for them."""
        seats, self._seats = self._seats, []
        if self._means.process.stopping:
            for seat in seats:
                await self._means.process.give_back(seat)

    def _sit(self, seat: Seat) -> None:
        self._seats.append(seat)
        self._note(State.CONNECTED, "")
        if self.leaving:
            self._means.process.spawn(seat.close(limits.CLOSE_SERVICE_RESTART, "The hub no longer connects here."))

    def _note(self, state: State, error: str) -> None:
        if self.link.dialled_id is None or self._noted == (state, error):
            return
        self._noted = (state, error)
        logger.info("gateway.link.outcome", link_id=str(self.link.link_id), state=state.value, error=error or None)
        self._means.note(Outcome(self.link.dialled_id, self.link.revision, state.value, error))

    # -- Its end -----------------------------------------------------------------------------------------------------

    @property
    def _over(self) -> bool:
        return self.leaving or self._means.process.stopping

    async def _wait(self, pause: float) -> None:
        try:
            # Not wait_for, which in Python 3.11 may swallow the cancellation that ends this task.
            async with asyncio.timeout(pause):
                await self._leaving.wait()
        except TimeoutError:
            return

    async def _part(self, seats: list[Seat], request: SessionRequestType, reason: str) -> None:
        for seat in seats:
            farewell = SessionRequest(message_id=str(uuid4()), request=request, diagnostic_label=reason)
            try:
                seat.session.send(farewell, self._means.process.clock.now())
            except LocalProtocolError:
                continue  # It has not begun, or is ending already.
            await self._means.process.flush(seat)
        await asyncio.sleep(limits.GOODBYE_S)
        for seat in seats:
            await seat.close(limits.CLOSE_SERVICE_RESTART, reason)
