"""What the services of a worker process are given: the bus, the clock, ids, and how to send a task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from uuid import UUID, uuid4

from django.conf import settings

from flexhub.bus.connect import connect_worker
from flexhub.bus.ports import WorkerBus
from flexhub.bus.queue import send_once, send_task
from flexhub.clock import Clock


@dataclass(frozen=True, slots=True)
class Tools:
    """Passed into every service, so that tests pass the in-memory bus, a fixed clock and counted ids."""

    bus: WorkerBus
    clock: Clock
    new_id: Callable[[], str]
    send_react: Callable[[UUID, UUID, float], None]
    send_plan: Callable[[UUID, UUID], None]
    # From the begin of a planning task, until which it looks for a better plan; there is always one before.
    plan_time_s: float = 0.0

    def wake(self, tenant_id: UUID, site_id: UUID, *, delay_s: float = 0.0) -> None:
        """Have the site looked at soon, unless that is already on its way. Raises BusUnavailable."""
        send_once(self.bus, site_id, lambda: self.send_react(tenant_id, site_id, delay_s))


@cache
def tools() -> Tools:
    """This process's tools, made once on first use (after the fork: a connection must not be shared by children)."""
    return Tools(
        bus=connect_worker(settings.REDIS_URL),
        clock=settings.CLOCK,
        new_id=lambda: str(uuid4()),
        send_react=_send_react,
        send_plan=_send_plan,
        plan_time_s=settings.PLAN_TIME_MS / 1000.0,
    )


def _send_react(tenant_id: UUID, site_id: UUID, delay_s: float) -> None:
    from cem_service import tasks  # Tasks import the services that call this.

    send_task(tasks.react, tenant_id=tenant_id, site_id=site_id, delay_s=delay_s)


def _send_plan(tenant_id: UUID, site_id: UUID) -> None:
    from cem_service import tasks  # Tasks import the services that call this.

    send_task(tasks.plan, tenant_id=tenant_id, site_id=site_id)
