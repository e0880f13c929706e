"""What the relay costs: server CPU for a message and its ReceptionStatus between two sockets, through Redis."""

from __future__ import annotations

import asyncio
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from functools import cache

from tests.bench.load import cpu_s
from tests.bench.relay_load import Ends, LinkCredentials, converse, make_links, open_bare, open_relayed, statements
from tests.bench.rows import Row
from tests.bench.world import bench_world
from tests.support.gateway import RunningGateway, running_gateway

LINKS = 50
# What the house promises of one process (500 acknowledged messages a second), from the same few sockets.
MESSAGES_PER_S = 500
WARM_UP = 1_000
MESSAGES = 2_500
ROUNDS = 5
FORWARD = (sys.executable, "-m", "tests.bench.forward")


@dataclass(frozen=True, slots=True)
class Costs:
    """CPU of the servers in microseconds for each message with its status; `apart`: the ends at two processes."""

    relay: float
    apart: float
    memory: float
    pubsub: float


@dataclass(frozen=True, slots=True)
class Subject:
    """The processes that carry the links, and the links' sockets."""

    servers: tuple[RunningGateway, ...]
    links: Sequence[Ends]

    def cpu_s(self) -> float:
        return sum(cpu_s(each.process.pid) for each in self.servers)


@cache
def costs(server: str) -> Costs:
    """Measured once for all the rows about this ASGI server, so that they share their noise."""
    with bench_world() as world, ExitStack() as stack:
        environment = world.environment | {"S2_SERVER": server}
        one, two, three = (stack.enter_context(running_gateway(environment)) for _ in range(3))
        memory, pubsub = (
            stack.enter_context(running_gateway(environment, (*FORWARD, kind))) for kind in ("memory", "pubsub")
        )
        found = asyncio.run(_measure(make_links(world, 2 * LINKS), (one, two, three), memory, pubsub))
        for each in (one, two, three, memory, pubsub):
            each.stop()
    return Costs(*found)


async def _measure(
    links: list[LinkCredentials], gateways: Sequence[RunningGateway], memory: RunningGateway, pubsub: RunningGateway
) -> list[float]:
    """Rounds of all by turns, so that a noisy moment of the machine hits each; the medians."""
    one, two, three = gateways
    async with AsyncExitStack() as stack:
        here, apart = links[:LINKS], links[LINKS:]
        subjects = (
            Subject((one,), await open_relayed(stack, here, one, one)),
            Subject((two, three), await open_relayed(stack, apart, two, three)),
            Subject((memory,), await open_bare(stack, here, memory)),
            Subject((pubsub,), await open_bare(stack, here, pubsub)),
        )
        for subject in subjects:
            await _cost_us(subject, WARM_UP)
        rounds = [[await _cost_us(subject, MESSAGES) for subject in subjects] for _ in range(ROUNDS)]
    return [statistics.median(found) for found in zip(*rounds, strict=True)]


async def _cost_us(subject: Subject, number: int) -> float:
    texts = statements(number)
    before = subject.cpu_s()
    await converse(subject.links, texts, MESSAGES_PER_S)
    return (subject.cpu_s() - before) / number * 1e6


def _row(name: str, server: str, baseline: str, target: float | None = None, value: str = "relay") -> Row:
    found = costs(server)
    return Row(name, getattr(found, value), "us/message", target, getattr(found, baseline))


# Against bare Channels consumers that forward in memory, and through groups of channels_redis.pubsub.
ROWS: Mapping[str, Callable[[], Row]] = {
    "relay": lambda: _row("relay", "daphne", "memory", target=1.6),
    "relay-pubsub": lambda: _row("relay-pubsub", "daphne", "pubsub", target=0.5),
    "relay-apart": lambda: _row("relay-apart", "daphne", "pubsub", value="apart"),
    "relay-uvicorn": lambda: _row("relay-uvicorn", "uvicorn", "memory"),
    "relay-uvicorn-pubsub": lambda: _row("relay-uvicorn-pubsub", "uvicorn", "pubsub"),
}
