"""What the gateway costs: CPU for each measurement, memory for each idle session."""

from __future__ import annotations

import asyncio
import statistics
import sys
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import psutil

from flexhub.bus import Envelope
from s2.messages import ControlType, SelectControlType, dump_message
from s2.versions import WireProfile
from tests.bench.load import cpu_s, introduce, measurements, open_sockets, pump
from tests.bench.rows import Row
from tests.bench.world import Credentials, World, bench_world
from tests.support.gateway import RunningGateway, SocketDevice, running_gateway
from tests.support.resources import battery_description, new_id, store_messages

CONNECTIONS = 20
WINDOW = 4
WARM_UP = 4_000
MESSAGES = 10_000
ROUNDS = 3
SESSIONS = 600


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


def session_memory() -> Row:
    """Resident memory of the gateway for each idle FRBC session, with its description and statuses."""
    with bench_world() as world, running_gateway(world.environment) as gateway:
        value = asyncio.run(_measure_memory(world, gateway, world.devices(SESSIONS + CONNECTIONS)))
        gateway.stop()
    return Row("session-memory", value, "KB/session", target=60.0)


async def _measure_memory(world: World, gateway: RunningGateway, devices: list[Credentials]) -> float:
    process = psutil.Process(gateway.process.pid)
    async with AsyncExitStack() as stack:
        # The first sessions load code and open connections to Redis and PostgreSQL; they are not what is measured.
        await _settle(world, await open_sockets(stack, gateway, devices[:CONNECTIONS]))
        before = process.memory_info().rss
        await _settle(world, await open_sockets(stack, gateway, devices[CONNECTIONS:]))
        return (process.memory_info().rss - before) / SESSIONS / 1024


async def _settle(world: World, sessions: list[SocketDevice]) -> None:
    """Bring sessions under FRBC with all their state accepted, a few at a time as devices come."""
    from flexhub.bus.worker_side import RedisWorkerBus

    await asyncio.gather(*map(introduce, sessions))
    bus = RedisWorkerBus(world.environment["REDIS_URL"])
    try:
        for seat in await asyncio.to_thread(bus.sessions):
            if seat.control_type is None:
                select = SelectControlType(message_id=new_id(), control_type=ControlType.FILL_RATE_BASED_CONTROL)
                link_id = seat.info.link_id
                envelope = Envelope(link_id, "message", dump_message(select, WireProfile.V1_0_0))
                await asyncio.to_thread(bus.publish, link_id, envelope)
    finally:
        bus.close()
    for session in sessions:
        await session.expect("SelectControlType")
        await _describe(session)
    # The last flush and the wakes are over by then.
    await asyncio.sleep(1)


async def _describe(session: SocketDevice) -> None:
    now = datetime.now(UTC)
    state = store_messages(
        battery_description(), levels=(0.0, 10.0), level=5.0, active=[("actuator", "idle", 0.0)], now=now
    )
    for message in state:
        assert (await session.ask(message))["status"] == "OK"
    for text in measurements(1):
        assert (await session.ask(text))["status"] == "OK"


ROWS: Mapping[str, Callable[[], Row]] = {"measurement-cpu": measurement_cpu, "session-memory": session_memory}
