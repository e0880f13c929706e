from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cem_service.domain.feed import NO_FEEDS, SeriesKind
from cem_service.feeds.loading import Followed, load_feeds
from cem_service.feeds.models import Feed, StoredSeries
from cem_service.feeds.services import create_feed
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.support.clock import FixedClock
from tests.support.registry import make_tenant

pytestmark = pytest.mark.django_db

NOW = FixedClock.at().now()
EDGES = [NOW.timestamp(), NOW.timestamp() + 3600]


def _feed(tenant: Tenant, provider: str, settings: dict[str, Any], credential: str = "", **stored: list[float]) -> Feed:
    feed = create_feed(
        tenant=tenant, provider=provider, name=provider, settings=settings, credential=credential, now=NOW
    )
    for kind, values in stored.items():
        with tenant_scope(tenant.pk):
            series = {"edges_s": EDGES[: len(values) + 1] if values else [], "values": values}
            StoredSeries.objects.create(tenant=tenant, feed=feed, kind=kind, fetched_at=NOW, ends_at=NOW, series=series)
    return feed


def _loaded(tenant: Tenant, **followed: Feed) -> Any:
    with tenant_scope(tenant.pk):
        return load_feeds(Followed(**{name: feed.pk for name, feed in followed.items()}))


def test_a_site_that_follows_nothing_costs_no_statement() -> None:
    with CaptureQueriesContext(connection) as captured:
        assert load_feeds(Followed()) is NO_FEEDS

    assert len(captured) == 0


def test_prices_are_those_on_the_bill() -> None:
    alder = make_tenant("Alder")
    terms = {"bidding_zone": "NL", "surcharge_eur_per_kwh": 0.13, "vat_percent": 21}
    feed = _feed(alder, "energy_charts", terms, price=[0.10])

    feeds = _loaded(alder, import_price_feed=feed)

    assert feeds.import_price.steps.values == pytest.approx([(0.10 + 0.13) * 1.21])
    assert feeds.import_price.fetched_at == NOW


def test_feeding_in_takes_its_own_prices_before_those_of_buying() -> None:
    alder = make_tenant("Alder")
    vtn = {"vtn": "https://vtn.example"}
    both = _feed(alder, "openadr", vtn, price=[0.3], export_price=[0.1])

    assert _loaded(alder, export_price_feed=both).export_price.steps.values == pytest.approx([0.1])

    with tenant_scope(alder.pk):
        StoredSeries.objects.filter(kind="export_price").update(series={"edges_s": [], "values": []})
    assert _loaded(alder, export_price_feed=both).export_price.kind is SeriesKind.PRICE


def test_one_feed_tells_of_several_things() -> None:
    alder = make_tenant("Alder")
    place = {"latitude": 52.4, "longitude": 4.9}
    weather = _feed(alder, "open_meteo", place, irradiance=[500.0], temperature=[11.0])

    feeds = _loaded(alder, weather_feed=weather)

    assert [(series.kind, series.steps.values.tolist()) for series in feeds.followed()] == [
        (SeriesKind.IRRADIANCE, [500.0]),
        (SeriesKind.TEMPERATURE, [11.0]),
    ]


def test_a_feed_without_an_answer_is_followed_all_the_same() -> None:
    alder = make_tenant("Alder")
    feed = _feed(alder, "carbon_intensity", {})

    series = _loaded(alder, carbon_feed=feed).grid_carbon

    assert (series.source, series.fetched_at, series.steps.values.size) == ("carbon_intensity", None, 0)


def test_a_row_of_another_release_says_nothing() -> None:
    alder = make_tenant("Alder")
    feed = _feed(alder, "carbon_intensity", {}, grid_carbon=[100.0])
    with tenant_scope(alder.pk):
        StoredSeries.objects.update(series={"values": ["many"]})

    assert _loaded(alder, carbon_feed=feed).grid_carbon.steps.values.size == 0


def test_a_provider_that_is_gone_says_nothing() -> None:
    alder = make_tenant("Alder")
    feed = _feed(alder, "carbon_intensity", {}, grid_carbon=[100.0])
    with tenant_scope(alder.pk):
        Feed.objects.update(provider="gone")

    assert _loaded(alder, carbon_feed=feed) == NO_FEEDS
