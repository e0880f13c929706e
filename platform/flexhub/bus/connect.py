"""Opening the bus over Redis, with the timeout and the number of connections that Django's settings say.

What workers ask for twice with one URL is one bus, since each holds connections.
"""

from __future__ import annotations

from functools import cache

from django.conf import settings

from flexhub.bus.gateway_side import RedisGatewayBus
from flexhub.bus.ports import WorkerBus
from flexhub.bus.worker_side import RedisWorkerBus


def connect_worker(url: str) -> WorkerBus:
    """The bus of this process for tasks and the admin; threads share it, and it opens new connections after a fork."""
    return _worker(url, settings.REDIS_TIMEOUT_S, settings.REDIS_CONNECTIONS)


def connect_gateway(url: str) -> RedisGatewayBus:
    """A bus for the running event loop; whoever opens it closes it."""
    return RedisGatewayBus(url, timeout_s=settings.REDIS_TIMEOUT_S)


@cache
def _worker(url: str, timeout_s: float, connections: int) -> WorkerBus:
    return RedisWorkerBus(url, timeout_s=timeout_s, connections=connections)
