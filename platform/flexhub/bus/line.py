"""The gateway's connection to Redis: what is exchanged on it costs one round trip and ends in time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from redis.exceptions import RedisError

from flexhub.bus.errors import BusUnavailable
from flexhub.bus.scripts import Command
from flexhub.bus.wire import Reply as Reply  # For those who use a line.
from flexhub.bus.wire import Wire


class Line(Protocol):
    """Exchanges are serialised; a blocking command therefore needs a line of its own."""

    async def exchange(
        self, commands: Sequence[Command], *, then: Sequence[Command] = (), wait_s: float = 0.0
    ) -> list[Reply]:
        """The replies to `commands` and to `then`, in order. After an error some of them may have taken effect.

        It ends within the line's timeout (plus what a blocking command is told to wait) or raises BusUnavailable. Where
        many tasks use one line, waiting for a turn may take as long again.

        Commands about keys of one slot take effect in the order given. Of two slots that is not so, since they may be
        of two servers, but whatever is in `then` takes effect after all `commands`. On one server it is one round trip.
        """
        ...

    async def close(self) -> None: ...


class ServerLine:
    """A `Line` to one server, or to the one that Sentinels name."""

    def __init__(self, wire: Wire, *, timeout_s: float, forget: Callable[[], Awaitable[None]] | None = None) -> None:
        """`forget` closes what finding the server has opened."""
        self._wire = wire
        self._timeout_s = timeout_s
        self._forget = forget
        self._lock = asyncio.Lock()

    async def exchange(
        self, commands: Sequence[Command], *, then: Sequence[Command] = (), wait_s: float = 0.0
    ) -> list[Reply]:
        if then:
            commands = [*commands, *then]
        async with self._lock:
            try:
                async with asyncio.timeout(self._timeout_s + wait_s):
                    replies = await self._wire.send(commands)
                raise_first(replies)
                return replies
            except (RedisError, OSError, TimeoutError) as error:
                # A server that refuses to write may be a master no more, so this is also how a new one is found.
                await self._wire.drop()
                raise unavailable(error) from error
            except BaseException:
                # Cancelled in the middle: answers are still on their way, so this connection is of no more use.
                await self._wire.drop()
                raise

    async def close(self) -> None:
        await self._wire.drop()
        if self._forget is not None:
            await self._forget()


def raise_first(replies: Sequence[Reply]) -> None:
    for reply in replies:
        if isinstance(reply, RedisError):
            raise reply


def unavailable(error: BaseException) -> BusUnavailable:
    return BusUnavailable(f"Redis: {type(error).__name__} {error}")
