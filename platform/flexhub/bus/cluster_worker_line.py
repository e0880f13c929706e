"""The workers' connections to a Redis Cluster: a pool for each server.

The servers are spoken to one after the other. A task asks for a handful of keys, so this costs it a round trip or two,
and each reply passes through redis-py as it does with one server.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from flexhub.bus.address import Node
from flexhub.bus.cluster_line import PAUSE_S
from flexhub.bus.line import raise_first, unavailable
from flexhub.bus.scripts import Command
from flexhub.bus.slots import Hunt, NoOwner, SlotMap
from flexhub.bus.worker_line import Turns, WorkerWire


class ClusterWorkerLine:
    """A `WorkerLine` to a Cluster. While a server is away, only exchanges about its slots fail."""

    def __init__(
        self, seeds: Sequence[Node], open_wire: Callable[[Node], WorkerWire], *, timeout_s: float, connections: int
    ) -> None:
        self._slots = SlotMap(seeds)
        self._open_wire = open_wire
        self._wires: dict[Node, WorkerWire] = {}
        self._opening = Lock()
        self._timeout_s = timeout_s
        self._turns = Turns(connections, timeout_s=timeout_s)

    def close(self) -> None:
        for wire in self._wires.values():
            wire.close()

    def exchange(self, commands: Sequence[Command], *, then: Sequence[Command] = ()) -> list[Any]:
        with self._turns.one():
            try:
                deadline = time.monotonic() + self._timeout_s
                return self._hunt(commands, deadline) + self._hunt(then, deadline)
            except (RedisError, NoOwner) as error:
                raise unavailable(error) from error

    def _hunt(self, commands: Sequence[Command], deadline: float) -> list[Any]:
        hunt = Hunt(self._slots, commands)
        pause_s = 0.0
        while not hunt.done:
            if self._slots.stale:
                self._ask_for_the_map()
            for parcel in hunt.parcels():
                hunt.take(parcel, self._send(parcel.node, parcel.commands))
            if not hunt.done:
                if time.monotonic() > deadline:
                    raise RedisTimeoutError("the Cluster sent commands from server to server until the time was over")
                time.sleep(pause_s)
                pause_s = PAUSE_S
        raise_first(hunt.replies)
        return hunt.replies

    def _send(self, node: Node, commands: Sequence[Command]) -> list[Any]:
        with self._opening:
            wire = self._wires.get(node)
            if wire is None:
                wire = self._wires[node] = self._open_wire(node)
        try:
            return wire.send(commands)
        except (RedisConnectionError, RedisTimeoutError):
            self._slots.silent(node)
            raise

    def _ask_for_the_map(self) -> None:
        """Raises what the last of the servers failed with."""
        failure: RedisError = RedisConnectionError("no server of the Cluster answers")
        for node in self._slots.candidates():
            try:
                replies = self._send(node, [("CLUSTER", "SLOTS")])
                raise_first(replies)
            except RedisError as error:
                failure = error
                continue
            self._slots.learn(replies[0], node)
            return
        raise failure
