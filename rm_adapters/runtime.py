"""What the services of a worker process are given: the bus, the clocks, ids, and how to send a task."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID, uuid4, uuid5

from django.conf import settings

from flexhub.bus.connect import connect_worker
from flexhub.bus.ports import WorkerBus
from flexhub.bus.queue import send_once, send_task
from flexhub.clock import Clock

#: Real time. A moment no farther away than this gets a task of its own; what is later, the sweep of each second finds.
SOON_S = 1.0
#: Nobody needs to be attended to more often than every so many real seconds, however fast the hub's clock runs.
LEAST_PAUSE_S = 0.1


@dataclass(frozen=True, slots=True)
class Tools:
    """Passed into every service, so that tests pass the in-memory bus, a fixed clock and counted ids.

    `monotonic` is real time, for what guards real machines: locks and how long a task may take.
    """

    bus: WorkerBus
    clock: Clock
    new_id: Callable[[], str]
    send_attend: Callable[[UUID, UUID, float], None]
    monotonic: Callable[[], float] = time.monotonic

    def wake(self, tenant_id: UUID, node_id: UUID, *, delay_s: float = 0.0) -> None:
        """Have the hosted RM attended to, unless that is already on its way. Raises BusUnavailable."""
        send_once(self.bus, node_id, lambda: self.send_attend(tenant_id, node_id, delay_s))

    def wake_at(self, tenant_id: UUID, node_id: UUID, moment: datetime) -> None:
        """Have the hosted RM attended to at `moment`, where the sweep might be late for it. Raises BusUnavailable.

        One task for each moment, and not the RM's flag: under that, mail that comes meanwhile would have to wait too.
        """
        delay_s = max(LEAST_PAUSE_S, self.clock.real_seconds_until(moment))
        if delay_s <= SOON_S:
            name = uuid5(node_id, moment.isoformat())
            send_once(self.bus, name, lambda: self.send_attend(tenant_id, node_id, delay_s))


@cache
def tools() -> Tools:
    """This process's tools, made once on first use; its threads share them."""
    return Tools(
        bus=connect_worker(settings.REDIS_URL),
        clock=settings.CLOCK,
        new_id=lambda: str(uuid4()),
        send_attend=_send_attend,
    )


def _send_attend(tenant_id: UUID, node_id: UUID, delay_s: float) -> None:
    from rm_adapters import tasks  # Tasks import the services that call this.

    send_task(tasks.attend, tenant_id=tenant_id, node_id=node_id, delay_s=delay_s)


def send_look(tenant_id: UUID, account_id: UUID) -> None:
    """Have a vendor asked for the devices of an account; nobody asks again by itself. Raises BusUnavailable."""
    from rm_adapters import tasks  # Tasks import the services that call this.

    send_task(tasks.look_for_devices, tenant_id=tenant_id, account_id=account_id, life_s=None)
