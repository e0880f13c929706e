from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from pytest_django import Settings

from cem_service import runtime
from flexhub.bus.errors import BusUnavailable
from flexhub.bus.memory import MemoryWorkerBus
from flexhub.flexibility.models import Pool
from tenants.models import Tenant
from tests.support.clock import FixedClock
from tests.support.pools import Buses, make_aggregator, make_pool, make_street
from tests.support.registry import Household

pytestmark = pytest.mark.django_db


class Street:
    """Alder's pool of five homes, each with a battery, and how to ask for it."""

    def __init__(self, client: Client, tenant: Tenant, token: str, pool: Pool, homes: list[Household]) -> None:
        self.client, self.tenant, self.token, self.pool, self.homes = client, tenant, token, pool, homes

    def get(self, path: str | None = None, token: str | None = None) -> Any:
        path = f"/api/v1/pools/{self.pool.pk}/flexibility" if path is None else path
        return self.client.get(path, HTTP_AUTHORIZATION=f"Bearer {token or self.token}")


@pytest.fixture
def street(client: Client, buses: Buses) -> Street:
    tenant, token = make_aggregator()
    homes = make_street(5)
    for home in homes:
        buses.connect_battery(home)
    return Street(client, tenant, token, make_pool(tenant, homes), homes)


def test_tells_the_flexibility_of_five_batteries(street: Street, clock: FixedClock) -> None:
    """Half full: 5 kW either way in every quarter hour, since 1.25 kWh always fit. The fuses allow 17.25 kW."""
    clock.advance(60)

    response = street.get()

    assert response.status_code == 200
    body = response.json()
    assert body["pool"] == str(street.pool.pk)
    assert body["computed_at"] == "2026-04-21T10:01:00Z"
    assert body["valid_until"] == "2026-04-21T10:15:00Z"
    assert body["resolution"] == "PT15M"
    assert body["baseline_method"] == "schedule"
    assert body["sites"] == {"enrolled": 5, "available": 5}
    assert body["devices"] == {"total": 5, "available": 5, "stale": 0}
    assert len(body["quarters"]) == 96
    start = datetime(2026, 4, 21, 10, 0, tzinfo=UTC)
    for number, quarter in enumerate(body["quarters"]):
        assert datetime.fromisoformat(quarter["start"]) == start + number * timedelta(minutes=15)
        assert quarter["baseline_w"] == 0.0
        assert quarter["up_w"] == 25_000.0
        assert quarter["down_w"] == 25_000.0


def test_counts_the_energy_that_fits_into_what_is_left_of_the_quarter(
    street: Street, buses: Buses, clock: FixedClock
) -> None:
    """1 kWh is missing to full: 4 kW for a whole quarter hour, 5 kW (all the battery has) for the last 12 minutes."""
    for home in street.homes:
        buses.connect_battery(home, level=9000.0)

    at_once = street.get().json()["quarters"]
    clock.advance(180)
    later = street.get().json()["quarters"]

    assert at_once[0]["up_w"] == at_once[1]["up_w"] == 20_000.0
    assert later[0]["up_w"] == 25_000.0
    assert later[1]["up_w"] == 20_000.0


def test_answers_with_and_without_a_slash(street: Street) -> None:
    without = street.get(f"/api/v1/pools/{street.pool.pk}/flexibility")
    with_slash = street.get(f"/api/v1/pools/{street.pool.pk}/flexibility/")

    assert without.status_code == with_slash.status_code == 200
    assert without.json() == with_slash.json()


def test_refuses_who_is_not_known(street: Street) -> None:
    for header in (None, "Bearer", "Bearer fha_wrong", "Basic YTpi", "Bearer ä", "Bearer a b"):
        headers: dict[str, Any] = {} if header is None else {"HTTP_AUTHORIZATION": header}
        for path in (f"/api/v1/pools/{street.pool.pk}/flexibility", "/api/v1/pools/"):
            response = street.client.get(path, **headers)

            assert response.status_code == 401, header
            assert response["WWW-Authenticate"] == "Bearer"
            assert response.json()["status"] == 401


def test_a_foreign_pool_looks_like_none_at_all(street: Street) -> None:
    _, birch = make_aggregator("Birch Aggregation")

    answers = [
        street.get(token=birch),
        street.get(f"/api/v1/pools/{uuid4()}/flexibility"),
        street.get("/api/v1/pools/nonsense/flexibility"),
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert {answer.content for answer in answers} == {
        b'{"type":"about:blank","title":"Not Found","status":404,"detail":"There is no such pool."}'
    }


def test_lists_the_clients_own_pools_only(street: Street) -> None:
    birch_tenant, birch = make_aggregator("Birch Aggregation")
    birch_pool = make_pool(birch_tenant, name="Birch street")

    assert street.get("/api/v1/pools/").json() == [{"id": str(street.pool.pk), "name": "Street"}]
    assert street.get("/api/v1/pools/", token=birch).json() == [{"id": str(birch_pool.pk), "name": "Birch street"}]


def test_tells_nothing_of_too_few_sites(street: Street, settings: Settings) -> None:
    settings.POOL_MINIMUM_SITES = 6

    response = street.get()

    assert response.status_code == 409
    assert response.json()["detail"].startswith("The pool has 5 enrolled sites. Below 6,")


def test_tells_nothing_while_too_few_sites_are_connected(street: Street, buses: Buses) -> None:
    buses.disconnect(street.homes[0])

    response = street.get()

    assert response.status_code == 409
    assert "Only 4 of the pool's sites are connected now" in response.json()["detail"]


def test_says_when_to_ask_again_while_the_bus_is_down(
    street: Street, buses: Buses, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Down(MemoryWorkerBus):
        def snapshots(self, link_ids: Any) -> dict[UUID, Any]:
            raise BusUnavailable

    down = replace(buses.tools(), bus=Down(buses.worker._store))
    monkeypatch.setattr(runtime, "tools", lambda: down)

    response = street.get()

    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert response.json()["detail"] == "The state of the devices cannot be read now."


def test_a_device_that_fell_silent_offers_nothing(street: Street, buses: Buses, clock: FixedClock) -> None:
    clock.advance(301)
    for home in street.homes[:4]:
        buses.connect_battery(home)

    body = street.get().json()

    assert body["devices"] == {"total": 5, "available": 4, "stale": 1}
    assert body["quarters"][50]["up_w"] == 20_000.0


def test_never_names_a_site_or_a_device(street: Street) -> None:
    text = street.get().content.decode()

    for home in street.homes:
        for secret in (home.site.pk, home.site.name, home.device.pk, home.link.pk, home.tenant.pk, home.rm_node.pk):
            assert str(secret) not in text


def test_only_reading_is_allowed(street: Street) -> None:
    response = street.client.post(
        f"/api/v1/pools/{street.pool.pk}/flexibility", HTTP_AUTHORIZATION=f"Bearer {street.token}"
    )

    assert response.status_code == 405
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["title"] == "Method Not Allowed"
