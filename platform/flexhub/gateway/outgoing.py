"""Keeps open the links that no peer opens: house links, and those whose peer is a server elsewhere.

Every process looks every few seconds which of them there are and which processes stay, and takes its share
(shares.py): those that belong to it and are held by nobody. What another living process holds is left alone; what we
hold and belongs to another one is handed over after a while, few at a time, so that a rolling restart ends balanced.
Where two views disagree for a moment both may open a link; then the fencing token of the seat lets the newer one stay.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from uuid import UUID

import structlog

from flexhub.bus import BusUnavailable, GatewayBus
from flexhub.gateway import limits
from flexhub.gateway.dialer import Dialler
from flexhub.gateway.held_link import HeldLink, Means
from flexhub.gateway.process import GatewayProcess
from flexhub.gateway.registry import Registry, RegistryUnavailable
from flexhub.gateway.shares import Shares
from flexhub.observability.outage import Outage
from flexhub.pairing.outgoing import Outcome, OutgoingLink
from s2.messages import SessionRequestType

logger = structlog.get_logger(__name__)


class Outgoing:
    """One for each gateway process, beside it. Methods are called from its event loop only."""

    def __init__(
        self,
        process: GatewayProcess,
        bus: GatewayBus,
        registry: Registry,
        dialler: Dialler,
        *,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._process = process
        self._bus = bus
        self._registry = registry
        self._dialler = dialler
        self._means = Means(process, bus, registry, dialler, asyncio.Semaphore(limits.OPENING), self._note, chance)
        self._held: dict[UUID, HeldLink] = {}
        self._shares = Shares()
        self._outcomes: dict[int, Outcome] = {}
        self._outage = Outage("house links and dialled links are not looked after")
        self._attention = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopped = False

    def start(self) -> None:
        """Look from now on, until `stop`."""
        if self._task is None and not self._stopped:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Open nothing any more. The sessions that are open end with the process, which asks their peers to leave.

        Other processes take our share from now on, each link once its session here is over.
        """
        if self._stopped:
            return
        self._stopped = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task], timeout=limits.GOODBYE_S)
        await self._retire()
        self._registry.close()
        self._dialler.close()

    async def look(self) -> None:
        """One look. Raises BusUnavailable and RegistryUnavailable."""
        await self._process.start()
        links = {each.key: each for each in await self._registry.links()}
        staying = await self._bus.staying()
        if self._bus.process not in staying:
            return  # Our lease has just ended; the keeper takes another one, under another name.
        self._shares.see(staying)
        self._shares.forget_all_but(links.keys())
        self._let_go(links)
        self._hand_over()
        await self._take(links)
        await self._write_outcomes()

    async def _retire(self) -> None:
        if not self._bus.process:
            return  # It has not even begun.
        try:
            async with asyncio.timeout(limits.GOODBYE_S):
                await self._bus.retire()
        except (BusUnavailable, TimeoutError):
            logger.debug("gateway.outgoing.not_retired")  # Our share is taken over when the lease has ended.

    async def _run(self) -> None:
        while not self._process.stopping:
            self._attention.clear()
            try:
                with self._outage.expected(BusUnavailable, RegistryUnavailable):
                    await self.look()
            except Exception:
                logger.exception("gateway.outgoing.failed")
            try:
                # Not wait_for, which in Python 3.11 may swallow the cancellation that ends this task.
                async with asyncio.timeout(limits.LOOK_S):
                    await self._attention.wait()
            except TimeoutError:
                continue

    def _let_go(self, links: dict[UUID, OutgoingLink]) -> None:
        """Of what is gone, disabled or has another address now; the latter is opened again once it has ended."""
        for held in list(self._held.values()):
            if links.get(held.link.key) != held.link:
                held.leave(SessionRequestType.TERMINATE, "The hub no longer connects here.")

    def _hand_over(self) -> None:
        now_s, left = asyncio.get_running_loop().time(), limits.HANDOVERS_PER_LOOK
        for held in list(self._held.values()):
            if self._shares.owner(held.link.key) == self._bus.process:
                held.misplaced_since_s = None
            elif held.misplaced_since_s is None:
                held.misplaced_since_s = now_s
            elif left and not held.leaving and now_s - held.misplaced_since_s >= limits.HANDOVER_AFTER_S:
                left -= 1
                held.leave(SessionRequestType.RECONNECT, "Another process of the hub takes over.")

    async def _take(self, links: dict[UUID, OutgoingLink]) -> None:
        ours = self._bus.process
        missing = [key for key in links if key not in self._held and self._shares.owner(key) == ours]
        taken = await self._bus.find_seats(missing) if missing else {}
        for key in missing:
            if key not in taken and not self._process.stopping:
                held = self._held[key] = HeldLink(links[key], self._means)
                self._process.spawn(self._keep(held))

    async def _keep(self, held: HeldLink) -> None:
        try:
            await held.keep()
        finally:
            del self._held[held.link.key]
            if held.leaving:
                self._attention.set()  # It may have another address now.

    def _note(self, outcome: Outcome) -> None:
        self._outcomes[outcome.dialled_id] = outcome

    async def _write_outcomes(self) -> None:
        outcomes, self._outcomes = self._outcomes, {}
        if not outcomes:
            return
        try:
            await self._registry.note(list(outcomes.values()))
        except RegistryUnavailable:
            # Unless there is newer news meanwhile.
            self._outcomes = outcomes | self._outcomes
            raise
