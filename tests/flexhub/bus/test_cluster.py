"""Both sides' lines to a Cluster of real servers: slots that move, servers that do not answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest

from flexhub.bus.errors import BusUnavailable
from flexhub.bus.line import Line
from flexhub.bus.opening import open_line, open_worker_line
from flexhub.bus.scripts import REGISTER, Script
from flexhub.bus.slots import slot_of
from flexhub.bus.worker_line import WorkerLine
from tests.flexhub.bus.conftest import once_available, until
from tests.support.redis_servers import (
    RedisCluster,
    RunningServer,
    finish_move,
    move_slot,
    running_cluster,
    running_replica,
)

# One key of each server.
KEYS = ("b", "c", "a")
SET_BOTH = Script("return {redis.call('SET', KEYS[1], ARGV[1]), redis.call('SET', KEYS[2], ARGV[1])}")


@asynccontextmanager
async def a_line(cluster: RedisCluster, timeout_s: float = 5.0) -> AsyncIterator[Line]:
    line = open_line(cluster.url, timeout_s=timeout_s)
    try:
        yield line
    finally:
        await line.close()


@contextmanager
def a_worker_line(cluster: RedisCluster, timeout_s: float = 5.0) -> Iterator[WorkerLine]:
    line = open_worker_line(cluster.url, timeout_s=timeout_s, connections=2)
    try:
        yield line
    finally:
        line.close()


@pytest.fixture
def moving(cluster: RedisCluster) -> Iterator[Callable[[str], tuple[RunningServer, RunningServer]]]:
    """Starts the move of a key's slot to another server; in the end everything is where it was."""
    moved: list[tuple[int, RunningServer, RunningServer]] = []

    def start(key: str) -> tuple[RunningServer, RunningServer]:
        source = cluster.holder(key)
        target = next(server for server in cluster.servers if server is not source)
        move_slot(slot_of(key), source, target)
        moved.append((slot_of(key), source, target))
        return source, target

    yield start
    for slot, source, target in moved:
        finish_move(cluster, slot, source, target)
        move_slot(slot, target, source)
        finish_move(cluster, slot, target, source)


async def test_replies_of_all_servers_come_in_order(cluster: RedisCluster) -> None:
    commands = [("SET", key, key * 2) for key in KEYS] + [("GET", key) for key in KEYS]

    async with a_line(cluster) as line:
        replies = await line.exchange(commands, then=[("DEL", "c"), ("EXISTS", "c")])
    with a_worker_line(cluster) as worker_line:
        worker_replies = worker_line.exchange([("GET", key) for key in KEYS], then=[("EXISTS", "b")])

    assert len({cluster.holder(key).port for key in KEYS}) == 3
    assert replies == [b"OK", b"OK", b"OK", b"bb", b"cc", b"aa", 1, 0]
    assert worker_replies == ["bb", None, "aa", 1]


async def test_scripts_that_a_server_forgot_are_loaded_there(cluster: RedisCluster) -> None:
    calls = [REGISTER.call([key], "one", 10) for key in KEYS]

    async with a_line(cluster) as line:
        assert await line.exchange(calls) == [None, None, None]
        cluster.servers[1].client.script_flush()
        assert await line.exchange(calls) == [None, None, None]
    cluster.servers[2].client.script_flush()
    with a_worker_line(cluster) as worker_line:
        assert worker_line.exchange(calls) == [None, None, None]


async def test_a_slot_that_has_moved_is_followed(
    cluster: RedisCluster, moving: Callable[[str], tuple[RunningServer, RunningServer]]
) -> None:
    async with a_line(cluster) as line:
        with a_worker_line(cluster) as worker_line:
            await line.exchange([("SET", key, "before") for key in KEYS])
            worker_line.exchange([("GET", "b")])

            source, target = moving("b")
            finish_move(cluster, slot_of("b"), source, target)

            assert await line.exchange([("GETSET", key, "after") for key in KEYS]) == [b"before"] * 3
            assert worker_line.exchange([("GET", key) for key in KEYS]) == ["after"] * 3
            assert cluster.holder("b") is target


async def test_a_slot_on_its_way_is_served_from_both_ends(
    cluster: RedisCluster, moving: Callable[[str], tuple[RunningServer, RunningServer]]
) -> None:
    here, there = "{b}here", "{b}there"
    async with a_line(cluster) as line:
        with a_worker_line(cluster) as worker_line:
            await line.exchange([("SET", here, 1)])

            moving("b")

            # What is there already is answered by the old server, all else belongs to the new one.
            assert await line.exchange([("INCR", here), ("SET", there, 7), ("INCR", there)]) == [2, b"OK", 8]
            assert worker_line.exchange([("GET", here), ("GET", there)]) == ["2", "8"]


