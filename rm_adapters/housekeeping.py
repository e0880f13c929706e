"""What beat asks for: hosted RMs whose time has come, and those whose session began or ended without their knowing."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import F

from flexhub.bus import end_id
from rm_adapters.models import HostedRM
from rm_adapters.runtime import Tools
from tenants.scope import platform_scope

#: How many are woken at once; the ones that have waited longest come first, and the others a second later.
WAKE_AT_ONCE = 500


def wake_due(tools: Tools) -> int:
    """Wake every hosted RM that has to be attended to by now; returns how many are due. Raises BusUnavailable."""
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
    for tenant_id, node_id in changed:
        tools.wake(tenant_id, node_id)
    return len(changed)


def _due_by(moment: datetime) -> list[tuple[UUID, UUID]]:
    with platform_scope("find hosted RMs that are due"):
        due = HostedRM.objects.filter(next_at__lte=moment).order_by("next_at")
        return list(due.values_list("tenant_id", "node_id")[:WAKE_AT_ONCE])


def _known_sessions() -> list[tuple[UUID, UUID, UUID | None, int | None]]:
    with platform_scope("compare the sessions of hosted RMs"):
        rows = HostedRM.objects.order_by().annotate(link_id=F("node__rm_link__id"))
        return list(rows.values_list("tenant_id", "node_id", "link_id", "session_token"))
