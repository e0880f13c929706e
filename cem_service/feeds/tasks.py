"""Celery's doors into the feeds. Each body is one call; what it needs of the process comes from `runtime`."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task
from django.db import OperationalError

from cem_service.feeds import fetching, housekeeping, runtime
from flexhub.bus.errors import BusUnavailable
from flexhub.observability.outage import Outage
from tenants.tasks import TenantTask

# Both are tried again within seconds, and a server that is away is no news each time.
_fetching = Outage("feeds are not being fetched")
_waking = Outage("feeds that are due are not being fetched")


@shared_task(base=TenantTask)
def fetch(*, tenant_id: str, feed_id: str, **_: object) -> None:
    """Ask the provider of a feed, and keep what it says."""
    with _fetching.expected(BusUnavailable, OperationalError):
        fetching.fetch(UUID(tenant_id), UUID(feed_id), tools=runtime.tools())


@shared_task(base=TenantTask)
def wake_due_feeds(**_: object) -> None:
    """Have the providers of the feeds asked whose time has come."""
    with _waking.expected(BusUnavailable, OperationalError):
        housekeeping.wake_due(runtime.tools())


@shared_task(base=TenantTask)
def forget_old_series(**_: object) -> None:
    housekeeping.forget_old_series(runtime.tools().clock.now())
