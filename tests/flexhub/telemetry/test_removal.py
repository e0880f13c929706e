from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from flexhub.bus import TelemetryRow
from flexhub.telemetry import removal, writer
from flexhub.telemetry.models import Measurement
from tenants.models import Retention, Tenant
from tenants.scope import platform_scope, tenant_scope
from tests.support.registry import make_tenant

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 4, 21, 10, tzinfo=UTC)
RETENTION = timedelta(days=30)


def _store(tenant: Tenant, *days_ago: float, site_id: UUID | None = None) -> None:
    rows = [
        TelemetryRow(tenant.pk, site_id or uuid4(), uuid4(), "ELECTRIC.POWER.L1", NOW - timedelta(days=days), days)
        for days in days_ago
    ]
    writer.store(rows, now=NOW, retention=RETENTION)


def _left(tenant: Tenant) -> list[float]:
    with platform_scope("test"):
        rows = Measurement.objects.filter(tenant_id=tenant.pk)
        return sorted(rows.values_list("value", flat=True))


def _keep(tenant: Tenant, days: int) -> None:
    with tenant_scope(tenant.pk):
        Retention.objects.update_or_create(tenant=tenant, defaults={"telemetry_days": days})


def test_deletes_what_a_tenant_does_not_want_to_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removal, "_ROWS_AT_ONCE", 2)
    alder, birch = make_tenant("Alder"), make_tenant("Birch")
    _store(alder, 0, 3, 3.01, 3.02, 3.03, 3.04, 10)
    _store(birch, 10)
    _keep(alder, 2)

    assert removal.apply_retention(NOW) == 6
    assert removal.apply_retention(NOW) == 0

    assert (_left(alder), _left(birch)) == ([0], [10])


def test_who_keeps_less_than_before_loses_more() -> None:
    alder = make_tenant("Alder")
    _store(alder, 0, 3, 10)
    _keep(alder, 5)
    removal.apply_retention(NOW)

    _keep(alder, 2)

    assert removal.apply_retention(NOW) == 1
    assert _left(alder) == [0]


def test_remembers_how_far_it_came() -> None:
    alder = make_tenant("Alder")
    _store(alder, 10)
    _keep(alder, 5)

    removal.apply_retention(NOW)

    with tenant_scope(alder.pk):
        assert Retention.objects.get().telemetry_cleared_before == date(2026, 4, 16)


def test_what_comes_late_is_not_stored_any_more() -> None:
    alder, birch = make_tenant("Alder"), make_tenant("Birch")
    _keep(alder, 5)

    _store(alder, 4, 6)
    _store(birch, 4, 6)

    assert (_left(alder), _left(birch)) == ([4], [4, 6])


def test_deletes_all_of_some_sites() -> None:
    alder, home, other = make_tenant("Alder"), uuid4(), uuid4()
    _store(alder, 1, 10, site_id=home)
    _store(alder, 2, site_id=other)

    assert removal.delete_sites(alder.pk, [home]) == 2

    assert _left(alder) == [2]


def test_does_not_reach_into_another_tenant() -> None:
    alder, birch, home = make_tenant("Alder"), make_tenant("Birch"), uuid4()
    _store(alder, 1, site_id=home)

    assert removal.delete_sites(birch.pk, [home]) == 0

    assert _left(alder) == [1]
