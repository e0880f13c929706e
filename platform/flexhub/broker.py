"""Celery's way to Redis, with one fault of the library put right.

When a worker loses Redis while a task is not yet acknowledged, kombu takes the address from the transport that it gives
up and only then asks the old channel to hand the task back, which needs the address: an AttributeError that Celery
takes for unrecoverable, so the worker ends just when it should wait for Redis.
"""

from __future__ import annotations

from kombu import Connection
from kombu.transport import redis


class Transport(redis.Transport):
    """Named in `broker_transport`. It keeps the address for as long as it lives."""

    _address: Connection | None = None

    @property
    def client(self) -> Connection | None:
        return self._address

    @client.setter
    def client(self, address: Connection | None) -> None:
        if address is not None:
            self._address = address
