"""The same tests over one Redis, over a Cluster, and over the in-memory twin.

A `Hub` is one of them with what tests do to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol, TypeVar, cast

import pytest
import redis

from flexhub.bus import BusUnavailable, GatewayBus, WorkerBus, keys
from flexhub.bus.gateway_side import RedisGatewayBus
from flexhub.bus.memory import MemoryGatewayBus, MemoryWorkerBus
from flexhub.bus.memory_store import MemoryStore
from flexhub.bus.worker_side import RedisWorkerBus
from tests.support.redis_servers import RedisCluster, running_cluster

# Small, so that tests can fill them.
TELEMETRY_LIMIT = 5
LEDGER_LIMIT = 3
# A failover takes a second or two, where nothing else keeps the machine busy.
WITHIN_S = 60.0

T = TypeVar("T")


class Hub(Protocol):
    @property
    def worker(self) -> WorkerBus: ...

    async def gateway(self, process_id: str) -> GatewayBus:
        """A registered gateway process."""
        ...

    def end_lease(self, process_id: str) -> None: ...

    def end_wakes_and_locks(self) -> None: ...

    def restart_empty(self) -> None: ...

    def worker_after_a_crash(self) -> WorkerBus:
        """Another worker, to whom everything that was taken before has been left for too long."""
        ...


@dataclass
class RedisHub:
    url: str
    worker: RedisWorkerBus = field(init=False)
    gateways: list[RedisGatewayBus] = field(default_factory=list)
    workers: list[RedisWorkerBus] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = self.open_client()
        self.worker = RedisWorkerBus(self.url)
        self.workers.append(self.worker)

    def open_client(self) -> redis.Redis:
        """A connection past the bus, for what tests do to Redis."""
        return redis.Redis.from_url(self.url, socket_timeout=5, decode_responses=True)

    async def gateway(self, process_id: str) -> GatewayBus:
        bus = RedisGatewayBus(self.url, telemetry_limit=TELEMETRY_LIMIT, ledger_limit=LEDGER_LIMIT)
        self.gateways.append(bus)
        await bus.register(process_id)
        return bus

    def end_lease(self, process_id: str) -> None:
        self.client.zadd(keys.PROCESSES, {process_id: 1.0})

    def end_wakes_and_locks(self) -> None:
        for key in self.client.scan_iter("fh:*"):
            if str(key).endswith((":wake", ":lock")):
                assert self.client.pttl(key) > 0
                self.client.delete(key)

    def restart_empty(self) -> None:
        self.client.flushdb()
        self.client.script_flush()

    def worker_after_a_crash(self) -> WorkerBus:
        self.workers.append(RedisWorkerBus(self.url, reclaim_after_ms=0))
        return self.workers[-1]

    async def close(self) -> None:
        for gateway in self.gateways:
            await gateway.close()
        for worker in self.workers:
            worker.close()
        self.client.close()


@dataclass
class ClusterHub(RedisHub):
    cluster: RedisCluster = field(kw_only=True)

    def open_client(self) -> redis.Redis:
        # For what tests do it answers as the client of one server does.
        return cast(redis.Redis, redis.RedisCluster.from_url(self.cluster.seed_url, decode_responses=True))


class MemoryHub:
    def __init__(self) -> None:
        self.now_s = 1000.0
        self.store = MemoryStore(lambda: self.now_s, telemetry_limit=TELEMETRY_LIMIT, ledger_limit=LEDGER_LIMIT)
        self.worker = MemoryWorkerBus(self.store)

    async def gateway(self, process_id: str) -> GatewayBus:
        bus = MemoryGatewayBus(self.store)
        await bus.register(process_id)
        return bus

    def end_lease(self, process_id: str) -> None:
        self.store.leases[process_id] = self.now_s

    def end_wakes_and_locks(self) -> None:
        self.now_s += 60

    def restart_empty(self) -> None:
        self.store.restart_empty()

    def worker_after_a_crash(self) -> WorkerBus:
        self.now_s += 31
        return MemoryWorkerBus(self.store)


@pytest.fixture(scope="session")
def cluster_of_session() -> Iterator[RedisCluster]:
    """Three servers, which take some seconds to find each other."""
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture
def cluster(cluster_of_session: RedisCluster) -> RedisCluster:
    cluster_of_session.empty()
    return cluster_of_session


@pytest.fixture(params=["redis", "cluster", "memory"])
async def hub(request: pytest.FixtureRequest) -> AsyncIterator[Hub]:
    if request.param == "memory":
        yield MemoryHub()
        return
    redis_hub = _over_cluster(request) if request.param == "cluster" else RedisHub(request.getfixturevalue("redis_url"))
    yield redis_hub
    await redis_hub.close()


def _over_cluster(request: pytest.FixtureRequest) -> ClusterHub:
    cluster: RedisCluster = request.getfixturevalue("cluster")
    return ClusterHub(cluster.url, cluster=cluster)


async def until_someone_waits(url: str) -> None:
    """Until a client of this Redis is in a blocking command. Raises TimeoutError."""
    with redis.Redis.from_url(url, socket_timeout=5) as client:
        await until(lambda: int(client.info("clients")["blocked_clients"]) > 0)


async def until(condition: Callable[[], bool]) -> None:
    """Lets everybody else go on as long as it does not hold. Raises TimeoutError."""
    async with asyncio.timeout(WITHIN_S):
        while not condition():  # noqa: ASYNC110  # What changes is in another process.
            await asyncio.sleep(0)


async def once_available(attempt: Callable[[], Awaitable[T]]) -> T:
    """What it returns as soon as Redis takes it again."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            try:
                return await attempt()
            except BusUnavailable:
                await asyncio.sleep(0.02)
