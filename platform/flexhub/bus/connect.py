"""Opening the bus over Redis. What is asked for twice with one URL is one bus, since each holds connections."""

from __future__ import annotations

from functools import cache

from flexhub.bus.gateway_side import RedisGatewayBus
from flexhub.bus.ports import GatewayBus, WorkerBus
from flexhub.bus.worker_side import RedisWorkerBus


@cache
def connect_worker(url: str) -> WorkerBus:
    """The bus of this process for tasks and the admin; threads share it, and it opens new connections after a fork."""
    return RedisWorkerBus(url)


def connect_gateway(url: str) -> GatewayBus:
    """A bus for the running event loop; whoever opens it closes it."""
    return RedisGatewayBus(url)
