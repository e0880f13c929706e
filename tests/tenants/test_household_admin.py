from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from django.test import Client

from flexhub.bus import BusUnavailable
from tenants.models import Erasure, Household, Membership
from tenants.scope import platform_scope
from tests.support.registry import (
    audited,
    make_customer,
    make_device,
    make_member,
    make_operator,
    make_site,
    make_tenant,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]

HOUSEHOLDS = "/admin/tenants/household/"


def _act(client: Client, action: str, *households: Household, confirmed: bool = True) -> Any:
    form: dict[str, Any] = {"action": action, "_selected_action": [str(each.pk) for each in households]}
    return client.post(HOUSEHOLDS, form | ({"confirmed": "yes"} if confirmed else {}), follow=True)


@pytest.fixture
def household() -> Household:
    alder = make_tenant("Alder")
    customer = make_customer(alder, "Müller")
    make_site(alder, "Müller house", household=customer)
    return customer


def test_asks_once_more_before_it_begins(client: Client, household: Household) -> None:
    client.force_login(make_member(household.tenant, "ann", Membership.Role.ADMIN))

    for action in ("export_all", "erase"):
        page = _act(client, action, household, confirmed=False)
        assert 'name="confirmed"' in page.content.decode()

    with platform_scope("test"):
        assert not Erasure.objects.exists()
    assert not audited("tenants.household.exported")


def test_gives_a_file_away_and_says_so(client: Client, household: Household) -> None:
    client.force_login(make_member(household.tenant, "ann", Membership.Role.ADMIN))

    response = _act(client, "export_all", household)

    archive = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))
    assert "Müller house" in archive.read("devices.site.jsonl").decode()
    assert audited("tenants.household.exported")[0]["actor_name"] == "ann"


def test_begins_an_erasure(client: Client, household: Household) -> None:
    client.force_login(make_operator())

    page = _act(client, "erase", household)

    assert "shut out" in page.content.decode()
    assert audited("tenants.household.erasure_requested")[0]["actor_name"] == "olga"
    with platform_scope("test"):
        assert Erasure.objects.get().household_id == household.pk


def test_is_for_admins_only(client: Client, household: Household) -> None:
    client.force_login(make_member(household.tenant, "bob", Membership.Role.MEMBER))

    _act(client, "erase", household)
    _act(client, "export_all", household)

    with platform_scope("test"):
        assert not Erasure.objects.exists()
    assert not audited("tenants.household.exported")


def test_another_tenants_household_is_none(client: Client, household: Household) -> None:
    client.force_login(make_member(make_tenant("Birch"), "ben", Membership.Role.ADMIN))

    _act(client, "erase", household)

    with platform_scope("test"):
        assert not Erasure.objects.exists()


def test_one_at_a_time(client: Client, household: Household) -> None:
    other = make_customer(household.tenant, "Nachbar")
    client.force_login(make_member(household.tenant, "ann", Membership.Role.ADMIN))

    page = _act(client, "erase", household, other)

    assert "Choose one household" in page.content.decode()


def test_says_when_a_store_is_away(client: Client, household: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_url: str) -> None:
        raise BusUnavailable("no")

    make_device(make_site(household.tenant, "second house", household=household))
    monkeypatch.setattr("flexhub.devices.personal.connect_worker", away)
    client.force_login(make_member(household.tenant, "ann", Membership.Role.ADMIN))

    page = _act(client, "export_all", household)

    assert "Try again later" in page.content.decode()
    assert not audited("tenants.household.exported")
