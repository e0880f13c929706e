from __future__ import annotations

from datetime import timedelta

import pytest

from cem_service.loading import load_site
from cem_service.models import PlanRun, PlanRunKind
from cem_service.planners.building import plan_site
from flexhub.devices.services import create_cem_node, link_nodes
from flexhub.flexibility.errors import PoolTooSmall, TooFewConnected
from flexhub.flexibility.loading import PoolFlexibility, pool_flexibility
from flexhub.flexibility.models import Pool
from tenants.scope import tenant_scope
from tests.support.clock import FixedClock
from tests.support.pools import Buses, make_aggregator, make_pool, make_street
from tests.support.registry import Household, make_device

pytestmark = pytest.mark.django_db


@pytest.fixture
def home(buses: Buses) -> Household:
    (home,) = make_street(1)
    buses.connect_battery(home, power_w=1000.0)
    return home


@pytest.fixture
def pool(home: Household) -> Pool:
    tenant, _ = make_aggregator()
    return make_pool(tenant, [home])


def _read(pool: Pool, buses: Buses, minimum_sites: int = 1) -> PoolFlexibility:
    return pool_flexibility(pool, bus=buses.worker, now=buses.clock.now(), minimum_sites=minimum_sites)


def _store_plan(home: Household, buses: Buses, **changes: object) -> None:
    loaded = load_site(home.tenant.pk, home.site.pk, bus=buses.worker, now=buses.clock.now())
    assert loaded is not None
    plan = plan_site(loaded.state).as_dict() | changes
    with tenant_scope(home.tenant.pk):
        PlanRun.objects.create(
            tenant=home.tenant,
            site=home.site,
            kind=PlanRunKind.PLAN,
            at=buses.clock.now(),
            duration_ms=1.0,
            summary="",
            plan=plan,
        )


def test_the_baseline_comes_from_the_latest_plan(pool: Pool, home: Household, buses: Buses, clock: FixedClock) -> None:
    _store_plan(home, buses, base_w=[5.0] * 96)
    clock.advance(60)
    _store_plan(home, buses, base_w=[700.0] * 96)

    result = _read(pool, buses)

    assert result.offer.baseline_w.max() == 700.0
    assert result.offer.up_w[0] > 0


@pytest.mark.parametrize("later", [timedelta(hours=2), timedelta(days=2)])
def test_an_old_plan_does_not_count(
    pool: Pool, home: Household, buses: Buses, clock: FixedClock, later: timedelta
) -> None:
    _store_plan(home, buses, base_w=[700.0] * 96)
    clock.advance(later.total_seconds())
    buses.connect_battery(home)

    assert not _read(pool, buses).offer.baseline_w.any()


def test_a_plan_that_cannot_be_read_does_not_count(pool: Pool, home: Household, buses: Buses) -> None:
    _store_plan(home, buses, base_w="nonsense")

    assert _read(pool, buses).offer.baseline_w[0] == 1000.0


def test_a_pool_without_enough_sites_says_so(pool: Pool, buses: Buses) -> None:
    with pytest.raises(PoolTooSmall, match="1 enrolled sites"):
        _read(pool, buses, minimum_sites=2)


def test_sites_that_are_not_connected_do_not_count(pool: Pool, home: Household, buses: Buses) -> None:
    buses.disconnect(home)

    with pytest.raises(TooFewConnected, match="Only 0 of the pool's sites"):
        _read(pool, buses)


def test_counts_devices_that_are_not_connected(pool: Pool, home: Household, buses: Buses) -> None:
    make_device(home.site, name="Charger")

    devices = _read(pool, buses).devices

    assert (devices.total, devices.available, devices.stale) == (2, 1, 0)


def test_devices_that_an_energy_manager_elsewhere_controls_are_not_the_pools(
    pool: Pool, home: Household, buses: Buses
) -> None:
    charger = make_device(home.site, name="Charger")
    link_nodes(rm_node=charger.node, cem_node=create_cem_node(site=home.site, name="box in the cellar"))

    assert _read(pool, buses).devices.total == 1


def test_another_pool_is_not_counted(pool: Pool, buses: Buses) -> None:
    (other,) = make_street(1, "Birch")
    buses.connect_battery(other)
    tenant, _ = make_aggregator("Birch Aggregation")
    make_pool(tenant, [other])

    result = _read(pool, buses)

    assert result.sites_enrolled == 1
    assert result.offer.down_w[0] == 6000.0
