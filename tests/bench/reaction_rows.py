"""How long it takes from a message in to the instruction out on the socket, among 500 connected buildings.

Measurements come from the main meters of most homes, ten a second in all, each so different from the one before that
the battery has to do something else. Meanwhile the grid operator limits what others may draw, three times a second.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

import numpy as np

from flexhub.clock import Clock
from tests.bench.buildings import register
from tests.bench.crowd import Gateway
from tests.bench.hosted import Wakes, Worker, hub_clock
from tests.bench.rows import Row
from tests.bench.street import DEVICES, Home, connect, keep_ticking
from tests.bench.world import World, bench_world

BUILDINGS = 500
LIMITED = 180
CONNECT_RATE = 50.0
MEASUREMENTS = 600
MEASUREMENTS_PER_S = 10.0
# Before it is looked again who still waits for a plan.
MEASURED_TOGETHER = 50
LIMITS_PER_S = 3.0
# So much more or less than it uses a home has by turns.
OWN_W = 3_000.0
ALLOWED_W = 2_000
# What a battery holds that no test empties is worth as much as it sells for, so that a plan may sell all the time, or
# never, and lose nothing by it. Where selling costs something, each battery follows what its home needs.
SELLING = -0.05
# Whoever draws power is paid for it while the bench runs, so that these batteries charge.
PAID_NOW = (0.34,) * 9 + (-0.30,) * 4 + (0.34,) * 11
# What has not come by then is counted as this.
PATIENCE_S = 10.0
PATIENCE_FOR_ALL_S = 1_200.0


@dataclass(slots=True)
class Latencies:
    """In seconds, by what came in."""

    measurement: list[float] = field(default_factory=list)
    limit: list[float] = field(default_factory=list)

    def percentile_ms(self, kind: str, percent: float) -> float:
        return float(np.percentile(getattr(self, kind), percent)) * 1e3


class GridOperator:
    """Limits sites as the hub's own pages and API do, in a thread of its own."""

    def __init__(self, redis_url: str, clock: Clock) -> None:
        from cem_service.runtime import Tools
        from flexhub.bus.worker_side import RedisWorkerBus

        self._bus, self._wakes = RedisWorkerBus(redis_url), Wakes(redis_url)
        self._clock = clock
        self._tools = Tools(
            bus=self._bus,
            clock=clock,
            new_id=lambda: str(uuid4()),
            send_react=lambda tenant_id, site_id, _: self._wakes.send(tenant_id, site_id),
            send_plan=_no_plan,
        )
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="grid-operator")

    async def limit(self, home: Home) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._limit, home)

    def close(self) -> None:
        self._thread.submit(_close_connections).result()
        self._thread.shutdown()
        self._wakes.close()
        self._bus.close()

    def _limit(self, home: Home) -> None:
        from cem_service.limits import LimitWish, set_limit
        from flexhub.devices.models import Site
        from tenants.scope import tenant_scope

        with tenant_scope(home.building.tenant_id):
            site = Site.objects.get(pk=home.building.site_id)
        now = self._clock.now()
        wish = LimitWish(
            starts_at=now,
            ends_at=now + timedelta(hours=1),
            source="Grid Ltd",
            reason="A cable is out.",
            import_w=ALLOWED_W,
        )
        set_limit(site=site, reference="bench", wish=wish, tools=self._tools)


def _no_plan(*_: object) -> None:
    raise AssertionError("whoever sets a limit asks for a reaction")


def _close_connections() -> None:
    from django.db import connections

    connections.close_all()


@cache
def latencies() -> Latencies:
    """Measured once for all rows."""
    with bench_world() as world, hub_clock() as clock, _hub(world, clock) as url:
        limited = register(DEVICES, LIMITED, provider="Birch", prices=PAID_NOW, selling=SELLING)
        buildings = [*limited, *register(DEVICES, BUILDINGS - LIMITED, selling=SELLING)]
        homes = [Home(building, url, clock) for building in buildings]
        operator = GridOperator(world.environment["REDIS_URL"], clock)
        try:
            return asyncio.run(_measure(homes, operator))
        finally:
            operator.close()


