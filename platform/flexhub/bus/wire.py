"""One asynchronous connection to one server, on which commands go out together and answers come back together.

redis-py's own pipeline spends more on each reply (a timeout context, an instrumentation hook) than a small write
costs, so the gateway packs with hiredis, writes once, and reads the replies. Connecting, TLS, passwords and URLs are
redis-py's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import hiredis
from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, ResponseError

from flexhub.bus.scripts import BY_SHA, Command

# What a reply is depends on the command; each caller knows its own.
Reply = object


class Wire:
    """For one exchange at a time. It knows no timeout: whoever uses it sets one around all that belongs together.

    After anything but an orderly end it has to be dropped, since answers may still be on their way.
    """

    def __init__(self, pool: ConnectionPool) -> None:
        # Held for the connections that find their server by way of it.
        self._pool = pool
        self._connection: AbstractConnection = pool.make_connection()  # type: ignore[no-untyped-call] # redis-py's.

    async def send(self, commands: Sequence[Command]) -> list[Reply]:
        """The replies in order, those that are errors as values. Scripts that Redis forgot are loaded and run.

        Raises what redis-py raises for connections.
        """
        replies = await self._send_on_a_living_connection(commands)
        unknown = [index for index, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
        if unknown:
            shas = {str(commands[index][1]) for index in unknown}
            loads: list[Command] = [("SCRIPT", "LOAD", BY_SHA[sha]) for sha in shas]
            again = await self._send([*loads, *(commands[index] for index in unknown)])
            for index, reply in zip(unknown, again[len(loads) :], strict=True):
                replies[index] = reply
        return replies

    async def drop(self) -> None:
        await self._connection.disconnect(nowait=True)

    async def _send_on_a_living_connection(self, commands: Sequence[Command]) -> list[Reply]:
        if self._connection.is_connected:
            try:
                return await self._send(commands)
            except RedisConnectionError:
                # Something closed an idle connection; only a new one can tell whether Redis is there.
                await self.drop()
        # Said aloud, because only then does redis-py ask the Sentinels where to.
        await self._connection.connect()  # type: ignore[no-untyped-call] # redis-py's.
        return await self._send(commands)

    async def _send(self, commands: Sequence[Command]) -> list[Reply]:
        connection = self._connection
        packed = b"".join([hiredis.pack_command(command) for command in commands])  # type: ignore[arg-type] # Says (x,).
        await connection.send_packed_command(packed, check_health=False)
        replies: list[Reply] = []
        for _ in commands:
            try:
                # An infinite timeout here means only that the one around the exchange is the one that counts.
                replies.append(await connection.read_response(disable_decoding=True, timeout=math.inf))
            except ResponseError as error:
                replies.append(error)
        return replies
