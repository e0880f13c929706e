from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings

from flexhub.devices.models import Link
from flexhub.portal.product_health import ProductHealth, health_of_products
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.flexhub.portal.conftest import AT, Seats
from tests.support.registry import (
    Household,
    make_device,
    make_device_type,
    make_household,
    make_member,
    make_site,
    make_tenant,
)

pytestmark = pytest.mark.django_db

FINDING = {"rule": "R-20", "severity": "error", "text": "1.3 should lie in [0, 1]", "path": "$.factor"}


@pytest.fixture(autouse=True)
def _three_will_do(settings: Settings) -> None:
    settings.POOL_MINIMUM_SITES = 3


@pytest.fixture
def volta() -> Tenant:
    return make_tenant("Volta", Tenant.Kind.MANUFACTURER)


@pytest.fixture
def homes(volta: Tenant) -> list[Household]:
    """Three homes of two providers, each with the same product."""
    product = make_device_type(volta)
    homes = []
    for place, provider in enumerate([make_tenant("Alder"), make_tenant("Birch"), make_tenant("Cedar")]):
        device = make_device(make_site(provider, f"House {place}"), product)
        with tenant_scope(provider.pk):
            link = Link.objects.select_related("rm_node", "cem_node").get(rm_node__device=device)
        homes.append(Household(provider, device.site, device, link.rm_node, link.cem_node, link, ""))
    return homes


def test_adds_up_what_all_homes_do(volta: Tenant, homes: list[Household], seats: Seats) -> None:
    for home in homes[:2]:
        seats.sit_down(home)
        seats.say(home, "received", {"message_type": "FRBC.StorageStatus"}, findings=[FINDING, FINDING])
    seats.say(homes[0], "received", {}, findings=[FINDING | {"rule": rule} for rule in ("R-31", "R-08", "R-12")])
    seats.sit_down(make_household("Elsewhere"))

    (health,) = health_of_products(seats.bus, volta, AT)

    assert health == ProductHealth(
        "Volta One",
        is_shown=True,
        devices=3,
        connected=2,
        sampled=2,
        rules=[("R-20", 2), ("R-08", 1), ("R-12", 1), ("R-31", 1)],
    )


def test_shows_nothing_of_a_product_in_few_homes(volta: Tenant, homes: list[Household], seats: Seats) -> None:
    """Many devices in one home are still one home."""
    product = make_device_type(volta, model="Two")
    for number in range(5):
        make_device(homes[0].site, product, name=f"Battery {number}")

    healths = health_of_products(seats.bus, volta, AT)

    assert [(health.product, health.is_shown, health.devices) for health in healths] == [
        ("Volta One", True, 3),
        ("Volta Two", False, 0),
    ]


def test_lists_products_by_name(volta: Tenant, seats: Seats) -> None:
    for model in ("Three", "One", "Two", "Four"):
        make_device_type(volta, model=model)

    products = [health.product for health in health_of_products(seats.bus, volta, AT)]

    assert products == ["Volta Four", "Volta One", "Volta Three", "Volta Two"]


def test_the_page_names_products_and_no_home(
    client: Client, volta: Tenant, homes: list[Household], seats: Seats
) -> None:
    for home in homes:
        seats.sit_down(home)
    make_device_type(volta, model="Two")
    client.force_login(make_member(volta))

    text = client.get("/admin/support/products/").content.decode()

    assert "Volta One" in text
    assert "in too few sites" in text
    for word in ("Alder", "House", str(homes[0].site.pk), homes[0].device.serial_number):
        assert word not in text


def test_others_see_none_of_it(client: Client, volta: Tenant, homes: list[Household], seats: Seats) -> None:
    other = make_tenant("Ohm", Tenant.Kind.MANUFACTURER)
    client.force_login(make_member(other))
    assert "Volta" not in client.get("/admin/support/products/").content.decode()

    client.force_login(make_member(homes[0].tenant))
    assert client.get("/admin/support/products/").status_code == 403


def test_says_when_redis_is_down(client: Client, volta: Tenant, redis_down: None) -> None:
    client.force_login(make_member(volta))

    assert "Redis" in client.get("/admin/support/products/").content.decode()
