"""What a message costs the gateway: CPU for each measurement."""

from __future__ import annotations

import asyncio
import statistics
import sys
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack

from tests.bench.load import cpu_s, introduce, measurements, open_sockets, pump
from tests.bench.rows import Row
from tests.bench.world import Credentials, bench_world
from tests.support.gateway import RunningGateway, SocketDevice, running_gateway

CONNECTIONS = 20
WINDOW = 4
WARM_UP = 4_000
MESSAGES = 10_000
ROUNDS = 3


def measurement_cpu() -> Row:
    """Server CPU for a PowerMeasurement that is received, judged, acknowledged and folded into Redis."""
    with (
        bench_world() as world,
        running_gateway(world.environment) as gateway,
        running_gateway(world.environment, (sys.executable, "-m", "tests.bench.echo")) as echo,
    ):
        value, baseline = asyncio.run(_measure_cpu(gateway, echo, world.devices(CONNECTIONS)))
        gateway.stop()
        echo.stop()
    return Row("measurement-cpu", value, "us/message", target=2.0, baseline=baseline)


async def _measure_cpu(
    gateway: RunningGateway, echo: RunningGateway, devices: list[Credentials]
) -> tuple[float, float]:
    """Rounds of both by turns, so that a noisy moment of the machine hits both; the medians in microseconds."""
    async with AsyncExitStack() as stack:
        sessions = await open_sockets(stack, gateway, devices)
        await asyncio.gather(*map(introduce, sessions))
        echoes = await open_sockets(stack, echo, devices)
        pairs = [(gateway.process.pid, sessions), (echo.process.pid, echoes)]
        costs: tuple[list[float], list[float]] = ([], [])
        for process_id, sockets in pairs:
            await _cost_us(process_id, sockets, WARM_UP)
        for _ in range(ROUNDS):
            for found, (process_id, sockets) in zip(costs, pairs, strict=True):
                found.append(await _cost_us(process_id, sockets, MESSAGES))
    return statistics.median(costs[0]), statistics.median(costs[1])


async def _cost_us(process_id: int, sockets: list[SocketDevice], number: int) -> float:
    texts = measurements(number)
    before = cpu_s(process_id)
    await pump([each.socket for each in sockets], texts, WINDOW)
    return (cpu_s(process_id) - before) / number * 1e6


ROWS: Mapping[str, Callable[[], Row]] = {"measurement-cpu": measurement_cpu}
