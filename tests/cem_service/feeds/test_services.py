from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection

from cem_service.feeds.models import Feed, StoredSeries
from cem_service.feeds.services import change_feed, create_feed, fetch_soon
from cem_service.models import SiteObjectives
from cem_service.objectives import create_tariff, follow_feeds, set_objectives
from tenants.models import Tenant
from tenants.quotas import QuotaReachedError
from tenants.scope import tenant_scope
from tests.support.clock import FixedClock
from tests.support.registry import audited, give_quotas, make_household, make_tenant

pytestmark = pytest.mark.django_db

NOW = FixedClock.at().now()
ZONE = {"bidding_zone": "10YNL----------L"}
TOKEN = "5a1e6b1c-cafe"


def _feed(tenant: Tenant, **values: Any) -> Feed:
    said: dict[str, Any] = {
        "provider": "entsoe",
        "name": "Dutch prices",
        "settings": ZONE,
        "credential": TOKEN,
        "now": NOW,
    } | values
    return create_feed(tenant=tenant, **said)


def test_a_feed_is_due_at_once_and_its_credential_is_nowhere_to_be_read() -> None:
    feed = _feed(make_tenant("Alder"))

    (entry,) = audited("feeds.feed.created")
    assert feed.next_at == NOW
    assert feed.sealed_credential
    assert TOKEN not in str(feed.__dict__)
    assert TOKEN not in str(entry)
    assert entry["after"]["sealed_credential"] == "(secret)"


@pytest.mark.parametrize(
    ("values", "field", "problem"),
    [
        ({"provider": "oracle"}, "provider", "there is no provider 'oracle'"),
        ({"settings": {}}, "settings", "bidding_zone: is needed"),
        ({"settings": ZONE | {"colour": "red"}}, "settings", "colour: there is no such setting"),
        ({"settings": ZONE | {"auction": 12}}, "settings", "auction: should be between 1 and 9"),
        ({"settings": ZONE | {"vat_percent": "21"}}, "settings", "vat_percent: should be a number"),
        ({"settings": {"bidding_zone": "NL"}}, "settings", "bidding_zone: should look like this"),
        ({"credential": ""}, "credential", "This provider wants one"),
        ({"credential": "é" * 3}, "credential", "printable ASCII"),
        ({"name": ""}, "name", "blank"),
    ],
)
def test_what_cannot_be_is_refused_by_the_name_of_its_field(values: dict[str, Any], field: str, problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        _feed(make_tenant("Alder"), **values)

    assert problem in caught.value.message_dict[field][0]


def test_a_change_is_audited_without_the_credential_and_makes_the_feed_due() -> None:
    feed = _feed(make_tenant("Alder"))

    changed = change_feed(feed, settings=ZONE | {"vat_percent": 21}, credential="another", now=NOW + timedelta(hours=1))

    (entry,) = audited("feeds.feed.changed")
    assert changed.revision == feed.revision + 1
    assert changed.next_at == NOW + timedelta(hours=1)
    assert entry["after"]["settings"]["vat_percent"] == 21
    assert entry["after"]["credential"] == "(changed)"
    assert "another" not in str(entry)


def test_a_person_may_have_it_fetched_at_once() -> None:
    feed = _feed(make_tenant("Alder"))

    fetch_soon(feed, now=NOW - timedelta(hours=1))

    with tenant_scope(feed.tenant_id):
        assert Feed.objects.get().next_at == NOW - timedelta(hours=1)
    assert len(audited("feeds.feed.fetch_requested")) == 1


def test_a_tenant_has_a_quota_of_feeds() -> None:
    alder = make_tenant("Alder")
    give_quotas(alder, feeds=1)
    _feed(alder)

    with pytest.raises(QuotaReachedError, match="1 feeds"):
        _feed(alder, name="another")


def test_birch_sees_nothing_of_alders() -> None:
    alder, birch = make_tenant("Alder"), make_tenant("Birch")
    feed = _feed(alder)
    with tenant_scope(alder.pk):
        StoredSeries.objects.create(tenant=alder, feed=feed, kind="price", fetched_at=NOW, ends_at=NOW, series={})

    with tenant_scope(birch.pk):
        assert not Feed.objects.exists()
        assert not StoredSeries.objects.exists()


def test_a_series_is_of_the_tenant_of_its_feed() -> None:
    alder, birch = make_tenant("Alder"), make_tenant("Birch")
    feed = _feed(alder)
    with tenant_scope(birch.pk):
        StoredSeries.objects.create(tenant=birch, feed_id=feed.pk, kind="price", fetched_at=NOW, ends_at=NOW, series={})

    with pytest.raises(IntegrityError, match="stored_series_feed_same_tenant"):
        connection.check_constraints()


class TestFollowing:
    def test_a_site_follows_a_feed_and_keeps_it_with_another_tariff(self) -> None:
        alder = make_household("Alder")
        _give_tariff(alder.tenant, alder.site)
        feed = _feed(alder.tenant)

        follow_feeds(site=alder.site, feeds={"import_price_feed": feed})
        _give_tariff(alder.tenant, alder.site, "another")

        (entry,) = audited("cem.objectives.feeds_followed")
        assert entry["after"] == {"import_price_feed_id": str(feed.pk)}
        with tenant_scope(alder.tenant.pk):
            assert SiteObjectives.objects.get().import_price_feed == feed

    def test_not_without_a_tariff_to_fall_back_on(self) -> None:
        alder = make_household("Alder")

        with pytest.raises(ValidationError, match="Give the site a tariff first"):
            follow_feeds(site=alder.site, feeds={"import_price_feed": _feed(alder.tenant)})

    def test_not_one_that_tells_of_something_else(self) -> None:
        alder = make_household("Alder")
        _give_tariff(alder.tenant, alder.site)

        with pytest.raises(ValidationError, match="does not give grid_carbon"):
            follow_feeds(site=alder.site, feeds={"carbon_feed": _feed(alder.tenant)})

    def test_not_one_of_another_tenant(self) -> None:
        alder, birch = make_household("Alder"), make_household("Birch")
        _give_tariff(alder.tenant, alder.site)

        with pytest.raises(ValidationError, match="not a valid choice"):
            follow_feeds(site=alder.site, feeds={"import_price_feed": _feed(birch.tenant)})


def _give_tariff(tenant: Tenant, site: Any, name: str = "flat") -> None:
    prices = [0.3] * 24
    tariff = create_tariff(tenant=tenant, name=name, import_eur_per_kwh=prices, export_eur_per_kwh=prices)
    set_objectives(site=site, tariff=tariff)
