"""What beat asks for: feeds whose time has come, and series that nobody will look at again."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import structlog

from cem_service.feeds.models import Feed, StoredSeries
from cem_service.feeds.runtime import Tools
from tenants.scope import platform_scope

log = structlog.get_logger(__name__)

#: How many a sweep wakes, so that it never takes long itself; the others are left to the sweeps that follow.
WAKE_AT_ONCE = 200
#: Of a feed that has failed for that long, or that nobody asks any more.
KEEP_SERIES_FOR = timedelta(days=7)
DELETE_AT_ONCE = 5_000


def wake_due(tools: Tools) -> int:
    """Have the providers of the feeds asked whose time has come, those that have waited longest first.

    Returns how many. Raises BusUnavailable.
    """
    due = _due_by(tools.clock.now())
    for tenant_id, feed_id in due:
        tools.wake(tenant_id, feed_id)
    return len(due)


def forget_old_series(now: datetime) -> int:
    """Delete series whose last value is more than a week past; a bounded number a call, returns how many."""
    with platform_scope("forget old series of feeds"):
        old = StoredSeries.objects.filter(ends_at__lt=now - KEEP_SERIES_FOR).order_by("ends_at")
        deleted, _ = StoredSeries.objects.filter(
            pk__in=list(old.values_list("pk", flat=True)[:DELETE_AT_ONCE])
        ).delete()
    if deleted:
        log.info("feeds.forgot", rows=deleted)
    return deleted


def _due_by(moment: datetime) -> list[tuple[UUID, UUID]]:
    with platform_scope("find feeds that are due"):
        due = Feed.objects.filter(next_at__lte=moment, tenant__deactivated_at=None).order_by("next_at")
        return list(due.values_list("tenant_id", "pk")[:WAKE_AT_ONCE])
