"""The row of a hosted RM as a task holds it: read once, and written only if nobody has written it since.

A worker that was paused past its lock and goes on still believes that the device is its own. The version of the row
tells it otherwise, before it publishes or executes anything more.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F
from django.db.models.functions import Least
from pydantic import TypeAdapter

from rm_adapters.models import HostedRM
from rm_adapters.sdk import Device, Preferences
from tenants.scope import tenant_scope

DEVICE: TypeAdapter[Device] = TypeAdapter(Device)
PREFERENCES: TypeAdapter[Preferences] = TypeAdapter(Preferences)


class Overtaken(Exception):
    """Another worker attends to this device by now, or nobody has to any more."""


def load(tenant_id: UUID, node_id: UUID) -> HostedRM | None:
    """The row with its tenant, node, link and account; None where it is gone."""
    with tenant_scope(tenant_id):
        rows = HostedRM.objects.select_related("tenant", "node__rm_link", "account")
        return rows.filter(pk=node_id).first()


def store(row: HostedRM, **changes: Any) -> None:
    """Write these fields, in a transaction of their own. Raises Overtaken."""
    with tenant_scope(row.tenant_id):
        mine = HostedRM.objects.filter(pk=row.pk, version=row.version)
        written = mine.update(version=row.version + 1, **changes)
    if not written:
        raise Overtaken
    row.version += 1
    for name, value in changes.items():
        setattr(row, name, value)


def check_current(row: HostedRM) -> None:
    """Raises Overtaken where the row is not as it was read."""
    with tenant_scope(row.tenant_id):
        if not HostedRM.objects.filter(pk=row.pk, version=row.version).exists():
            raise Overtaken


def make_due(tenant_id: UUID, node_id: UUID, now: datetime) -> None:
    """Have the sweep come for the row, whatever else is in it."""
    with tenant_scope(tenant_id):
        HostedRM.objects.filter(pk=node_id).update(next_at=now)


def make_all_due(tenant_id: UUID) -> None:
    """Have the sweep come for all of a tenant's that rested; a task that is about to let one rest is overtaken."""
    with tenant_scope(tenant_id):
        theirs = HostedRM.objects.filter(tenant_id=tenant_id)
        theirs.update(version=F("version") + 1, next_at=Least("due_at", "read_at", "remove_by"))


def device_of(row: HostedRM) -> Device:
    return DEVICE.validate_python(row.device)


def preferences_of(row: HostedRM) -> Preferences:
    return PREFERENCES.validate_python(row.preferences)


def next_moment(row: HostedRM) -> datetime | None:
    """When somebody has to come again, by what is in the row; None where something has to come first."""
    return min((each for each in (row.due_at, row.read_at, row.remove_by) if each is not None), default=None)
