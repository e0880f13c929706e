from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from flexhub.devices.models import SupportGrant
from flexhub.devices.support import grant_support
from tenants.scope import tenant_scope
from tests.support.registry import Household, audited, make_household, make_member

pytestmark = pytest.mark.django_db

GRANTS = "/admin/devices/supportgrant/"


@pytest.fixture
def alder() -> Household:
    return make_household("Alder")


def values(household: Household, days: int = 7) -> dict[str, str]:
    ends_at = timezone.now() + timedelta(days=days)
    return {"device": str(household.device.pk), "ends_at_0": f"{ends_at:%Y-%m-%d}", "ends_at_1": "12:00:00"}


def grants_of(household: Household) -> list[SupportGrant]:
    with tenant_scope(household.tenant.pk):
        return list(SupportGrant.objects.all())


def test_an_owner_gives_and_revokes_support_access(client: Client, alder: Household) -> None:
    client.force_login(make_member(alder.tenant, "ann"))
    assert alder.device.name in client.get(f"{GRANTS}add/").content.decode()

    client.post(f"{GRANTS}add/", values(alder))
    (grant,) = grants_of(alder)
    assert grant.manufacturer_id == alder.device.device_type.tenant_id
    for page in (GRANTS, f"{GRANTS}{grant.pk}/change/"):
        text = client.get(page).content.decode()
        assert alder.device.name in text
        assert str(alder.device.device_type) in text

    client.post(GRANTS, {"action": "revoke", "_selected_action": [str(grant.pk)]})
    assert grants_of(alder)[0].revoked_at is not None
    for outcome in ("given", "revoked"):
        assert audited(f"devices.supportgrant.{outcome}")[0]["actor_name"] == "ann"


def test_says_what_is_wrong_with_the_end(client: Client, alder: Household) -> None:
    client.force_login(make_member(alder.tenant))

    assert "At most 30 days" in client.post(f"{GRANTS}add/", values(alder, 40)).content.decode()
    assert "ends in the future" in client.post(f"{GRANTS}add/", values(alder, -1)).content.decode()
    assert grants_of(alder) == []


def test_others_give_and_see_nothing_of_it(client: Client, alder: Household) -> None:
    grant = grant_support(alder.device, ends_at=timezone.now() + timedelta(days=1))
    birch = make_household("Birch")
    client.force_login(make_member(birch.tenant))

    assert alder.device.name not in client.get(GRANTS).content.decode()
    assert client.get(f"{GRANTS}{grant.pk}/change/").status_code == 404
    client.post(f"{GRANTS}add/", values(alder))
    client.post(GRANTS, {"action": "revoke", "_selected_action": [str(grant.pk)]})

    assert [each.revoked_at for each in grants_of(alder)] == [None]
    assert grants_of(birch) == []


def test_a_manufacturer_has_no_page_of_its_owners_rows(client: Client, alder: Household) -> None:
    grant = grant_support(alder.device, ends_at=timezone.now() + timedelta(days=1))
    client.force_login(make_member(alder.device.device_type.tenant, "mia"))

    for page in (GRANTS, f"{GRANTS}add/", f"{GRANTS}{grant.pk}/change/", "/admin/devices/device/"):
        assert client.get(page).status_code == 403


def test_a_device_goes_with_its_grants(client: Client, alder: Household) -> None:
    grant_support(alder.device, ends_at=timezone.now() + timedelta(days=1))
    client.force_login(make_member(alder.tenant))

    client.post(f"/admin/devices/device/{alder.device.pk}/delete/", {"post": "yes"})

    assert grants_of(alder) == []
