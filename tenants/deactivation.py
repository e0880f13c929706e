"""Turning a tenant off, and on again.

Its people no longer act for it, its programs and devices are refused, and nothing is decided, fetched or dialled for
it: each of these doors asks for itself. Its rows stay, and exports, erasures and retention go on.
"""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import ValidationError
from django.dispatch import Signal

from tenants import audit
from tenants.audit import Actor
from tenants.models import Tenant, User
from tenants.scope import platform_scope

# Both are sent by the tenant, within the transaction: what has to be told to others is told after the commit.
deactivated = Signal()
reactivated = Signal()


def deactivate(tenant: Tenant, *, now: datetime, actor: Actor = None) -> None:
    """Shut the tenant's people, programs and devices out at once. Doing it again changes nothing.

    Raises ValidationError for the tenant that the actor acts for: they could not undo it.
    """
    if isinstance(actor, User) and actor.tenant == tenant:
        raise ValidationError("You act for this tenant. Somebody who acts for another operator may deactivate it.")
    _change(tenant, now, "deactivated", deactivated, actor)


def reactivate(tenant: Tenant, *, actor: Actor = None) -> None:
    """Let everybody in again, with what they had. Doing it again changes nothing."""
    _change(tenant, None, "reactivated", reactivated, actor)


def _change(tenant: Tenant, moment: datetime | None, outcome: str, signal: Signal, actor: Actor) -> None:
    with platform_scope(f"a tenant is {outcome}"):
        row = Tenant.objects.select_for_update().get(pk=tenant.pk)
        if row.is_active == (moment is None):
            return
        before = {"deactivated_at": row.deactivated_at}
        row.deactivated_at = tenant.deactivated_at = moment
        row.save(update_fields=["deactivated_at"])
        after = {"deactivated_at": moment}
        audit.record(f"tenants.tenant.{outcome}", row, actor=actor, before=before, after=after)
        signal.send(row)
