"""From which day on measurements are kept: for everybody, and for tenants that keep them for a shorter time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from tenants.models import Retention


def first_day_kept(now: datetime, retention: timedelta) -> date:
    return (now - retention).astimezone(UTC).date()


def first_days_of_tenants(now: datetime) -> dict[UUID, date]:
    """Of those alone that keep them for a shorter time. Needs the platform's scope."""
    wishes = Retention.objects.exclude(telemetry_days=None).values_list("tenant_id", "telemetry_days")
    return {tenant_id: first_day_kept(now, timedelta(days=days or 0)) for tenant_id, days in wishes}
