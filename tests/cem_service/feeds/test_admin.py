from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from cem_service.feeds.models import Feed, StoredSeries
from cem_service.feeds.services import create_feed
from cem_service.models import SiteObjectives
from cem_service.objectives import create_tariff, set_objectives
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.support.clock import FixedClock
from tests.support.registry import (
    Household,
    audited,
    give_quotas,
    make_customer,
    make_household,
    make_member,
    make_resident,
    make_tenant,
)

pytestmark = pytest.mark.django_db

FEEDS, OBJECTIVES = "/admin/feeds/feed/", "/admin/cem_service/siteobjectives/"
ZONE = {"bidding_zone": "10YNL----------L"}
SECRET = "5a1e6b1c-cafe"


@pytest.fixture
def alder(client: Client, clock: FixedClock) -> Household:
    """Ann of Alder is signed in."""
    alder = make_household("Alder")
    client.force_login(make_member(alder.tenant, "ann"))
    return alder


def _feed(tenant: Tenant, name: str = "Dutch prices", provider: str = "entsoe", **values: Any) -> Feed:
    said = {"settings": ZONE, "credential": SECRET} | values
    return create_feed(tenant=tenant, provider=provider, name=name, now=FixedClock.at().now(), **said)


def _form(**values: Any) -> dict[str, Any]:
    return {"provider": "entsoe", "name": "Dutch prices", "settings": json.dumps(ZONE), "credential": SECRET} | values


def _page(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def _stored(tenant: Tenant) -> Feed:
    with tenant_scope(tenant.pk):
        return Feed.objects.get()


def test_a_feed_is_set_up_and_its_credential_never_shown_again(client: Client, alder: Household) -> None:
    response = client.post(f"{FEEDS}add/", _form())

    assert response.status_code == 302, response.context["errors"]
    feed = _stored(alder.tenant)
    assert (feed.provider, feed.name, feed.settings) == ("entsoe", "Dutch prices", ZONE)
    assert audited("feeds.feed.created")[0]["actor_name"] == "ann"
    for url in (FEEDS, f"{FEEDS}{feed.pk}/change/"):
        assert SECRET not in _page(client, url)
        assert feed.sealed_credential not in _page(client, url)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"settings": "{}"}, "bidding_zone: is needed"),
        ({"settings": "[1]"}, "Should be an object"),
        ({"settings": '{"bidding_zone": "10YNL----------L", "colour": 1}'}, "there is no such setting"),
        ({"credential": ""}, "This provider wants one"),
        ({"provider": "open_meteo"}, "there is no such setting"),
        ({"provider": "carbon_intensity", "settings": "{}"}, "This provider wants none"),
    ],
)
def test_what_is_wrong_is_said_on_the_page(
    client: Client, alder: Household, values: dict[str, Any], problem: str
) -> None:
    response = client.post(f"{FEEDS}add/", _form(**values))

    assert response.status_code == 200
    assert problem in response.content.decode()


def test_settings_change_and_the_credential_stays(client: Client, alder: Household) -> None:
    feed = _feed(alder.tenant)
    changed = {**ZONE, "vat_percent": 21}

    response = client.post(
        f"{FEEDS}{feed.pk}/change/", {"name": feed.name, "settings": json.dumps(changed), "credential": ""}
    )

    assert response.status_code == 302, response.context["errors"]
    assert _stored(alder.tenant).settings == changed
    assert _stored(alder.tenant).sealed_credential == feed.sealed_credential
    assert "credential" not in audited("feeds.feed.changed")[0]["after"]


