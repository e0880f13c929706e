"""One asynchronous connection to Redis on which commands go out together and answers come back together.

redis-py's own pipeline spends more on each reply (a timeout context, an instrumentation hook) than a small write
costs, so the gateway packs with hiredis, writes once, and reads the replies under one timeout. Connecting, TLS,
passwords and URLs are redis-py's.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Protocol

import hiredis
from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError, ResponseError

from flexhub.bus.errors import BusUnavailable
from flexhub.bus.scripts import BY_SHA, Command

# What a reply is depends on the command; each caller knows its own.
Reply = object


class Line(Protocol):
    """Exchanges are serialised; a blocking command therefore needs a line of its own."""

    async def exchange(
        self, commands: Sequence[Command], *, then: Sequence[Command] = (), wait_s: float = 0.0
    ) -> list[Reply]:
        """The replies to `commands` and to `then`, in order. After an error some of them may have taken effect.

        It ends within the line's timeout (plus what a blocking command is told to wait) or raises BusUnavailable.

        Commands about keys of one slot take effect in the order given. Of two slots that is not so, since they may be
        of two servers, but whatever is in `then` takes effect after all `commands`. On one server it is one round trip.
        """
        ...

    async def close(self) -> None: ...


class ServerLine:
    """A `Line` to one server."""

    def __init__(self, url: str, *, timeout_s: float) -> None:
        # One timeout around an exchange replaces those of each read and write. RESP2: no push messages to sort out.
        pool = ConnectionPool.from_url(
            url,
            protocol=2,
            socket_timeout=None,
            socket_connect_timeout=timeout_s,
            socket_keepalive=True,
            retry=Retry(NoBackoff(), 0),
        )
        self._connection: AbstractConnection = pool.make_connection()  # type: ignore[no-untyped-call] # redis-py's.
        self._timeout_s = timeout_s
        self._lock = asyncio.Lock()

    async def exchange(
        self, commands: Sequence[Command], *, then: Sequence[Command] = (), wait_s: float = 0.0
    ) -> list[Reply]:
        if then:
            commands = [*commands, *then]
        async with self._lock:
            try:
                async with asyncio.timeout(self._timeout_s + wait_s):
                    replies = await self._send_on_a_living_connection(commands)
                    return await self._repeat_unknown_scripts(commands, replies)
            except (RedisError, OSError, TimeoutError) as error:
                await self._drop()
                raise BusUnavailable(f"Redis: {type(error).__name__} {error}") from error
            except BaseException:
                # Cancelled in the middle: answers are still on their way, so this connection is of no more use.
                await self._drop()
                raise

    async def close(self) -> None:
        await self._drop()

    async def _send_on_a_living_connection(self, commands: Sequence[Command]) -> list[Reply]:
        reused = self._connection.is_connected
        try:
            return await self._send(commands)
        except RedisConnectionError:
            if not reused:
                raise
        # The server or something between closed an idle connection; only a new one can tell whether Redis is there.
        await self._drop()
        return await self._send(commands)

    async def _repeat_unknown_scripts(self, commands: Sequence[Command], replies: list[Reply]) -> list[Reply]:
        unknown = [index for index, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
        if unknown:
            shas = {str(commands[index][1]) for index in unknown}
            loads: list[Command] = [("SCRIPT", "LOAD", BY_SHA[sha]) for sha in shas]
            again = await self._send([*loads, *(commands[index] for index in unknown)])
            for index, reply in zip(unknown, again[len(loads) :], strict=True):
                replies[index] = reply
        for reply in replies:
            if isinstance(reply, RedisError):
                raise reply
        return replies

    async def _send(self, commands: Sequence[Command]) -> list[Reply]:
        connection = self._connection
        packed = b"".join([hiredis.pack_command(command) for command in commands])  # type: ignore[arg-type] # Says (x,).
        await connection.send_packed_command(packed, check_health=False)
        replies: list[Reply] = []
        for _ in commands:
            try:
                # An infinite timeout here means only that ours, around the exchange, is the one that counts.
                replies.append(await connection.read_response(disable_decoding=True, timeout=math.inf))
            except ResponseError as error:
                replies.append(error)
        return replies

    async def _drop(self) -> None:
        await self._connection.disconnect(nowait=True)
