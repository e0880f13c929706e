"""Both sides behind a real Sentinel, while the master changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from flexhub.bus import Batch, BusUnavailable, GatewayBus, SeatInfo
from flexhub.bus.gateway_side import RedisGatewayBus
from flexhub.bus.line import Line
from flexhub.bus.opening import open_line, open_worker_line
from flexhub.bus.scripts import Script
from flexhub.bus.worker_line import WorkerLine
from flexhub.bus.worker_side import RedisWorkerBus
from tests.flexhub.bus.conftest import once_available
from tests.support.links import a_seat
from tests.support.redis_servers import GuardedRedis, running_sentinel

# As all that the bus writes: a script's own call is refused, not the script.
INCREMENT = Script("return redis.call('INCR', KEYS[1])")


@pytest.fixture
def guarded() -> Iterator[GuardedRedis]:
    with running_sentinel() as servers:
        yield servers


@asynccontextmanager
async def both_lines(url: str) -> AsyncIterator[tuple[Line, WorkerLine]]:
    line, worker_line = open_line(url, timeout_s=5), open_worker_line(url, timeout_s=5, connections=2)
    try:
        yield line, worker_line
    finally:
        await line.close()
        worker_line.close()


async def claim(gateway: GatewayBus, seat: SeatInfo) -> int:
    """As a gateway does: when its lease is gone, it takes another first."""
    await gateway.renew()
    return await gateway.claim_seat(seat)


async def test_the_master_is_found_by_its_name(guarded: GuardedRedis) -> None:
    async with both_lines(guarded.url) as (line, worker_line):
        assert await line.exchange([("SET", "a", 1)], then=[("INCR", "a")]) == [b"OK", 2]
        assert worker_line.exchange([("GET", "a")]) == ["2"]

        # In the database that the address names.
        assert guarded.servers[0].client.info("keyspace").keys() == {"db3"}


async def test_a_name_that_nobody_knows_is_unavailable(guarded: GuardedRedis) -> None:
    url = guarded.url.replace("/hub/", "/pub/")
    async with both_lines(url) as (line, worker_line):
        with pytest.raises(BusUnavailable, match="No master found for 'pub'"):
            await line.exchange([("GET", "a")])
        with pytest.raises(BusUnavailable, match="No master found for 'pub'"):
            worker_line.exchange([("GET", "a")])


async def test_a_sentinel_that_is_away_is_passed_over(guarded: GuardedRedis) -> None:
    url = guarded.url.replace("@127.0.0.1:", "@127.0.0.1:1,127.0.0.1:")
    async with both_lines(url) as (line, worker_line):
        assert await line.exchange([("SET", "a", 1)]) == [b"OK"]
        assert worker_line.exchange([("GET", "a")]) == ["1"]


async def test_a_dead_master_is_replaced(guarded: GuardedRedis) -> None:
    async with both_lines(guarded.url) as (line, worker_line):
        await line.exchange([("SET", "a", 1), ("WAIT", 1, 4000)])
        worker_line.exchange([("GET", "a")])
        old = guarded.master

        old.end()
        replies = await once_available(lambda: line.exchange([("INCR", "a")]))
        worker_replies = await once_available(lambda: asyncio.to_thread(worker_line.exchange, [("INCR", "a")]))

        assert (replies, worker_replies) == ([2], [3])
        assert guarded.master.port != old.port


async def test_a_master_that_became_a_replica_is_left(guarded: GuardedRedis) -> None:
    async with both_lines(guarded.url) as (line, worker_line):
        increment = INCREMENT.call(["a"])
        await line.exchange([increment, ("WAIT", 1, 4000)])
        worker_line.exchange([increment, ("WAIT", 1, 4000)])
        old, new = guarded.servers

        new.client.replicaof("NO", "ONE")
        old.client.replicaof("127.0.0.1", new.port)
        with pytest.raises(BusUnavailable, match="READONLY"):
            await line.exchange([increment])
        with pytest.raises(BusUnavailable, match="READONLY"):
            worker_line.exchange([increment])
        guarded.watch(new)

        assert await once_available(lambda: line.exchange([increment])) == [3]
        assert await once_available(lambda: asyncio.to_thread(worker_line.exchange, [increment])) == [4]


async def test_a_seat_that_a_failover_lost_is_claimed_again_with_a_newer_token(guarded: GuardedRedis) -> None:
    gateway, worker, seat = RedisGatewayBus(guarded.url), RedisWorkerBus(guarded.url), a_seat()
    await gateway.register("one")
    master, replica = guarded.servers
    # Cut off from its master, as far as it can see.
    replica.client.config_set("masterauth", "another")
    master.ask("CLIENT", "KILL", "TYPE", "replica")
    token = await gateway.claim_seat(seat)
    batch = Batch()
    batch.fold(seat.link_id, token, "PowerMeasurement", "{}")
    await gateway.write(batch)

    master.end()
    result = await once_available(lambda: gateway.write(batch))
    newer = await once_available(lambda: claim(gateway, seat))
    (session,) = await once_available(lambda: asyncio.to_thread(worker.sessions))
    await gateway.close()
    worker.close()

    assert result.lost == {seat.link_id}
    assert session.token == newer > token
