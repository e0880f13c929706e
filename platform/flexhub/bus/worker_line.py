"""The workers' connections to Redis: blocking, and so many at most as threads may be at it at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Any, Protocol

import redis
from redis.exceptions import NoScriptError, RedisError, ResponseError

from flexhub.bus.errors import BusUnavailable
from flexhub.bus.line import raise_first, unavailable
from flexhub.bus.scripts import BY_SHA, Command


class WorkerLine(Protocol):
    """Safe to share between threads; opens new connections after a fork."""

    def exchange(self, commands: Sequence[Command], *, then: Sequence[Command] = ()) -> list[Any]:
        """The replies to `commands` and to `then`, in order. Raises BusUnavailable.

        Commands about keys of one slot take effect in the order given. Of two slots that is not so, since they may be
        of two servers, but whatever is in `then` takes effect after all `commands`. On one server it is one round trip.
        """
        ...

    def close(self) -> None: ...


class Turns:
    """Lets so many threads in at a time. The others wait, and give up in time: a bounded queue, like any of ours."""

    def __init__(self, places: int, *, timeout_s: float) -> None:
        self._free = BoundedSemaphore(places)
        self._places = places
        self._timeout_s = timeout_s

    @contextmanager
    def one(self) -> Iterator[None]:
        """Raises BusUnavailable."""
        if not self._free.acquire(timeout=self._timeout_s):
            raise BusUnavailable(f"Redis: all {self._places} connections were in use for {self._timeout_s:g} s")
        try:
            yield
        finally:
            self._free.release()


class WorkerWire:
    """Connections to one server, of which each sending takes one."""

    def __init__(self, pool: redis.ConnectionPool, *, forget: Callable[[], None] | None = None) -> None:
        """`forget` closes what finding the server has opened."""
        self._pool = pool
        self._forget = forget
        self._client: redis.Redis = redis.Redis(connection_pool=pool)
        self._read: Callable[..., Any] = self._client.parse_response

    def send(self, commands: Sequence[Command]) -> list[Any]:
        """The replies in order, those that are errors as values. Scripts that Redis forgot are loaded and run.

        Raises what redis-py raises for connections.
        """
        replies = self._pipelined(commands)
        unknown = [index for index, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
        if unknown:
            shas = {str(commands[index][1]) for index in unknown}
            loads: list[Command] = [("SCRIPT LOAD", BY_SHA[sha]) for sha in shas]
            again = self._pipelined([*loads, *(commands[index] for index in unknown)])
            for index, reply in zip(unknown, again[len(loads) :], strict=True):
                replies[index] = reply
        return replies

    def drop(self) -> None:
        """Close the connections that nobody uses just now."""
        self._pool.disconnect(inuse_connections=False)

    def close(self) -> None:
        self._client.close()
        self._pool.disconnect()
        if self._forget is not None:
            self._forget()

    def _pipelined(self, commands: Sequence[Command]) -> list[Any]:
        """As redis-py's own pipeline does it, which takes half as long again."""
        connection: Any = self._pool.get_connection()
        try:
            replies: list[Any] = connection.retry.call_with_retry(
                lambda: self._asked(connection, commands), lambda _: connection.disconnect()
            )
            return replies
        except BaseException:
            # Answers may still be on their way.
            connection.disconnect()
            raise
        finally:
            self._pool.release(connection)

    def _asked(self, connection: Any, commands: Sequence[Command]) -> list[Any]:
        connection.send_packed_command(connection.pack_commands(commands))
        replies: list[Any] = []
        for command in commands:
            try:
                replies.append(self._read(connection, command[0]))
            except ResponseError as error:
                replies.append(error)
        return replies


class ServerWorkerLine:
    """A `WorkerLine` to one server, or to the one that Sentinels name."""

    def __init__(self, wire: WorkerWire, *, timeout_s: float, connections: int) -> None:
        self._wire = wire
        self._turns = Turns(connections, timeout_s=timeout_s)

    def close(self) -> None:
        self._wire.close()

    def exchange(self, commands: Sequence[Command], *, then: Sequence[Command] = ()) -> list[Any]:
        commands = [*commands, *then]
        if not commands:
            return []
        with self._turns.one():
            try:
                replies = self._wire.send(commands)
                raise_first(replies)
            except RedisError as error:
                if "READONLY" in str(error):
                    # It is a master no more; only a new connection asks the Sentinels who is.
                    self._wire.drop()
                raise unavailable(error) from error
            return replies
