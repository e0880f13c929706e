"""Whatever happens to Redis and to sockets: what a hosted RM's session acknowledged is in its mail, and once."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flexhub.bus import Batch, BatchResult
from flexhub.bus.memory import MemoryWorkerBus
from flexhub.bus.memory_store import MemoryStore
from flexhub.gateway import keeper, limits, writer
from flexhub.gateway.process import GatewayProcess
from tests.support.clock import FixedClock
from tests.support.gateway_inside import TIMEOUT_S, Document, SwitchableBus, make_process
from tests.support.remote_cem import ControlledLink, instruction, remote_cem
from tests.support.resources import measurement


@pytest.fixture(autouse=True, scope="module")
def _impatient() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("FLUSH_PAUSE_S", "REDIS_RETRY_S", "REDIS_RETRY_MAX_S"):
            patch.setattr(writer, name, 0.0005)
        patch.setattr(keeper, "LEASE_RENEWAL_S", 0.002)
        patch.setattr(limits, "REDIS_RETRY_S", 0.0005)
        patch.setattr(limits, "GOODBYE_S", 0.05)
        yield


class FaultyBus(SwitchableBus):
    """`breaks`: the next write takes effect, and its answer gets lost with the connection."""

    breaks = False

    async def write(self, batch: Batch) -> BatchResult:
        result = await super().write(batch)
        if self.breaks:
            self.breaks, self.down = False, True
            self._reach()
        await asyncio.sleep(0)
        return result


class Story:
    """An energy manager that instructs while things happen, and an RM that reads its mail now and then."""

    def __init__(self) -> None:
        self.clock = FixedClock.at()
        self.who = remote_cem(messages_per_s=100_000, burst=100_000)
        self.store = MemoryStore()
        self.bus = FaultyBus(self.store)
        self.worker = MemoryWorkerBus(self.store)
        self.process: GatewayProcess = make_process(self.bus, self.clock)
        self.link: ControlledLink | None = None
        self.acknowledged: list[str] = []
        self.taken: list[str] = []

    async def play(self, steps: list[str]) -> None:
        await self.connect()
        for step in steps:
            await getattr(self, step)()
        self.bus.breaks = self.bus.down = False
        await self.hang_up()
        self.take()
        await self.process.stop()

    # -- What happens ----------------------------------------------------------------------------------------------

    async def instruct(self) -> None:
        if self.link is None:
            return
        ours = instruction(self.clock.now())
        self.link.socket.send(ours)
        answer = await self._answer_to(ours.message_id)
        if answer is not None and answer["status"] == "OK":
            self.acknowledged.append(ours.id)

    async def say(self) -> None:
        if self.link is not None and self.link.task.token is not None:
            self.link.task.say(measurement(1.0, self.clock.now()))

    async def read_mail(self) -> None:
        self.take()

    async def lose_redis(self) -> None:
        self.bus.down = True

    async def lose_redis_half_way(self) -> None:
        self.bus.breaks = True

    async def find_redis(self) -> None:
        self.bus.breaks = self.bus.down = False

    async def lose_the_lease(self) -> None:
        """As a process does that was paused for too long; others have cleaned up after it."""
        if self.bus.down:
            return
        name = self.bus.process
        self.store.leases[name] = 0.0
        await eventually(lambda: self.bus.process != name or self.bus.down)

    async def connect(self) -> None:
        await self.find_redis()
        await self.hang_up()
        await eventually(lambda: not self.process.seats)
        self.link = ControlledLink(self.process, self.worker, self.who, self.clock.now())
        await self.link.control()

    # -- Beside that -----------------------------------------------------------------------------------------------

    async def hang_up(self) -> None:
        if self.link is not None:
            self.link.socket.hang_up()
            await asyncio.wait_for(self.link.socket.served, TIMEOUT_S)
            self.link = None

    def take(self) -> None:
        letters = self.worker.mail(self.who.end_id, count=10_000).letters
        self.taken += [json.loads(each.payload)["id"] for each in letters if each.kind == "instruction"]
        for last in letters[-1:]:
            self.worker.drop_mail(self.who.end_id, last.id)

    async def _answer_to(self, message_id: str) -> Document | None:
        """None where the socket closed without one."""
        assert self.link is not None
        while (event := await self.link.socket.event())["type"] == "websocket.send":
            heard: Document = json.loads(event["text"])
            if heard.get("subject_message_id") == message_id:
                return heard
            if heard["message_type"] != "ReceptionStatus":
                self.link.socket.acknowledge(heard)
        await self.hang_up()
        return None


async def eventually(look: Callable[[], object]) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while not look():  # noqa: ASYNC110  # What is looked at tells nobody when it changes.
            await asyncio.sleep(0.001)


STEPS = (
    *("instruct", "instruct", "say", "read_mail", "connect"),
    *("lose_redis", "lose_redis_half_way", "find_redis", "lose_the_lease"),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(STEPS), max_size=25))
def test_what_was_acknowledged_is_in_the_mail_exactly_once(steps: list[str]) -> None:
    story = Story()

    asyncio.run(story.play(steps))

    found = Counter(story.taken)
    assert set(story.acknowledged) <= found.keys()
    assert set(found.values()) <= {1}


def test_the_story_tells_of_both_outcomes() -> None:
    story = Story()

    asyncio.run(story.play(["instruct", "lose_redis", "instruct", "connect", "lose_redis_half_way", "instruct"]))

    assert len(story.acknowledged) == 1
    # What Redis took before the connection broke was not acknowledged, and is there all the same.
    assert len(story.taken) == 2
