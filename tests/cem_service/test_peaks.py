from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import pytest

from cem_service.loading import load_site, with_history
from cem_service.models import SitePeak
from cem_service.objectives import Wishes, create_tariff, set_objectives
from cem_service.peaks import month_of
from flexhub.bus import TelemetryRow
from flexhub.devices.services import set_main_meter
from flexhub.telemetry import writer
from tenants.scope import tenant_scope
from tests.support.cem_world import World

FLAT = [0.25] * 24
QUARTER = timedelta(minutes=15)


@pytest.fixture
def metered(world: World) -> World:
    """Its device is the main meter, and it pays for the month's peak."""
    tenant, site = world.household.tenant, world.household.site
    tariff = create_tariff(tenant=tenant, name="flat", import_eur_per_kwh=FLAT, export_eur_per_kwh=FLAT)
    set_objectives(site=site, tariff=tariff, wishes=Wishes(peak_eur_per_kw=4.0))
    set_main_meter(site=site, node=world.household.rm_node)
    return world


def _measured(world: World, values: Mapping[timedelta, float]) -> None:
    now = world.clock.now()
    rows = [
        TelemetryRow(*world.ids, world.household.link.pk, "ELECTRIC.POWER.L1", now - ago, value)
        for ago, value in values.items()
    ]
    writer.store(rows, now=now, retention=timedelta(days=60))


def _peak_w(world: World) -> float:
    loaded = load_site(*world.ids, bus=world.bus, now=world.clock.now())
    assert loaded is not None
    tariff = with_history(loaded).state.objectives.capacity_tariff
    assert tariff is not None
    return tariff.peak_so_far_w


def test_the_whole_month_counts_and_no_other(metered: World) -> None:
    """It is the 21st."""
    _measured(metered, {timedelta(days=30): 9000.0, timedelta(days=12): 5000.0, timedelta(hours=3): 2000.0})

    assert _peak_w(metered) == pytest.approx(5000.0)


def test_the_quarter_hour_that_is_not_over_does_not_count(metered: World) -> None:
    metered.clock.advance(60)
    _measured(metered, {timedelta(seconds=30): 7000.0, QUARTER + timedelta(minutes=1): -3000.0})

    assert _peak_w(metered) == 0.0


def test_what_was_counted_stays_when_the_measurements_are_gone(metered: World) -> None:
    _measured(metered, {timedelta(days=12): 5000.0})
    _peak_w(metered)
    with tenant_scope(metered.household.tenant.pk):
        SitePeak.objects.update(peak_w=6500.0)
    metered.clock.advance(QUARTER.total_seconds())
    _measured(metered, {QUARTER: 7000.0})

    assert _peak_w(metered) == pytest.approx(7000.0)
    metered.clock.advance(3 * 86_400)
    assert _peak_w(metered) == pytest.approx(7000.0)


def test_each_month_begins_anew(metered: World) -> None:
    _measured(metered, {timedelta(days=12): 5000.0})
    _peak_w(metered)

    metered.clock.advance(15 * 86_400)

    assert _peak_w(metered) == 0.0
    with tenant_scope(metered.household.tenant.pk):
        assert SitePeak.objects.get().month == date(2026, 5, 1)


def test_a_month_is_that_of_the_sites_time_zone() -> None:
    moment = datetime(2026, 4, 30, 22, 30, tzinfo=UTC)

    assert [month_of(moment, zone) for zone in ("Europe/Amsterdam", "UTC")] == [date(2026, 5, 1), date(2026, 4, 1)]
