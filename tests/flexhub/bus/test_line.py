"""One connection to a real Redis, and to servers that misbehave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import redis

from flexhub.bus.errors import BusUnavailable
from flexhub.bus.line import Line
from flexhub.bus.opening import open_line
from flexhub.bus.scripts import REGISTER
from tests.flexhub.bus.conftest import until_someone_waits


@asynccontextmanager
async def a_line(url: str, timeout_s: float = 5.0) -> AsyncIterator[Line]:
    line = open_line(url, timeout_s=timeout_s)
    try:
        yield line
    finally:
        await line.close()


@asynccontextmanager
async def a_server(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    server.close()


async def test_answers_come_in_order(redis_url: str) -> None:
    async with a_line(redis_url) as line:
        replies = await line.exchange([("SET", "a", "ü"), ("GET", "a"), ("GET", "b"), ("INCR", "n")])

    assert replies == [b"OK", "ü".encode(), None, 1]


async def test_scripts_that_redis_forgot_are_loaded_and_run(redis_url: str) -> None:
    call = REGISTER.call(["zset"], "one", 10)
    with redis.Redis.from_url(redis_url) as client:
        client.script_flush()

    async with a_line(redis_url) as line:
        replies = await line.exchange([("SET", "a", 1), call, ("GET", "a"), call, ("ZCARD", "zset")])

    # What came after the forgotten script ran before its repetition: only scripts of other links may share a batch.
    assert replies == [b"OK", None, b"1", None, 0]


async def test_an_error_from_redis_is_no_answer(redis_url: str) -> None:
    async with a_line(redis_url) as line:
        with pytest.raises(BusUnavailable, match="WRONGTYPE"):
            await line.exchange([("SET", "a", 1), ("HGET", "a", "b")])
        assert await line.exchange([("GET", "a")]) == [b"1"]


async def test_nobody_there() -> None:
    async with a_line("redis://127.0.0.1:1/0") as line:
        with pytest.raises(BusUnavailable):
            await line.exchange([("PING",)])


async def test_a_server_that_says_nothing_is_given_up() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with a_server(silent) as url, a_line(url, timeout_s=0.05) as line:
        with pytest.raises(BusUnavailable):
            await line.exchange([("PING",)])


async def test_a_connection_that_was_closed_meanwhile_is_replaced(redis_url: str) -> None:
    async with a_line(redis_url) as line:
        await line.exchange([("SET", "a", 1)])
        with redis.Redis.from_url(redis_url) as client:
            for other in client.client_list():
                if other["id"] != str(client.client_id()):
                    client.client_kill_filter(_id=other["id"])

        assert await line.exchange([("GET", "a")]) == [b"1"]


async def test_a_cancelled_exchange_leaves_no_answer_for_the_next(redis_url: str) -> None:
    async with a_line(redis_url) as line:
        waiting = asyncio.create_task(line.exchange([("XREAD", "BLOCK", 5000, "STREAMS", "x", "0")], wait_s=5))
        await until_someone_waits(redis_url)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

        assert await line.exchange([("ECHO", "mine")]) == [b"mine"]
