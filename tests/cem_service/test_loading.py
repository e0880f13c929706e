from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cem_service import services
from cem_service.loading import LoadedSite, load_site, with_history
from cem_service.models import PlanRun, PlanRunKind
from flexhub.bus import TelemetryRow
from flexhub.devices.services import create_cem_node, link_nodes, set_main_meter
from flexhub.telemetry import writer
from tenants.deactivation import deactivate, reactivate
from tenants.scope import platform_scope
from tests.support.cem_world import World


def _load(world: World) -> LoadedSite:
    loaded = load_site(*world.ids, bus=world.bus, now=world.clock.now())
    assert loaded is not None
    return loaded


def _measured(world: World, value: float) -> None:
    at = world.clock.now() - timedelta(minutes=20)
    row = TelemetryRow(*world.ids, world.household.link.pk, "ELECTRIC.POWER.L1", at, value)
    writer.store([row], now=world.clock.now(), retention=timedelta(days=30))


def test_reads_the_living_resources_of_a_site(world: World) -> None:
    world.connect()
    world.describe(power_w=120.0)

    loaded = _load(world)

    (resource,) = loaded.state.resources
    assert resource.link_id == world.household.link.pk
    assert resource.measured_w == 120.0
    assert loaded.token(resource.link_id) == world.token


def test_asks_postgresql_for_the_site_the_instructions_and_the_plan_at_once(world: World) -> None:
    world.connect()
    world.describe()
    world.run(services.plan_site, *world.ids)
    with platform_scope("test"):
        run = PlanRun.objects.get(kind=PlanRunKind.PLAN)

    with CaptureQueriesContext(connection) as asked:
        loaded = _load(world)

    assert loaded.plan == run
    assert len([one for one in asked if "set_config" not in one["sql"] and "SAVEPOINT" not in one["sql"]]) == 3


def test_what_an_energy_manager_elsewhere_controls_is_not_ours(world: World) -> None:
    house = world.household
    box = create_cem_node(site=house.site, name="box in the cellar")
    world.household = replace(house, link=link_nodes(rm_node=house.rm_node, cem_node=box))
    world.connect()
    world.describe(power_w=120.0)
    _measured(world, 120.0)

    loaded = with_history(_load(world))

    assert loaded.snapshots == {}
    assert loaded.state.resources == ()
    assert loaded.state.power_history == {}


def test_a_site_without_a_session_has_no_resources(world: World) -> None:
    assert _load(world).state.resources == ()


def test_the_main_meter_is_no_resource_of_its_own(world: World) -> None:
    set_main_meter(site=world.household.site, node=world.household.rm_node)
    world.connect()
    world.describe(power_w=900.0)

    state = _load(world).state

    assert state.resources == ()
    assert (state.main_meter_w, state.main_meter_at) == (900.0, world.clock.now())


def test_without_a_tariff_ones_own_power_still_pays(world: World) -> None:
    buy, sell = _load(world).state.tariff.prices(world.clock.now(), 1, timedelta(minutes=15))

    assert buy[0] > sell[0] > 0


@pytest.mark.parametrize("is_meter", [True, False])
def test_history_is_the_meters_or_the_devices(world: World, is_meter: bool) -> None:
    if is_meter:
        set_main_meter(site=world.household.site, node=world.household.rm_node)
    _measured(world, 750.0)

    state = with_history(_load(world)).state

    means = state.base_history if is_meter else state.power_history[world.household.link.pk]
    assert means == pytest.approx(dict.fromkeys(means, 750.0))
    assert means
    assert bool(state.base_history) is is_meter


def test_a_site_of_a_deactivated_tenant_is_not_there(world: World) -> None:
    world.connect()
    world.describe(power_w=120.0)

    deactivate(world.household.tenant, now=world.clock.now())

    assert load_site(*world.ids, bus=world.bus, now=world.clock.now()) is None
    assert world.run(services.plan_site, *world.ids) is None
    reactivate(world.household.tenant)
    assert _load(world).state.resources
