"""What beat asks for: hosted RMs whose time has come, and those whose session began or ended without their knowing."""

from __future__ import annotations

import random
from datetime import datetime
from uuid import UUID

from django.db.models import F

from flexhub.bus import end_id
from rm_adapters.models import HostedRM
from rm_adapters.runtime import Tools
from tenants.scope import platform_scope

#: How many a sweep wakes, so that it never takes long itself; the others are left to the sweeps that follow.
WAKE_AT_ONCE = 500


def wake_due(tools: Tools) -> int:
    """Wake the hosted RMs that have to be attended to by now, those that have waited longest first.

    Returns how many. Raises BusUnavailable.
    """
    due = _due_by(tools.clock.now())
    for tenant_id, node_id in due:
        tools.wake(tenant_id, node_id)
    return len(due)


def wake_changed_sessions(tools: Tools) -> int:
    """Wake those whose session is not the one they speak in: the task that was to tell them may have been lost.

    Returns how many. Raises BusUnavailable.
    """
    known = _known_sessions()
    if not known:
        return 0
    open_sessions = {seat.info.link_id: seat.token for seat in tools.bus.sessions() if seat.profile is not None}
    changed = [
        (tenant_id, node_id)
        for tenant_id, node_id, link_id, token in known
        if token != (open_sessions.get(end_id(link_id, "CEM")) if link_id is not None else None)
    ]
    # Any of them, so that some that cannot be helped do not stand before the others for ever.
    chosen = random.sample(changed, min(len(changed), WAKE_AT_ONCE))
    for tenant_id, node_id in chosen:
        tools.wake(tenant_id, node_id)
    return len(chosen)


def _due_by(moment: datetime) -> list[tuple[UUID, UUID]]:
    with platform_scope("find hosted RMs that are due"):
        due = HostedRM.objects.filter(next_at__lte=moment).order_by("next_at")
        return list(due.values_list("tenant_id", "node_id")[:WAKE_AT_ONCE])


def _known_sessions() -> list[tuple[UUID, UUID, UUID | None, int | None]]:
    with platform_scope("compare the sessions of hosted RMs"):
        rows = HostedRM.objects.order_by().annotate(link_id=F("node__rm_link__id"))
        return list(rows.values_list("tenant_id", "node_id", "link_id", "session_token"))
