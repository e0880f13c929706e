"""Removing a hosted RM: at first its link, so that nobody instructs it any more, and the rest once its device is free.

Neither a vendor that does not answer nor anything else is waited for without end.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.db.models import F

from flexhub.devices.models import Device, Link
from rm_adapters.models import HostedRM
from rm_adapters.rows import Overtaken
from tenants import audit, deletion
from tenants.audit import Actor
from tenants.scope import tenant_scope

log = structlog.get_logger(__name__)

#: So long a vendor is asked to take its device back.
PATIENCE = timedelta(hours=1)


def remove(hosted_rm: HostedRM, *, now: datetime, actor: Actor = None) -> None:
    """End its link, and have its device given back and then deleted. Again has no effect."""
    with tenant_scope(hosted_rm.tenant_id):
        kept = HostedRM.objects.filter(pk=hosted_rm.pk, remove_by=None)
        # The new version overtakes a task at work, which knows nothing of the removal yet.
        if not kept.update(version=F("version") + 1, remove_by=now + PATIENCE, next_at=now):
            return
        audit.record("rm_adapters.hostedrm.removed", hosted_rm, actor=actor, before=_identity(hosted_rm))
        deletion.delete(Link.objects.filter(rm_node_id=hosted_rm.pk), actor=actor)


def remove_if_due(row: HostedRM, now: datetime, *, free: bool) -> bool:
    """Delete the row, its device and its node if they are to go and may go now. Raises Overtaken."""
    if row.remove_by is None:
        return False
    # A session may be in the way as well, where the row can no longer be read, or was given another link.
    may_go = free and row.session_token is None
    if not (may_go or row.remove_by <= now):
        return False
    with tenant_scope(row.tenant_id):
        deleted, _ = HostedRM.objects.filter(pk=row.pk, version=row.version).delete()
        if not deleted:
            raise Overtaken
        audit.record("rm_adapters.hostedrm.deleted", row, actor=None, before=_identity(row))
        deletion.delete(Device.objects.filter(node=row.pk), actor=None)
    log.info("rm.removed", node_id=str(row.pk), given_back=free)
    return True


def _identity(row: HostedRM) -> dict[str, object]:
    return {"account_id": row.account_id, "device_key": row.device_key}
