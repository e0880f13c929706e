"""Forgetting the conversations of tenants that keep them for a shorter time than the bus does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from flexhub.bus import WorkerBus, end_id
from flexhub.devices.models import Link, Node
from tenants.models import Retention
from tenants.scope import platform_scope, tenant_scope

log = structlog.get_logger(__name__)

_LINKS_AT_ONCE = 200


def forget_old_conversations(bus: WorkerBus, now: datetime) -> int:
    """Those of ends without a session, whose last message is older than their tenant keeps it; returns how many.

    `now`: the hub's. Raises BusUnavailable.
    """
    with platform_scope("find tenants that keep conversations for a shorter time"):
        wishes = list(Retention.objects.exclude(conversation_days=None))
    return sum(_forget(bus, wish, now) for wish in wishes)


def _forget(bus: WorkerBus, wish: Retention, now: datetime) -> int:
    with tenant_scope(wish.tenant_id):
        # Its own: a manufacturer also reads the links of devices that it supports.
        own = Link.objects.filter(tenant_id=wish.tenant_id)
        links = list(own.order_by("pk").values_list("pk", flat=True))
    before = now - timedelta(days=wish.conversation_days or 0)
    forgotten = 0
    for some in _pieces(links):
        ends = [end_id(link, role) for link in some for role in Node.Role.values]
        silent = [end for end, snapshot in bus.snapshots(ends).items() if snapshot is None]
        old = [end for end in silent if any(entry.at < before for entry in bus.conversation(end, 1))]
        bus.forget(old)
        forgotten += len(old)
    if forgotten:
        log.info("conversations.forgot", tenant_id=str(wish.tenant_id), ends=forgotten)
    return forgotten


def _pieces(links: Sequence[UUID]) -> list[Sequence[UUID]]:
    return [links[start : start + _LINKS_AT_ONCE] for start in range(0, len(links), _LINKS_AT_ONCE)]