@contextmanager
def _hub(world: World, clock: Clock) -> Iterator[str]:
    """A gateway, and workers that react and plan; yields the gateway's URL."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="flexhub-reaction-")))
        # Plans that search for long would only keep everybody waiting for the first message.
        environment = world.environment | {"FLEXHUB_CLOCK": str(clock), "PLAN_TIME_MS": "0"}
        workers = [Worker(environment, queue, folder / f"{queue}.log") for queue in ("cem", "plan")]
        for worker in workers:
            stack.callback(worker.end)
        gateway = Gateway(environment, "daphne", folder)
        stack.callback(gateway.end)
        gateway.start()
        for worker in workers:
            worker.await_ready()
        yield gateway.url
        errors = [line for worker in workers for line in worker.errors()]
        assert not errors, errors


async def _measure(homes: Sequence[Home], operator: GridOperator) -> Latencies:
    ticking = asyncio.create_task(keep_ticking(homes))
    try:
        await connect(homes, CONNECT_RATE)
        limited, measured = homes[:LIMITED], homes[LIMITED:]
        await _settled(homes, limited)
        found = Latencies()
        async with asyncio.TaskGroup() as group:
            group.create_task(_at_rate(MEASUREMENTS_PER_S, MEASUREMENTS, lambda n: _measured(measured, n, found)))
            group.create_task(_at_rate(LIMITS_PER_S, LIMITED, lambda n: _limited(limited[n], operator, found)))
        ended = [wire.ended for home in homes for wire in home.wires if wire.ended is not None]
        assert not ended, ended[:3]
        return found
    finally:
        ticking.cancel()
        for home in homes:
            for wire in home.wires:
                wire.close()


async def _settled(homes: Sequence[Home], limited: Sequence[Home]) -> None:
    """Until each home is planned, and all that will be limited take more than they will be allowed.

    Meanwhile those that are not ready measure by turns, and so ask once more for a task that has expired. All of them
    at once would ask for more than the workers can do, and delay what everybody waits for.
    """
    until = monotonic() + PATIENCE_FOR_ALL_S
    while waiting := await _waiting(homes, limited):
        assert monotonic() < until, f"{len(waiting)} homes are not planned, or do not charge"
        await _measure_by_turns(waiting[:MEASURED_TOGETHER])
    # What their batteries do by now.
    await _measure_by_turns(homes)


async def _measure_by_turns(homes: Sequence[Home]) -> None:
    for home in homes:
        home.measure()
        await asyncio.sleep(1 / MEASUREMENTS_PER_S)


async def _waiting(homes: Sequence[Home], limited: Sequence[Home]) -> list[Home]:
    """Those that have no plan, were told nothing, or will be limited and do not take more than allowed yet.

    Shuffled, so that all have their turn.
    """
    planned = await asyncio.to_thread(_planned_sites)
    idle = {home.building.site_id for home in limited if home.battery_w <= ALLOWED_W}
    waiting = [
        home
        for home in homes
        if not home.controlled or home.building.site_id not in planned or home.building.site_id in idle
    ]
    return random.sample(waiting, len(waiting))


def _planned_sites() -> set[UUID]:
    from cem_service.models import PlanRun, PlanRunKind
    from tenants.scope import platform_scope

    with platform_scope("the bench looks for plans"):
        return set(PlanRun.objects.filter(kind=PlanRunKind.PLAN).values_list("site_id", flat=True))


async def _measured(homes: Sequence[Home], number: int, found: Latencies) -> None:
    """The meter reads something else: how long until the battery was told what to do about it."""
    home = homes[number % len(homes)]
    home.own_w = -OWN_W if number // len(homes) % 2 == 0 else OWN_W
    home.expect()
    began = monotonic()
    home.measure()
    told_at = await home.told_at(PATIENCE_S)
    found.measurement.append(PATIENCE_S if told_at is None else told_at - began)
    home.measure()


async def _limited(home: Home, operator: GridOperator, found: Latencies) -> None:
    home.expect()
    began = monotonic()
    await operator.limit(home)
    told_at = await home.told_at(PATIENCE_S)
    found.limit.append(PATIENCE_S if told_at is None else told_at - began)
    home.measure()


async def _at_rate(per_s: float, number: int, make: Callable[[int], Coroutine[Any, Any, None]]) -> None:
    """Start so many a second, whether or not those before have ended."""
    start = monotonic()
    async with asyncio.TaskGroup() as group:
        for place in range(number):
            await asyncio.sleep(max(0.0, start + place / per_s - monotonic()))
            group.create_task(make(place))


def _row(kind: str, percent: int, target_ms: float) -> Row:
    return Row(f"reaction-{kind}-p{percent}", latencies().percentile_ms(kind, percent), "ms", target_ms)


ROWS: Mapping[str, Callable[[], Row]] = {
    "reaction-measurement-p50": lambda: _row("measurement", 50, 100.0),
    "reaction-measurement-p99": lambda: _row("measurement", 99, 500.0),
    "reaction-limit-p50": lambda: _row("limit", 50, 100.0),
    "reaction-limit-p99": lambda: _row("limit", 99, 500.0),
}
