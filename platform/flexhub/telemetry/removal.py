"""Deleting measurements before their day is dropped: of an erased household, or of a tenant that keeps them shorter.

The table has no index by tenant or time alone, since the rows come by the thousand. So rows are looked for in one day's
partition at a time, and deleted by their place in it, some thousand a transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import connection

from flexhub.telemetry.keeping import first_day_kept
from flexhub.telemetry.models import Rollup
from flexhub.telemetry.partitions import TABLE
from flexhub.telemetry.rollups import delete_rollups_of
from tenants.models import Retention
from tenants.scope import platform_scope, tenant_scope

log = structlog.get_logger(__name__)

_ROWS_AT_ONCE = 20_000
_DAYS = """
    SELECT to_date(right(child.relname, 8), 'YYYYMMDD')
    FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
    WHERE inhparent = to_regclass(%s) ORDER BY child.relname
"""
# Within one day, and so one partition, a row's place is its own.
_DELETE = f"""
    DELETE FROM {TABLE} WHERE at >= %(since)s AND at < %(until)s AND ctid = ANY(ARRAY(
        SELECT ctid FROM {TABLE} WHERE at >= %(since)s AND at < %(until)s AND {{rows}} LIMIT {_ROWS_AT_ONCE}
    ))
"""  # noqa: S608 - Names and numbers are constants of ours.
_FORGET_ROLLUPS = f"""
    DELETE FROM telemetry_rollup WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM telemetry_rollup WHERE day < %(day)s LIMIT {_ROWS_AT_ONCE}
    ))
"""  # noqa: S608 - The number is a constant of ours.


def delete_sites(tenant_id: UUID, sites: Sequence[UUID]) -> int:
    """All measurements of these sites of one tenant, and what was computed from them; returns how many."""
    with tenant_scope(tenant_id):
        delete_rollups_of(sites)
    parameters = {"sites": list(sites)}
    return sum(_delete_day(tenant_id, day, "site_id = ANY(%(sites)s)", parameters) for day in _days())


def apply_retention(now: datetime) -> int:
    """Delete what tenants do not want to keep for as long as the hub does; returns how many rows. `now`: the hub's."""
    with platform_scope("find tenants that keep measurements for a shorter time"):
        wishes = list(Retention.objects.exclude(telemetry_days=None))
    return sum(_apply(wish, now) for wish in wishes)


def forget_rollups(now: datetime, retention: timedelta) -> int:
    """Delete means of days that nobody keeps any more, a bounded number a call; returns how many."""
    with platform_scope("forget old quarter-hour means"), connection.cursor() as cursor:
        cursor.execute(_FORGET_ROLLUPS, {"day": first_day_kept(now, retention)})
        return int(cursor.rowcount)


def _apply(wish: Retention, now: datetime) -> int:
    keep_from = first_day_kept(now, timedelta(days=wish.telemetry_days or 0))
    # Nothing older than it is stored any more (`writer`), so a day that is done stays done.
    done = wish.telemetry_cleared_before or date.min
    days = [day for day in _days() if done <= day < keep_from]
    deleted = sum(_delete_day(wish.tenant_id, day, "tenant_id = %(tenant)s", {}) for day in days)
    with tenant_scope(wish.tenant_id):
        Rollup.objects.filter(tenant_id=wish.tenant_id, day__lt=keep_from).delete()
        Retention.objects.filter(pk=wish.pk).update(telemetry_cleared_before=keep_from)
    if deleted:
        log.info("telemetry.forgot", tenant_id=str(wish.tenant_id), rows=deleted)
    return deleted


def _days() -> list[date]:
    with platform_scope("list the days of telemetry"), connection.cursor() as cursor:
        cursor.execute(_DAYS, [TABLE])
        return [row[0] for row in cursor.fetchall()]


def _delete_day(tenant_id: UUID, day: date, rows: str, parameters: dict[str, Any]) -> int:
    since = datetime.combine(day, time(), UTC)
    limits = {"tenant": tenant_id, "since": since, "until": since + timedelta(days=1)}
    deleted = 0
    while True:
        with tenant_scope(tenant_id), connection.cursor() as cursor:
            cursor.execute(_DELETE.format(rows=rows), parameters | limits)
            deleted += int(cursor.rowcount)
            if cursor.rowcount < _ROWS_AT_ONCE:
                return deleted
