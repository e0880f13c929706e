"""A process that speaks for a hosted RM, in memory: its bus, who is at the other end, and how to wait for either."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from flexhub.bus import Batch, BatchResult
from flexhub.bus.memory_store import MemoryStore
from s2.messages import dump_message
from s2.versions import WireProfile
from tests.support.gateway_inside import TIMEOUT_S, Document, FakeSocket, SwitchableBus
from tests.support.remote_cem import remote_cem

WHO = remote_cem(messages_per_s=100_000, burst=100_000)


class SlowBus(SwitchableBus):
    """Its writes wait for the test; `breaks`: the next one takes effect, and its answer gets lost."""

    breaks = False

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.may_write = asyncio.Event()
        self.may_write.set()

    async def write(self, batch: Batch) -> BatchResult:
        await self.may_write.wait()
        result = await super().write(batch)
        if self.breaks:
            self.breaks, self.down = False, True
            self._reach()
        return result


async def close(socket: FakeSocket) -> None:
    socket.hang_up()
    await asyncio.wait_for(socket.served, TIMEOUT_S)


async def eventually(look: Callable[[], object]) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while not look():  # noqa: ASYNC110  # What is looked at tells nobody when it changes.
            await asyncio.sleep(0.001)


async def until_closed(socket: FakeSocket) -> Document:
    while (event := await socket.event())["type"] != "websocket.close":
        assert event["type"] == "websocket.send", event
    return dict(event)


def text(message: object) -> str:
    return dump_message(message, WireProfile.V1_0_0)  # type: ignore[arg-type]  # Any message.
