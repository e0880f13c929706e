"""What thousands of sessions cost while they say nothing, under each ASGI server: memory, and CPU."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial

from tests.bench.crowd import crowd
from tests.bench.homes import register
from tests.bench.rows import Row
from tests.bench.world import bench_world

SERVERS = ("daphne", "uvicorn")
MEMORY_SESSIONS = 2_000
IDLE_SESSIONS = 5_000
# These load code and open connections to Redis and PostgreSQL, and are not what is measured.
FIRST_SESSIONS = 20
SETTLE_S = 5.0
# Two rounds of pings.
IDLE_S = 60.0


def session_memory(server: str, number: int = MEMORY_SESSIONS) -> Row:
    """Resident memory for each idle session under FRBC, with its description and statuses."""
    with bench_world() as world:
        homes = register(FIRST_SESSIONS + number)
        with crowd(world, server) as gathered:
            gathered.open_idle(homes[:FIRST_SESSIONS])
            gathered.await_controlled(FIRST_SESSIONS)
            time.sleep(SETTLE_S)
            before_kb = gathered.gateway.rss_kb
            gathered.open_idle(homes[FIRST_SESSIONS:])
            gathered.await_controlled(FIRST_SESSIONS + number)
            time.sleep(SETTLE_S)
            value = (gathered.gateway.rss_kb - before_kb) / number
    return _row("session-memory", server, value, "KB/session", target=60.0)


def idle_cpu(server: str, number: int = IDLE_SESSIONS) -> Row:
    """CPU of the gateway process while its sessions say nothing but pong."""
    with bench_world() as world:
        homes = register(number)
        with crowd(world, server) as gathered:
            gathered.open_idle(homes)
            gathered.await_controlled(number)
            time.sleep(SETTLE_S)
            before_s, started = gathered.gateway.cpu_s, time.monotonic()
            time.sleep(IDLE_S)
            value = (gathered.gateway.cpu_s - before_s) / (time.monotonic() - started) * 100
    return _row("idle-cpu", server, value, "% of a core", target=5.0)


def _row(name: str, server: str, value: float, unit: str, *, target: float) -> Row:
    """The targets are for the server that is the default; the other one is shown beside."""
    return Row(name, value, unit, target) if server == SERVERS[0] else Row(f"{name}-{server}", value, unit)


ROWS: Mapping[str, Callable[[], Row]] = {
    "session-memory": partial(session_memory, "daphne"),
    "session-memory-uvicorn": partial(session_memory, "uvicorn"),
    "idle-cpu": partial(idle_cpu, "daphne"),
    "idle-cpu-uvicorn": partial(idle_cpu, "uvicorn"),
}
