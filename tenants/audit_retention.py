"""Forgetting the trail of tenants that do not keep it for ever, some rows a transaction."""

from __future__ import annotations

import json
from datetime import timedelta

import structlog
from django.db import connection
from django.utils import timezone

from tenants import audit
from tenants.models import Retention
from tenants.scope import platform_scope, tenant_scope
from tenants.trail_functions import FORGET

log = structlog.get_logger(__name__)

_ROWS_AT_ONCE = 5_000
_MOST_BATCHES = 100


def apply() -> int:
    """Returns how many rows went. Real time, as in the trail itself: a demo's clock would run ahead of what is old."""
    with platform_scope("find tenants that do not keep their trail for ever"):
        wishes = list(Retention.objects.exclude(audit_days=None))
    return sum(_forget(wish) for wish in wishes)


def _forget(wish: Retention) -> int:
    # A little more than a whole number of days, since the database judges by its own clock.
    oldest = timezone.now() - timedelta(days=wish.audit_days or 0, minutes=5)
    told = json.dumps(audit.fields_of_actor(None) | audit.fields_of_origin())
    forgotten = 0
    for _ in range(_MOST_BATCHES):
        with tenant_scope(wish.tenant_id), connection.cursor() as cursor:
            cursor.execute(f"SELECT {FORGET}(%s, %s, %s)", [oldest, _ROWS_AT_ONCE, told])
            number = int(cursor.fetchone()[0])
        forgotten += number
        if number < _ROWS_AT_ONCE:
            break
    if forgotten:
        log.info("audit.forgot", tenant_id=str(wish.tenant_id), rows=forgotten)
    return forgotten
