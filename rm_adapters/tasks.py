"""Celery's doors into the hosted RMs. Each body is one call; what it needs of the process comes from `runtime`."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task
from django.db import OperationalError

from flexhub.bus.errors import BusUnavailable
from flexhub.observability.outage import Outage
from rm_adapters import attendance, housekeeping, runtime, services
from tenants.tasks import TenantTask

# All of these are tried again within seconds, and a server that is away is no news each time.
_attending = Outage("hosted RMs are not being attended to")
_waking = Outage("hosted RMs that are due are not being woken")
_comparing = Outage("the sessions of hosted RMs are not being compared")


@shared_task(base=TenantTask)
def attend(*, tenant_id: str, node_id: str, **_: object) -> None:
    """Do what there is to do for a hosted RM now."""
    with _attending.expected(BusUnavailable, OperationalError):
        attendance.attend_or_come_back(UUID(tenant_id), UUID(node_id), tools=runtime.tools())


@shared_task(base=TenantTask)
def look_for_devices(*, tenant_id: str, account_id: str, **_: object) -> None:
    """Ask a vendor which devices an account holds."""
    services.look_for_devices(UUID(tenant_id), UUID(account_id), now=runtime.tools().clock.now)


@shared_task(base=TenantTask)
def wake_due_hosted(**_: object) -> None:
    """Wake the hosted RMs whose time has come."""
    with _waking.expected(BusUnavailable, OperationalError):
        housekeeping.wake_due(runtime.tools())


@shared_task(base=TenantTask)
def wake_changed_sessions(**_: object) -> None:
    """Wake the hosted RMs that do not know yet that their session began or ended."""
    with _comparing.expected(BusUnavailable, OperationalError):
        housekeeping.wake_changed_sessions(runtime.tools())
