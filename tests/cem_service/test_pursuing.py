from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cem_service import limits
from cem_service.domain.objectives import Bandwidth, CapacityTariff, Carbon, GridLimit, Objectives, SteerableLimit
from cem_service.loading import load_site
from cem_service.models import SiteObjectives, Tariff
from cem_service.objectives import Wishes, create_tariff, set_objectives
from cem_service.pursuing import with_pursuits
from flexhub.devices.models import Site
from tenants.scope import tenant_scope
from tests.support.cem_world import World
from tests.support.registry import audited

FLAT = [0.25] * 24
ALL = Wishes(
    contracted_import_w=4000,
    contracted_import_eur_per_kwh=0.4,
    peak_eur_per_kw=3.5,
    carbon_eur_per_kg=0.1,
    self_consumption_eur_per_kwh=0.02,
)


def _pursue(world: World, wishes: Wishes) -> None:
    tariff = create_tariff(tenant=world.household.tenant, name="flat", import_eur_per_kwh=FLAT, export_eur_per_kwh=FLAT)
    set_objectives(site=world.household.site, tariff=tariff, wishes=wishes)


def _pursued(world: World) -> Objectives:
    loaded = load_site(*world.ids, bus=world.bus, now=world.clock.now())
    assert loaded is not None
    return loaded.state.objectives


def test_a_site_that_says_nothing_pursues_nothing(world: World) -> None:
    assert _pursued(world) == Objectives()


def test_what_weighs_something_is_pursued(world: World) -> None:
    _pursue(world, ALL)

    assert _pursued(world) == Objectives(
        bandwidth=Bandwidth(4000.0, 0.4),
        capacity_tariff=CapacityTariff(3.5),
        carbon=Carbon(0.1),
        self_consumption_eur_per_kwh=0.02,
    )


def test_what_is_switched_off_keeps_its_figures_and_counts_for_nothing(world: World) -> None:
    values = {name: getattr(ALL, name) for name in ALL.__slots__}
    _pursue(world, Wishes(**values | {"pursued": ("carbon",)}))

    assert _pursued(world) == Objectives(carbon=Carbon(0.1))
    with tenant_scope(world.household.tenant.pk):
        assert SiteObjectives.objects.get().contracted_import_w == 4000


def test_limits_of_the_grid_come_with_the_site_in_one_statement(world: World) -> None:
    now = world.clock.now()
    site = world.household.site
    for name, values in {"one": {"import_w": 3000}, "two": {"steerable_w": 4200, "export_w": 0}}.items():
        world.run(limits.set_limit, site=site, reference=name, wish=world.wish(**values))
    far = world.wish(import_w=1, starts_at=now + timedelta(days=9), ends_at=now + timedelta(days=10))
    world.run(limits.set_limit, site=site, reference="far", wish=far)

    end = now + timedelta(hours=1)
    pursued = _pursued(world)
    assert set(pursued.grid_limits) == {
        GridLimit(source="Grid Ltd", import_w=3000, start=now, end=end),
        GridLimit(source="Grid Ltd", export_w=0, start=now, end=end),
    }
    assert pursued.steerable_limits == (SteerableLimit(source="Grid Ltd", import_w=4200, start=now, end=end),)
    with tenant_scope(world.household.tenant.pk), CaptureQueriesContext(connection) as captured:
        with_pursuits(Site.objects.all(), now, end).get()
    assert len(captured) == 1


def test_weekends_may_have_prices_of_their_own(world: World) -> None:
    tariff = create_tariff(
        tenant=world.household.tenant,
        name="weekend",
        import_eur_per_kwh=FLAT,
        export_eur_per_kwh=FLAT,
        weekend_import_eur_per_kwh=[0.1] * 24,
    )
    set_objectives(site=world.household.site, tariff=tariff)

    loaded = load_site(*world.ids, bus=world.bus, now=world.clock.now())
    assert loaded is not None
    # A Tuesday at noon in Amsterdam, and the Saturday after it.
    days = [world.clock.now() + timedelta(days=days) for days in (0, 4)]
    buy = [loaded.state.tariff.prices(day, 1, timedelta(minutes=15))[0][0] for day in days]
    assert buy == [0.25, 0.1]


@pytest.mark.parametrize("empty", [[], {}, ""])
def test_an_empty_weekend_that_was_stored_silences_no_home(world: World, empty: object) -> None:
    _pursue(world, Wishes())
    with tenant_scope(world.household.tenant.pk):
        Tariff.objects.update(weekend_import_eur_per_kwh=empty)

    loaded = load_site(*world.ids, bus=world.bus, now=world.clock.now())

    assert loaded is not None
    assert loaded.state.tariff.weekend_import_eur_per_kwh is None


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"contracted_import_w": 0}, "contracted_import_w"),
        ({"peak_eur_per_kw": -1.0}, "peak_eur_per_kw"),
        ({"carbon_eur_per_kg": float("nan")}, "carbon_eur_per_kg"),
        ({"self_consumption_eur_per_kwh": 1e9}, "self_consumption_eur_per_kwh"),
        ({"reserve_percent": 91}, "reserve_percent"),
        ({"pursued": ("fame",)}, "pursued"),
    ],
)
def test_refuses_what_cannot_be_meant_and_names_the_field(world: World, values: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        _pursue(world, Wishes(**values))

    assert set(refusal.value.message_dict) == {field}


def test_another_tariff_leaves_the_wishes_as_they_are(world: World) -> None:
    _pursue(world, ALL)
    tariff = create_tariff(
        tenant=world.household.tenant, name="other", import_eur_per_kwh=FLAT, export_eur_per_kwh=FLAT
    )

    set_objectives(site=world.household.site, tariff=tariff)

    with tenant_scope(world.household.tenant.pk):
        row = SiteObjectives.objects.get()
    assert (row.tariff_id, row.peak_eur_per_kw) == (tariff.pk, 3.5)
    assert [entry["after"]["peak_eur_per_kw"] for entry in audited("cem.objectives.set")] == [3.5, 3.5]
