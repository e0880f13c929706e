from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from flexhub.bus import TelemetryRow
from flexhub.telemetry import removal, writer
from flexhub.telemetry.models import Rollup
from flexhub.telemetry.rollups import FIRST_LOOK, past_means
from tenants.models import Retention, Tenant
from tenants.scope import platform_scope, tenant_scope
from tests.support.registry import make_tenant

pytestmark = pytest.mark.django_db

TEN = datetime(2026, 4, 21, 10, 0, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
SITE, METER, BATTERY = uuid4(), uuid4(), uuid4()


@pytest.fixture
def alder() -> Tenant:
    return make_tenant("Alder")


def _report(tenant: Tenant, at: datetime, value: float) -> None:
    row = TelemetryRow(tenant.pk, SITE, METER, "ELECTRIC.POWER.L1", at, value)
    writer.store([row], now=TEN + timedelta(days=1), retention=timedelta(days=30))


def _means(tenant: Tenant, until: datetime, *, back: timedelta = FIRST_LOOK) -> dict[datetime, float]:
    """Of the meter."""
    with tenant_scope(tenant.pk):
        means = past_means(
            tenant_id=tenant.pk, site_id=SITE, link_ids=[METER, BATTERY], since=until - back, until=until
        )
    return means.get(METER, {})


def test_keeps_the_quarter_hours_that_have_ended(alder: Tenant) -> None:
    _report(alder, TEN, 1000.0)
    _report(alder, TEN + QUARTER, 400.0)

    assert _means(alder, TEN + 1.5 * QUARTER) == {TEN: 1000.0}


def test_goes_on_where_it_ended_and_takes_in_what_came_late(alder: Tenant) -> None:
    _report(alder, TEN - 3 * QUARTER, 50.0)
    _report(alder, TEN, 1000.0)
    _means(alder, TEN + QUARTER)
    _report(alder, TEN - 2 * QUARTER, 70.0)  # Too late: this quarter hour is not looked at again.
    _report(alder, TEN + timedelta(minutes=10), 4000.0)

    means = _means(alder, TEN + 2 * QUARTER)

    assert means == pytest.approx({TEN - 3 * QUARTER: 50.0, TEN: 2000.0, TEN + QUARTER: 4000.0})


def test_a_link_without_measurements_is_not_looked_up_from_the_beginning_again(alder: Tenant) -> None:
    _means(alder, TEN)

    with tenant_scope(alder.pk):
        assert {row.until for row in Rollup.objects.all()} == {TEN}


def test_a_day_begins_at_midnight_utc(alder: Tenant) -> None:
    midnight = datetime(2026, 4, 21, tzinfo=UTC)
    _report(alder, midnight - QUARTER, 1.0)
    _report(alder, midnight, 2.0)

    means = _means(alder, midnight + QUARTER)

    assert means == {midnight - QUARTER: 1.0, midnight: 2.0}
    with tenant_scope(alder.pk):
        assert Rollup.objects.filter(link_id=METER).count() == 2


@pytest.mark.parametrize("back", [2 * QUARTER, timedelta(days=1), timedelta(days=9)])
def test_looks_back_as_far_as_it_is_asked_to(alder: Tenant, back: timedelta) -> None:
    quarters = [TEN - ago for ago in (timedelta(days=8), timedelta(days=1), 3 * QUARTER, 2 * QUARTER, QUARTER)]
    for quarter in quarters:
        _report(alder, quarter, 1.0)
        _means(alder, quarter + QUARTER)

    assert list(_means(alder, TEN, back=back)) == [quarter for quarter in quarters if quarter >= TEN - back]


def test_a_clock_that_was_set_back_does_not_stop_it(alder: Tenant) -> None:
    _means(alder, TEN + timedelta(days=3))
    _report(alder, TEN, 1000.0)

    assert _means(alder, TEN + QUARTER) == {TEN: 1000.0}


def test_birch_sees_nothing_of_it(alder: Tenant) -> None:
    _report(alder, TEN, 1000.0)
    _means(alder, TEN + QUARTER)

    with tenant_scope(make_tenant("Birch").pk):
        assert not Rollup.objects.exists()


def test_goes_with_its_site_and_with_its_time(alder: Tenant) -> None:
    _report(alder, TEN, 1000.0)
    _means(alder, TEN + QUARTER)
    assert removal.forget_rollups(TEN + timedelta(days=30), timedelta(days=30)) == 0
    assert removal.forget_rollups(TEN + timedelta(days=31), timedelta(days=30)) == 2

    _means(alder, TEN + QUARTER)
    removal.delete_sites(alder.pk, [SITE])
    with platform_scope("test"):
        assert not Rollup.objects.exists()


def test_a_tenant_may_keep_it_for_a_shorter_time(alder: Tenant) -> None:
    _means(alder, TEN)
    with tenant_scope(alder.pk):
        Retention.objects.create(tenant=alder, telemetry_days=2)

    removal.apply_retention(TEN + timedelta(days=3))

    with tenant_scope(alder.pk):
        assert not Rollup.objects.exists()