def test_the_page_says_how_the_feed_is(client: Client, alder: Household, clock: FixedClock) -> None:
    feed, now = _feed(alder.tenant), clock.now()
    with tenant_scope(alder.tenant.pk):
        StoredSeries.objects.create(
            tenant=alder.tenant,
            feed=feed,
            kind="price",
            fetched_at=now,
            ends_at=now,
            series={"edges_s": [0, 1, 2, 3], "values": [0.05, None, 0.25]},
        )
        Feed.objects.update(
            fetched_at=now - timedelta(hours=3),
            failures=2,
            failing_since=now,
            last_error="Transient: the provider asks us to wait",
            next_at=now + timedelta(minutes=4),
        )

    page = _page(client, f"{FEEDS}{feed.pk}/change/")

    for text in (
        "failing, last answer in use",
        "3\xa0hours ago",
        "in 4\xa0minutes",
        "2 values from 0.05 to 0.25 EUR/kWh, 1 missing",
        "the provider asks us to wait",
        "bidding_zone (needed)",
        "vat_percent",
    ):
        assert text in page, text


def test_a_person_has_it_fetched_now(client: Client, alder: Household, clock: FixedClock) -> None:
    feed = _feed(alder.tenant)
    clock.advance(60)

    client.post(FEEDS, {"action": "fetch_now", "_selected_action": [str(feed.pk)]})

    assert _stored(alder.tenant).next_at == clock.now()
    assert audited("feeds.feed.fetch_requested")[0]["actor_name"] == "ann"


def test_above_the_quota_the_page_says_so(client: Client, alder: Household) -> None:
    give_quotas(alder.tenant, feeds=0)

    response = client.post(f"{FEEDS}add/", _form(), follow=True)

    assert "The quota of this tenant is 0 feeds" in response.content.decode()


class TestObjectives:
    def test_a_site_follows_a_feed(self, client: Client, alder: Household) -> None:
        feed, form = _feed(alder.tenant), _objectives_form(client, alder)

        response = client.post(f"{OBJECTIVES}{alder.site.pk}/change/", form | {"import_price_feed": str(feed.pk)})

        assert response.status_code == 302, response.context["errors"]
        with tenant_scope(alder.tenant.pk):
            assert SiteObjectives.objects.get().import_price_feed == feed
        assert audited("cem.objectives.feeds_followed")[0]["actor_name"] == "ann"

    def test_not_one_that_tells_of_something_else(self, client: Client, alder: Household) -> None:
        feed, form = _feed(alder.tenant), _objectives_form(client, alder)

        response = client.post(f"{OBJECTIVES}{alder.site.pk}/change/", form | {"carbon_feed": str(feed.pk)})

        assert "does not give grid_carbon" in response.content.decode()

    def test_a_resident_changes_no_feed(self, client: Client, clock: FixedClock) -> None:
        alder = make_household("Alder")
        smiths = make_customer(alder.tenant, "Smiths")
        with tenant_scope(alder.tenant.pk):
            type(alder.site).objects.update(household=smiths)
        form = _objectives_form(client, alder, make_resident(smiths, "sue"))

        page = _page(client, f"{OBJECTIVES}{alder.site.pk}/change/")
        feed = _feed(alder.tenant)
        client.post(f"{OBJECTIVES}{alder.site.pk}/change/", form | {"import_price_feed": str(feed.pk)})

        assert "import_price_feed" not in page
        with tenant_scope(alder.tenant.pk):
            assert SiteObjectives.objects.get().import_price_feed is None


def _objectives_form(client: Client, household: Household, person: Any = None) -> dict[str, Any]:
    """What a browser would send of the page without any change."""
    prices = [0.3] * 24
    tariff = create_tariff(tenant=household.tenant, name="flat", import_eur_per_kwh=prices, export_eur_per_kwh=prices)
    set_objectives(site=household.site, tariff=tariff)
    if person is not None:
        client.force_login(person)
    form = client.get(f"{OBJECTIVES}{household.site.pk}/change/").context["adminform"].form
    return {bound.html_name: bound.value() for bound in form if bound.value() is not None}


def test_birch_sees_no_feed_of_alders(client: Client, clock: FixedClock) -> None:
    feed = _feed(make_tenant("Alder"), name="Alder's prices")
    client.force_login(make_member(make_tenant("Birch"), "bob"))

    assert "Alder's prices" not in _page(client, FEEDS)
    assert client.get(f"{FEEDS}{feed.pk}/change/").status_code == 404
