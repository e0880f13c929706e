"""What the services of a worker process are given: the bus, the clock, and how to send a task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from uuid import UUID

from django.conf import settings

from cem_service.feeds.sdk.http import STEP_TIMEOUT_S
from flexhub.bus.connect import connect_worker
from flexhub.bus.ports import WorkerBus
from flexhub.bus.queue import send_once, send_task
from flexhub.clock import Clock


@dataclass(frozen=True, slots=True)
class Tools:
    """Passed into every service, so that tests pass the in-memory bus, a fixed clock and the address of a simulator.

    `endpoints` says where a provider is, by its name, instead of where its manifest says.
    """

    bus: WorkerBus
    clock: Clock
    send_fetch: Callable[[UUID, UUID], None]
    wake_followers: Callable[[UUID, UUID], object]
    endpoints: Mapping[str, Mapping[str, str]]
    local: bool = False
    step_timeout_s: float = STEP_TIMEOUT_S

    def wake(self, tenant_id: UUID, feed_id: UUID) -> None:
        """Have the provider asked soon, unless that is already on its way. Raises BusUnavailable."""
        send_once(self.bus, feed_id, lambda: self.send_fetch(tenant_id, feed_id))


@cache
def tools() -> Tools:
    """This process's tools, made once on first use; its threads share them."""
    return Tools(
        bus=connect_worker(settings.REDIS_URL),
        clock=settings.CLOCK,
        send_fetch=_send_fetch,
        wake_followers=_wake_followers,
        endpoints=settings.FEED_ENDPOINTS,
        local=settings.FEEDS_LOCAL,
    )


def _send_fetch(tenant_id: UUID, feed_id: UUID) -> None:
    from cem_service.feeds import tasks  # Tasks import the services that call this.

    send_task(tasks.fetch, tenant_id=tenant_id, feed_id=feed_id)


def _wake_followers(tenant_id: UUID, feed_id: UUID) -> None:
    from cem_service import following, runtime  # Sites know feeds, and not the other way round.

    following.wake_followers(tenant_id, feed_id, tools=runtime.tools())
