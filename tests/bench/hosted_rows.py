"""A building's whole way: snapshots in, a plan stored, instructions on the bus; through Celery, PostgreSQL and Redis.

What a worker process spends on it is measured, in CPU time, so that one core makes so many buildings a second as it
fits into a second. The seeds of the buildings judge; none of them was used while the planners were made.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

from cem_service.planners.kernels.warm import warm_up
from flexhub.bus import Batch, SeatInfo
from flexhub.bus.gateway_side import RedisGatewayBus
from flexhub.bus.snapshot import CONTROL_TYPE_FIELD, PROFILE_FIELD, snapshot_field
from flexhub.bus.worker_side import RedisWorkerBus
from flexhub.clock import Clock
from s2.messages import dump_message
from s2.versions import WireProfile
from tests.bench.buildings import Building, Described, described, details_of, learn, register, remember
from tests.bench.hosted import Servers, Wakes, Worker, hub_clock, tree_cpu_s
from tests.bench.rows import Row
from tests.bench.world import World, bench_world

FIRST_SEED = 200
WARM_UP = 20
BUILDINGS = 100
ROUNDS = 3
LEASE_S = 120.0
PATIENCE_S = 120.0
PROFILE = WireProfile.V1_0_0


@dataclass(frozen=True, slots=True)
class Costs:
    """CPU of the processes in ms for each building, and how many instructions each was sent."""

    worker: float
    postgres: float
    redis: float
    planner: float
    instructions: float


@dataclass(frozen=True, slots=True)
class Stage:
    """`bus` is a gateway's, which holds the seats of the buildings' devices."""

    bus: RedisGatewayBus
    reader: RedisWorkerBus
    wakes: Wakes
    worker: Worker
    servers: Servers
    clock: Clock

    def cpu_s(self) -> tuple[float, float, float]:
        """Of the worker, PostgreSQL and Redis until now."""
        return self.worker.cpu_s, tree_cpu_s(self.servers.postgres), tree_cpu_s(self.servers.redis)


@cache
def costs() -> Costs:
    """Measured once for all rows; the medians of the rounds."""
    with bench_world() as world, hub_clock() as clock, ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="flexhub-hosted-")))
        # Without time for a better plan, which would be spent whatever the rest costs.
        environment = world.environment | {"FLEXHUB_CLOCK": str(clock), "PLAN_TIME_MS": "0"}
        worker = Worker(environment, "cem,plan", folder / "worker.log")
        stack.callback(worker.end)
        buildings = _buildings(clock)
        worker.await_ready()
        wakes = Wakes(environment["REDIS_URL"])
        stack.callback(wakes.close)
        found = asyncio.run(_measure(world, buildings, worker, wakes, clock))
        assert not worker.errors(), worker.errors()
    return found


def _buildings(clock: Clock) -> Mapping[Building, Sequence[Described]]:
    number = WARM_UP + ROUNDS * BUILDINGS
    now = clock.now()
    devices = [described(FIRST_SEED + place, now) for place in range(number)]
    made = register([each.name for each in devices[0]], number)
    buildings = dict(zip(made, devices, strict=True))
    remember(buildings, now)
    return buildings


async def _measure(
    world: World, buildings: Mapping[Building, Sequence[Described]], worker: Worker, wakes: Wakes, clock: Clock
) -> Costs:
    bus = RedisGatewayBus(world.environment["REDIS_URL"], lease_ttl_s=LEASE_S)
    await bus.register("bench")
    reader = RedisWorkerBus(world.environment["REDIS_URL"])
    stage = Stage(bus, reader, wakes, worker, Servers.of(world), clock)
    places = list(buildings.items())
    await _round(stage, dict(places[:WARM_UP]))
    starts = range(WARM_UP, len(places), BUILDINGS)
    rounds = [await _round(stage, dict(places[start : start + BUILDINGS])) for start in starts]
    await bus.unregister()
    await bus.close()
    reader.close()
    return Costs(*(statistics.median(getattr(each, one.name) for each in rounds) for one in fields(Costs)))


async def _round(stage: Stage, buildings: Mapping[Building, Sequence[Described]]) -> Costs:
    await stage.bus.write(await _seated(stage, buildings))
    await asyncio.to_thread(learn, buildings, stage.reader, stage.clock.now())
    batch = Batch()
    for building in buildings:
        batch.wake(building.tenant_id, building.site_id)
    before = stage.cpu_s()
    result = await stage.bus.write(batch)
    for wake in result.woken:
        assert wake.site_id is not None
        stage.wakes.send(wake.tenant_id, wake.site_id)
    instructions = await _settled(stage, buildings)
    worker, postgres, redis = (
        (after - was) / len(buildings) * 1e3 for after, was in zip(stage.cpu_s(), before, strict=True)
    )
    planner_ms = await asyncio.to_thread(_planner_ms, stage, buildings)
    return Costs(worker, postgres, redis, planner_ms, instructions / len(buildings))


async def _seated(stage: Stage, buildings: Mapping[Building, Sequence[Described]]) -> Batch:
    """Claim the seats; what their devices have said, still to be written."""
    batch, now = Batch(), stage.clock.now()
    for building, devices in buildings.items():
        for device, node_id, link_id in zip(devices, building.nodes, building.links, strict=True):
            info = SeatInfo(link_id, building.tenant_id, building.site_id, node_id, device.name, now)
            token = await stage.bus.claim_seat(info)
            batch.fold(link_id, token, PROFILE_FIELD, PROFILE.value)
            batch.fold(link_id, token, CONTROL_TYPE_FIELD, device.control_type.value)
            for message in (details_of(device), *device.messages):
                name = snapshot_field(message)
                assert name is not None
                batch.fold(link_id, token, name, dump_message(message, PROFILE))
    return batch


async def _settled(stage: Stage, buildings: Mapping[Building, object]) -> int:
    """Wait until each has a plan and the worker has nothing to do; how many instructions arrived for them."""
    started, spent_s = time.monotonic(), -1.0
    arrived = 0
    while True:
        await stage.bus.renew()
        arrived += sum(envelope.kind == "message" for envelope in await stage.bus.read_inbox(1, 1_000))
        now_s = stage.worker.cpu_s
        if now_s - spent_s < 0.01 and await asyncio.to_thread(_planned, buildings) == len(buildings):
            return arrived
        spent_s = now_s
        assert time.monotonic() - started < PATIENCE_S, stage.worker.errors()
        await asyncio.sleep(0.5)


def _planned(buildings: Mapping[Building, object]) -> int:
    from cem_service.models import PlanRun, PlanRunKind
    from tenants.scope import platform_scope

    sites = [building.site_id for building in buildings]
    with platform_scope("the bench counts plans"):
        return PlanRun.objects.filter(site_id__in=sites, kind=PlanRunKind.PLAN).values("site_id").distinct().count()


def _planner_ms(stage: Stage, buildings: Mapping[Building, object]) -> float:
    """CPU of the planner alone, for the same buildings in this process."""

    from cem_service.loading import load_site, with_history
    from cem_service.planners.building import plan_site

    warm_up()
    spent_s = 0.0
    for building in buildings:
        loaded = load_site(building.tenant_id, building.site_id, bus=stage.reader, now=stage.clock.now())
        assert loaded is not None
        state = with_history(loaded).state
        before = time.thread_time()
        plan_site(state)
        spent_s += time.thread_time() - before
    return spent_s / len(buildings) * 1e3


# 40 buildings a second are 25 ms for each.
ROWS: Mapping[str, Callable[[], Row]] = {
    "hosted": lambda: Row("hosted", costs().worker, "ms", target=25.0),
    "hosted-shell": lambda: Row("hosted-shell", costs().worker, "ms", baseline=costs().planner),
    "hosted-postgres": lambda: Row("hosted-postgres", costs().postgres, "ms"),
    "hosted-redis": lambda: Row("hosted-redis", costs().redis, "ms"),
    "hosted-instructions": lambda: Row("hosted-instructions", costs().instructions, "instructions"),
}
