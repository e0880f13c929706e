from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from flexhub.bus import TelemetryRow
from flexhub.telemetry import writer
from flexhub.telemetry.queries import quarter_hour_means
from tenants.scope import tenant_scope
from tests.support.links import ALDER

pytestmark = pytest.mark.django_db

TEN = datetime(2026, 4, 21, 10, 0, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
METER, BATTERY = uuid4(), uuid4()
BIRCH = UUID("b19c0000-0000-4000-8000-000000000002")


def _report(minutes: float, value: float, link_id: UUID = METER, quantity: str = "ELECTRIC.POWER.L1") -> None:
    at = TEN + timedelta(minutes=minutes)
    row = TelemetryRow(ALDER, uuid4(), link_id, quantity, at, value)
    writer.store([row], now=TEN, retention=timedelta(days=30))


def _means(
    *links: UUID, tenant: UUID = ALDER, until: datetime = TEN + 2 * QUARTER
) -> dict[UUID, dict[datetime, float]]:
    with tenant_scope(tenant):
        return quarter_hour_means(links or (METER,), since=TEN, until=until)


def test_weighs_each_value_with_how_long_it_held() -> None:
    _report(0, 1000.0)
    _report(5, 4000.0)
    _report(15, 0.0)

    means = _means()

    assert means[METER] == pytest.approx({TEN: 3000.0, TEN + QUARTER: 0.0})


def test_a_value_carries_over_into_the_next_quarter_hour() -> None:
    _report(10, 600.0)
    _report(20, 0.0)

    assert _means()[METER] == pytest.approx({TEN: 600.0, TEN + QUARTER: 200.0})


def test_a_device_that_fell_silent_says_nothing_after_a_quarter_hour() -> None:
    _report(0, 500.0)

    assert list(_means(until=TEN + 8 * QUARTER)[METER]) == [TEN]


def test_sums_phases_and_leaves_other_quantities_out() -> None:
    _report(0, 100.0, quantity="ELECTRIC.POWER.L1")
    _report(0, 200.0, quantity="ELECTRIC.POWER.L2")
    _report(0, 60.0, quantity="HEAT.TEMPERATURE")

    assert _means()[METER][TEN] == pytest.approx(300.0)


def test_keeps_links_apart_and_tenants_too() -> None:
    _report(0, 100.0)
    _report(0, -50.0, link_id=BATTERY)

    means = _means(METER, BATTERY)

    assert means[METER][TEN] == pytest.approx(100.0)
    assert means[BATTERY][TEN] == pytest.approx(-50.0)
    assert _means(METER, BATTERY, tenant=BIRCH) == {}
