"""The gateway's connections to a Redis Cluster: one to each server, all spoken to at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from flexhub.bus.address import Node
from flexhub.bus.line import raise_first, unavailable
from flexhub.bus.scripts import Command
from flexhub.bus.slots import Hunt, NoOwner, Parcel, SlotMap
from flexhub.bus.wire import Reply, Wire

# Between two tries for the same command: a slot's move or a failover needs time, not questions.
PAUSE_S = 0.05
# Of the timeout that an exchange has, how much one silent server may cost while another could tell the map.
SHARE_FOR_THE_MAP = 0.25


class ClusterLine:
    """A `Line` to a Cluster. While a server is away, only exchanges about its slots fail, and those that they hold up.

    Many tasks may use it; each waits for its turn, and no longer than an exchange may take.
    """

    def __init__(self, seeds: Sequence[Node], open_wire: Callable[[Node], Wire], *, timeout_s: float) -> None:
        self._slots = SlotMap(seeds)
        self._open_wire = open_wire
        self._wires: dict[Node, Wire] = {}
        self._waiting: set[Node] = set()
        self._timeout_s = timeout_s
        self._lock = asyncio.Lock()

    async def exchange(
        self, commands: Sequence[Command], *, then: Sequence[Command] = (), wait_s: float = 0.0
    ) -> list[Reply]:
        async with self._turn():
            try:
                async with asyncio.timeout(self._timeout_s + wait_s):
                    replies = await self._hunt(commands)
                    if then:
                        replies += await self._hunt(then)
                    return replies
            except (RedisError, OSError, TimeoutError, NoOwner) as error:
                await self._give_up()
                raise unavailable(error) from error
            except BaseException:
                await self._give_up()
                raise

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._lock.acquire()
        except TimeoutError as error:
            raise unavailable(error) from error
        try:
            yield
        finally:
            self._lock.release()

    async def close(self) -> None:
        for wire in self._wires.values():
            await wire.drop()

    async def _hunt(self, commands: Sequence[Command]) -> list[Reply]:
        hunt = Hunt(self._slots, commands)
        pause_s = 0.0
        while not hunt.done:
            if self._slots.stale:
                await self._ask_for_the_map()
            await self._deliver_all(hunt, hunt.parcels())
            if not hunt.done:
                await asyncio.sleep(pause_s)
                pause_s = PAUSE_S
        raise_first(hunt.replies)
        return hunt.replies

    async def _deliver_all(self, hunt: Hunt, parcels: Sequence[Parcel]) -> None:
        if len(parcels) == 1:
            await self._deliver(hunt, parcels[0])
            return
        # All of them to their end, so that no answer is left on a connection because another server failed.
        outcomes = await asyncio.gather(*(self._deliver(hunt, each) for each in parcels), return_exceptions=True)
        for outcome in outcomes:
            if outcome is not None:
                raise outcome

    async def _deliver(self, hunt: Hunt, parcel: Parcel) -> None:
        hunt.take(parcel, await self._send(parcel.node, parcel.commands))

    async def _send(self, node: Node, commands: Sequence[Command]) -> list[Reply]:
        wire = self._wires.get(node)
        if wire is None:
            wire = self._wires[node] = self._open_wire(node)
        self._waiting.add(node)
        replies = await wire.send(commands)
        self._waiting.discard(node)
        return replies

    async def _ask_for_the_map(self) -> None:
        """Raises what the last of the servers failed with."""
        failure: Exception = RedisConnectionError("no server of the Cluster answers")
        for node in self._slots.candidates():
            try:
                async with asyncio.timeout(self._timeout_s * SHARE_FOR_THE_MAP):
                    replies = await self._send(node, [("CLUSTER", "SLOTS")])
                raise_first(replies)
            except (RedisError, OSError, TimeoutError) as error:
                failure = error
                await self._give_up()
                continue
            self._slots.learn(cast(Any, replies[0]), node)
            await self._leave(self._wires.keys() - self._slots.nodes)
            return
        raise failure

    async def _give_up(self) -> None:
        """Answers of these are still on their way, or will never come."""
        for node in self._waiting:
            self._slots.silent(node)
        await self._leave(self._waiting)
        self._waiting.clear()

    async def _leave(self, nodes: set[Node]) -> None:
        for node in nodes:
            await self._wires.pop(node).drop()
