"""Gateway processes in memory, each with its share of the links that no peer opens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import cast
from uuid import UUID

from flexhub.bus import SeatAddress
from flexhub.bus.memory import MemoryWorkerBus
from flexhub.bus.memory_store import MemoryStore
from flexhub.gateway.dialer import Dialler
from flexhub.gateway.outgoing import Outgoing
from flexhub.gateway.shares import owner
from flexhub.pairing.outgoing import OutgoingLink
from tests.support.clock import FixedClock
from tests.support.gateway_inside import TIMEOUT_S, GivenAllowances, SwitchableBus, make_process
from tests.support.outgoing_links import FakeConnection, FakeDialler, ListedLinks


async def until(look: Callable[[], object]) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while not look():  # noqa: ASYNC110  # What is looked at tells nobody when it changes.
            await asyncio.sleep(0.001)


class AwayBus(SwitchableBus):
    """Also what the links are shared by is unreachable while it is `down`."""

    async def find_seats(self, end_ids: Sequence[UUID]) -> dict[UUID, SeatAddress]:
        self._reach()
        return await super().find_seats(end_ids)

    async def living(self) -> frozenset[str]:
        self._reach()
        return await super().living()

    async def retire(self) -> None:
        self._reach()
        await super().retire()


class Gateway:
    """A process with its share of the links."""

    def __init__(self, store: MemoryStore, registry: ListedLinks, clock: FixedClock) -> None:
        self.bus = AwayBus(store)
        self.allowances = GivenAllowances()
        self.process = make_process(self.bus, clock, allowances=self.allowances)
        self.dialler = FakeDialler()
        self.outgoing = Outgoing(self.process, self.bus, registry, cast(Dialler, self.dialler), chance=lambda: 0.0)

    @property
    def name(self) -> str:
        return self.bus.process

    @property
    def connection(self) -> FakeConnection:
        return self.dialler.connections[-1]

    async def look(self) -> None:
        await self.outgoing.look()
        # What the look began has its turn.
        for _ in range(50):
            await asyncio.sleep(0)

    async def connected(self, times: int) -> None:
        await until(lambda: len(self.dialler.connections) == times)

    async def die(self, store: MemoryStore) -> None:
        """Without a word to anybody; then its lease ends."""
        self.bus.down = True
        tasks = set(self.process._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        store.remove(self.name)

    async def end(self) -> None:
        await self.outgoing.stop()
        if not self.process.stopping:
            await self.process.stop()


class World:
    def __init__(self, clock: FixedClock) -> None:
        self.store = MemoryStore()
        self.registry = ListedLinks()
        self.worker = MemoryWorkerBus(self.store)
        self.gateways: list[Gateway] = []
        self._clock = clock

    def gateway(self) -> Gateway:
        self.gateways.append(Gateway(self.store, self.registry, self._clock))
        return self.gateways[-1]

    def holders(self) -> dict[UUID, str]:
        return {record.info.link_id: record.process for record in self.worker.sessions()}

    async def looks_until(self, look: Callable[[], object]) -> None:
        """All processes go on looking."""
        async with asyncio.timeout(TIMEOUT_S):
            while not look():
                for each in self.gateways:
                    if not each.process.stopping:
                        await each.look()
                await asyncio.sleep(0.001)

    async def end(self) -> None:
        """Whatever was away is back, and everybody stops."""
        self.registry.down = False
        for each in self.gateways:
            each.bus.down = False
            each.dialler.gate.set()
            await each.end()

    def balanced(self, links: list[OutgoingLink]) -> bool:
        names = [each.name for each in self.gateways if self.store.lives(each.name)]
        return all(self.holders().get(each.key) == owner(each.key, names) for each in links)


def requests_at(connection: FakeConnection) -> list[str]:
    """The kinds of SessionRequest that the server elsewhere has heard."""
    messages = [json.loads(text) for text in connection.sent]
    return [each["request"] for each in messages if each["message_type"] == "SessionRequest"]