async def test_a_script_over_several_keys_waits_until_its_slot_has_arrived(
    cluster: RedisCluster, moving: Callable[[str], tuple[RunningServer, RunningServer]]
) -> None:
    async with a_line(cluster) as line:
        with a_worker_line(cluster) as worker_line:
            await line.exchange([("SET", "{b}one", 1)])
            source, target = moving("b")
            call = SET_BOTH.call(["{b}one", "{b}two"], 2)

            waiting = asyncio.create_task(line.exchange([("GET", "a"), call, ("GET", "c")]))
            worker_waiting = asyncio.create_task(asyncio.to_thread(worker_line.exchange, [call]))
            await until(lambda: "errorstat_TRYAGAIN" in target.client.info("errorstats"))
            finish_move(cluster, slot_of("b"), source, target)

            assert await waiting == [None, [b"OK", b"OK"], None]
            assert await worker_waiting == [["OK", "OK"]]


async def test_a_wait_for_a_stream_follows_its_slot(
    cluster: RedisCluster, moving: Callable[[str], tuple[RunningServer, RunningServer]]
) -> None:
    async with a_line(cluster) as line:
        read = ("XREAD", "BLOCK", 20_000, "STREAMS", "b", "0")
        waiting = asyncio.create_task(line.exchange([read], wait_s=20))
        await until(lambda: cluster.holder("b").client.info("clients")["blocked_clients"] > 0)

        source, target = moving("b")
        finish_move(cluster, slot_of("b"), source, target)
        target.client.xadd("b", {"n": 1})

        assert b"n" in repr(await waiting).encode()


async def test_a_server_that_does_not_answer_makes_only_its_slots_unavailable(cluster: RedisCluster) -> None:
    async with a_line(cluster, timeout_s=1.0) as line:
        with a_worker_line(cluster, timeout_s=0.5) as worker_line:
            everything = [("GET", key) for key in KEYS]
            await line.exchange(everything)
            worker_line.exchange(everything)
            silent = cluster.holder("b")
            silent.pause()
            try:
                for _ in range(2):
                    with pytest.raises(BusUnavailable):
                        await line.exchange(everything)
                    with pytest.raises(BusUnavailable):
                        worker_line.exchange(everything)
                assert await line.exchange([("GET", "a"), ("GET", "c")]) == [None, None]
                assert worker_line.exchange([("GET", "a"), ("GET", "c")]) == [None, None]
            finally:
                silent.go_on()

            assert await line.exchange(everything) == [None] * 3
            assert worker_line.exchange(everything) == [None] * 3


async def test_nobody_waits_for_all_who_wait_for_a_silent_server(cluster: RedisCluster) -> None:
    async with a_line(cluster, timeout_s=0.2) as line:
        await line.exchange([("GET", "b")])
        silent = cluster.holder("b")
        silent.pause()
        try:
            waiting = [asyncio.create_task(line.exchange([("GET", "b")])) for _ in range(500)]
            # One after the other they would take minutes.
            await asyncio.wait(waiting, timeout=20)
        finally:
            silent.go_on()

        assert all(each.done() and isinstance(each.exception(), BusUnavailable) for each in waiting)
        assert await once_available(lambda: line.exchange([("GET", "b")])) == [None]


async def test_an_error_from_one_server_is_no_answer_and_stops_what_follows(cluster: RedisCluster) -> None:
    async with a_line(cluster) as line:
        with pytest.raises(BusUnavailable, match="WRONGTYPE"):
            await line.exchange([("SET", "a", 1), ("SET", "b", 1), ("HGET", "a", "b")], then=[("DEL", "b")])
        assert await line.exchange([("GET", "a"), ("GET", "b")]) == [b"1", b"1"]
    with a_worker_line(cluster) as worker_line:
        with pytest.raises(BusUnavailable, match="WRONGTYPE"):
            worker_line.exchange([("HGET", "a", "b")], then=[("DEL", "b")])
        assert worker_line.exchange([("GET", "b")]) == ["1"]


async def test_one_server_alone_is_no_cluster(redis_url: str) -> None:
    url = redis_url.replace("redis://", "redis+cluster://").rpartition("/")[0]

    line = open_line(url, timeout_s=5)
    with pytest.raises(BusUnavailable, match="cluster support disabled"):
        await line.exchange([("GET", "a")])
    await line.close()


async def test_nobody_there() -> None:
    url = "redis+cluster://127.0.0.1:1,127.0.0.1:2"
    line, worker_line = open_line(url, timeout_s=5), open_worker_line(url, timeout_s=5, connections=1)

    with pytest.raises(BusUnavailable):
        await line.exchange([("GET", "a")])
    with pytest.raises(BusUnavailable):
        worker_line.exchange([("GET", "a")])


async def test_the_replica_of_a_dead_server_is_found() -> None:
    with running_cluster(node_timeout_ms=1000) as cluster, running_replica(cluster, cluster.holder("b")):
        async with a_line(cluster) as line:
            with a_worker_line(cluster) as worker_line:
                await line.exchange([("SET", key, 1) for key in KEYS])
                worker_line.exchange([("GET", key) for key in KEYS])
                dead = cluster.holder("b")
                assert dead.client.wait(1, 5000) == 1

                dead.end()
                replies = await once_available(lambda: line.exchange([("INCR", key) for key in KEYS]))
                worker_replies = await once_available(
                    lambda: asyncio.to_thread(worker_line.exchange, [("GET", key) for key in KEYS])
                )

                assert replies[0] == 2
                assert worker_replies[0] == "2"
