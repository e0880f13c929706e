from __future__ import annotations

from typing import Any

import pytest
from django.test import Client, RequestFactory

from flexhub.clock import Clock
from flexhub.portal.navigation import GROUPS, Entry, environment, navigation
from tenants.models import Tenant, User
from tests.flexhub.portal.conftest import Seats
from tests.support.clock import FixedClock
from tests.support.registry import make_member, make_operator, make_tenant

pytestmark = pytest.mark.django_db


def titles(user: User) -> dict[str, list[str]]:
    request = RequestFactory().get("/admin/")
    request.user = user
    return {group["title"]: [item["title"] for item in group["items"]] for group in navigation(request)}


def test_an_operator_finds_everything() -> None:
    assert titles(make_operator()) == {name: [entry.title for entry in group] for name, group in GROUPS.items()}


def test_a_provider_finds_no_tenants() -> None:
    found = titles(make_member(make_tenant("Alder")))

    assert found["Operations"] == ["Dashboard", "Sessions now", "Instructions", "Plan runs", "Forecasts"]
    assert {"Memberships", "Households", "Invitations", "Identity providers"} <= set(found["Access"])
    assert not {"Tenants", "People", "Second factors"} & set(found["Access"])
    assert "Tariffs" in found["Flexibility"]
    assert "Pools" not in found["Flexibility"]


def test_a_manufacturer_finds_its_device_types() -> None:
    found = titles(make_member(make_tenant("Volta", Tenant.Kind.MANUFACTURER)))

    assert (found["Operations"], found["Registry"]) == (["Dashboard", "Support", "Products in use"], ["Device types"])
    assert "Households" not in found["Access"]
    assert found.keys() == {"Operations", "Registry", "Access"}


@pytest.mark.parametrize("kind", Tenant.Kind)
def test_whoever_finds_a_page_may_open_it(client: Client, seats: Seats, kind: Tenant.Kind) -> None:
    user = make_member(make_tenant("Alder", kind))
    request = RequestFactory().get("/admin/")
    request.user = user
    client.force_login(user)

    links = [str(item["link"]) for group in navigation(request) for item in group["items"]]

    assert {link: client.get(link).status_code for link in links} == dict.fromkeys(links, 200)


def test_a_model_without_a_page_has_no_entry() -> None:
    assert Entry("Nothing", "help", "cem_service.view_nothing").link() is None


def test_simulated_time_is_marked(settings: Any, rf: RequestFactory) -> None:
    settings.CLOCK = Clock.system()
    assert environment(rf.get("/")) is None

    settings.CLOCK = FixedClock.at(factor=60.0)
    assert environment(rf.get("/")) == ["simulated time, 60 times as fast", "warning"]
