from __future__ import annotations

from collections.abc import Callable
from threading import Event

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.utils import timezone

from cem_service.feeds.services import create_feed
from cem_service.models import SiteObjectives, Tariff
from cem_service.objectives import create_tariff, follow_feeds, set_objectives
from tenants.scope import tenant_scope
from tests.support.registry import Household, audited, make_household
from tests.support.threads import await_that, database_threads, somebody_waits_for_a_lock

pytestmark = pytest.mark.django_db

FLAT = [0.25] * 24


def test_a_tariff_and_what_follows_it_are_audited() -> None:
    alder = make_household("Alder")

    tariff = create_tariff(tenant=alder.tenant, name="Flat", import_eur_per_kwh=FLAT, export_eur_per_kwh=FLAT)
    set_objectives(site=alder.site, tariff=tariff)

    assert len(audited("cem.tariff.created")) == 1
    assert len(audited("cem.objectives.set")) == 1


def test_setting_objectives_again_replaces_them() -> None:
    alder = make_household("Alder")
    for name in ("Old", "New"):
        tariff = create_tariff(tenant=alder.tenant, name=name, import_eur_per_kwh=FLAT, export_eur_per_kwh=FLAT)
        set_objectives(site=alder.site, tariff=tariff)

    with tenant_scope(alder.tenant.pk):
        assert SiteObjectives.objects.get().tariff.name == "New"


@pytest.mark.parametrize("prices", [[0.25] * 23, [0.25] * 23 + ["dear"], [0.25] * 23 + [True], [0.25] * 23 + [5000]])
def test_refuses_a_day_that_is_no_day_of_prices(prices: list[object]) -> None:
    alder = make_household("Alder")

    with pytest.raises(ValidationError, match="import_eur_per_kwh"):
        create_tariff(tenant=alder.tenant, name="Odd", import_eur_per_kwh=prices, export_eur_per_kwh=FLAT)  # type: ignore[arg-type] # That is the point.


def test_a_site_cannot_follow_another_tenants_tariff() -> None:
    alder, birch = make_household("Alder"), make_household("Birch")
    tariff = create_tariff(tenant=birch.tenant, name="Birch's", import_eur_per_kwh=FLAT, export_eur_per_kwh=FLAT)

    with pytest.raises((IntegrityError, ValidationError)):
        set_objectives(site=alder.site, tariff=tariff)


@pytest.mark.django_db(transaction=True)
def test_two_who_give_a_site_its_first_objectives_at_once_leave_one_row() -> None:
    alder = make_household("Alder")
    first, second = (
        create_tariff(tenant=alder.tenant, name=name, import_eur_per_kwh=FLAT, export_eur_per_kwh=FLAT)
        for name in ("First", "Second")
    )

    _one_while_the_other(alder, lambda: set_objectives(site=alder.site, tariff=first), second)

    with tenant_scope(alder.tenant.pk):
        assert SiteObjectives.objects.get().tariff.name == "Second"
    before, after = audited("cem.objectives.set")
    assert (before["before"], after["before"]) == (None, before["after"])


@pytest.mark.django_db(transaction=True)
def test_another_tariff_takes_back_no_feed_that_is_followed_meanwhile() -> None:
    alder = make_household("Alder")
    flat, other = (
        create_tariff(tenant=alder.tenant, name=name, import_eur_per_kwh=FLAT, export_eur_per_kwh=FLAT)
        for name in ("Flat", "Other")
    )
    set_objectives(site=alder.site, tariff=flat)
    feed = create_feed(
        tenant=alder.tenant,
        provider="entsoe",
        name="Prices",
        settings={"bidding_zone": "10YNL----------L"},
        credential="secret",
        now=timezone.now(),
    )

    _one_while_the_other(alder, lambda: follow_feeds(site=alder.site, feeds={"import_price_feed": feed}), other)

    with tenant_scope(alder.tenant.pk):
        row = SiteObjectives.objects.get()
    assert (row.tariff_id, row.import_price_feed_id) == (other.pk, feed.pk)


def _one_while_the_other(alder: Household, change: Callable[[], object], tariff: Tariff) -> None:
    """Somebody's change is not committed yet while another gives the site this tariff."""
    made, go_on = Event(), Event()

    def slowly() -> None:
        with tenant_scope(alder.tenant.pk):
            change()
            made.set()
            go_on.wait(30)

    with database_threads(2) as start:
        start(slowly)
        assert made.wait(30)
        start(lambda: set_objectives(site=alder.site, tariff=tariff))
        await_that(somebody_waits_for_a_lock)
        go_on.set()


def test_birch_sees_nothing_of_alders() -> None:
    alder, birch = make_household("Alder"), make_household("Birch")
    tariff = create_tariff(tenant=alder.tenant, name="Flat", import_eur_per_kwh=FLAT, export_eur_per_kwh=FLAT)
    set_objectives(site=alder.site, tariff=tariff)

    with tenant_scope(birch.tenant.pk):
        assert not Tariff.objects.exists()
        assert not SiteObjectives.objects.exists()
