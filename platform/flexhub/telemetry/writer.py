"""From the bus' telemetry stream into the table.

Rows are copied into a temporary table and inserted from there: PostgreSQL refuses COPY straight into a table with
row-level security, and COPY knows no ON CONFLICT. A row that comes twice is stored once, so that the stream may
deliver at least once: a batch is confirmed after its transaction, and a worker that dies in between costs nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from django.db import DataError, IntegrityError, connection

from flexhub.bus.poison import reason_of
from flexhub.bus.ports import WorkerBus
from flexhub.bus.sieve import sift
from flexhub.bus.streams import TelemetryRow
from flexhub.telemetry.keeping import first_day_kept, first_days_of_tenants
from flexhub.telemetry.partitions import DROP_BEFORE, ENSURE, TABLE
from tenants.scope import platform_scope

logger = logging.getLogger(__name__)

# A device's clock may run ahead; a row further in the future is nonsense, and must not make partitions for centuries.
FUTURE_TOLERANCE = timedelta(days=1)
# Stream entries per transaction: some ten thousand rows at the very most, well under a second.
ENTRIES_PER_TAKE = 200
# What is a row's own fault, such as a time without a zone; anything else may be better in a minute.
REFUSALS = (DataError, IntegrityError, ValueError, TypeError)

_INCOMING = f"""
    CREATE TEMPORARY TABLE IF NOT EXISTS telemetry_incoming (LIKE {TABLE}) ON COMMIT DELETE ROWS
"""
_COPY = "COPY pg_temp.telemetry_incoming (tenant_id, site_id, link_id, quantity, at, value) FROM STDIN"
_INSERT = f"""
    INSERT INTO {TABLE} (tenant_id, site_id, link_id, quantity, at, value)
    SELECT tenant_id, site_id, link_id, quantity, at, value FROM pg_temp.telemetry_incoming
    ON CONFLICT DO NOTHING
"""  # noqa: S608 - The name is a constant of ours.


def drain(bus: WorkerBus, *, now: datetime, retention: timedelta, takes: int = 50) -> int:
    """Store what is in the stream, at most `takes` transactions of it; returns the number of new rows.

    `now` is the hub's time. Rows that the database refuses are set aside. Raises BusUnavailable and Django's
    DatabaseError; nothing is lost then.
    """
    stored = 0
    for _ in range(takes):
        delivery = bus.take_telemetry(ENTRIES_PER_TAKE)
        if not delivery:
            break
        sifted = sift(delivery.rows, partial(store, now=now, retention=retention), REFUSALS)
        for row, error in sifted.refused:
            logger.error("a measurement is refused by the database and set aside: %s", error)
            bus.set_aside("telemetry", reason_of(error), _as_line(row))
        bus.confirm_telemetry(delivery)
        stored += sifted.stored
    return stored


def store(rows: Sequence[TelemetryRow], *, now: datetime, retention: timedelta) -> int:
    """Insert rows and make the partitions that they need; returns how many were new.

    Rows older than `retention` or than their tenant keeps them, or further ahead than clocks differ, are left out with
    one line in the log.
    """
    oldest, newest = first_day_kept(now, retention), now + FUTURE_TOLERANCE
    with platform_scope("ask how long tenants keep measurements"):
        shorter = first_days_of_tenants(now)
    wanted = [
        row
        for row in rows
        if max(oldest, shorter.get(row.tenant_id, oldest)) <= row.at.astimezone(UTC).date() and row.at <= newest
    ]
    if len(wanted) < len(rows):
        logger.warning("%d measurements with a time outside %s to %s left out", len(rows) - len(wanted), oldest, newest)
    if not wanted:
        return 0
    with platform_scope("telemetry writer"), connection.cursor() as cursor:
        for day in sorted({row.at.astimezone(UTC).date() for row in wanted}):
            cursor.execute(f"SELECT {ENSURE}(%s)", [day])
        cursor.execute(_INCOMING)
        # Unlike `execute`, `copy` is psycopg's own, and so would be its errors.
        with connection.wrap_database_errors, cursor.copy(_COPY) as copy:
            for row in wanted:
                copy.write_row((row.tenant_id, row.site_id, row.link_id, row.quantity, row.at, row.value))
        cursor.execute(_INSERT)
        return int(cursor.rowcount)


def _as_line(row: TelemetryRow) -> str:
    parts = (row.tenant_id, row.site_id, row.link_id, row.quantity, row.at.isoformat(), row.value)
    return "\t".join(str(part) for part in parts)


def drop_old_partitions(*, now: datetime, retention: timedelta) -> int:
    """Drop the days before the retention time; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {DROP_BEFORE}(%s)", [first_day_kept(now, retention)])
        row = cursor.fetchone()
    dropped = int(row[0]) if row else 0
    if dropped:
        logger.info("telemetry: dropped %d days older than %s", dropped, retention)
    return dropped
