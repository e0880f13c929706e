"""The workers' connections to Redis: blocking, a bounded pool that threads share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import redis
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError
from redis.retry import Retry

from flexhub.bus.errors import BusUnavailable
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


class ServerWorkerLine:
    """A `WorkerLine` to one server. Whoever finds all connections in use waits for one, up to the timeout."""

    def __init__(self, url: str, *, timeout_s: float, connections: int) -> None:
        pool = redis.BlockingConnectionPool.from_url(
            url,
            max_connections=connections,
            timeout=timeout_s,
            protocol=2,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            socket_keepalive=True,
            decode_responses=True,
            # One immediate repeat: an idle connection that something closed is no outage.
            retry=Retry(NoBackoff(), 1),
            retry_on_error=[redis.ConnectionError],
        )
        self._client: redis.Redis = redis.Redis(connection_pool=pool)

    def close(self) -> None:
        self._client.close()
        self._client.connection_pool.disconnect()

    def exchange(self, commands: Sequence[Command], *, then: Sequence[Command] = ()) -> list[Any]:
        commands = [*commands, *then]
        if not commands:
            return []
        try:
            replies = self._pipelined(commands)
            unknown = [index for index, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
            if unknown:
                shas = {str(commands[index][1]) for index in unknown}
                loads: list[Command] = [("SCRIPT LOAD", BY_SHA[sha]) for sha in shas]
                again = self._pipelined([*loads, *(commands[index] for index in unknown)])
                for index, reply in zip(unknown, again[len(loads) :], strict=True):
                    replies[index] = reply
        except RedisError as error:
            raise BusUnavailable(f"Redis: {error}") from error
        for reply in replies:
            if isinstance(reply, RedisError):
                raise BusUnavailable(f"Redis: {reply}") from reply
        return replies

    def _pipelined(self, commands: Sequence[Command]) -> list[Any]:
        with self._client.pipeline(transaction=False) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)  # type: ignore[no-untyped-call] # redis-py's.
            return pipeline.execute(raise_on_error=False)
