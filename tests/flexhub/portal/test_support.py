from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from flexhub.clock import Clock
from flexhub.devices.models import SupportGrant
from flexhub.devices.support import grant_support, revoke_support
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.flexhub.portal.conftest import AT, Seats
from tests.support.gateway_inside import details
from tests.support.registry import Household, audited, make_household, make_member, make_operator, make_tenant

pytestmark = pytest.mark.django_db

SUPPORT = "/admin/support/"
SECOND = timedelta(seconds=1)
FINDING = {"rule": "R-20", "severity": "error", "text": "1.3 should lie in [0, 1]", "path": "$.factor"}


@pytest.fixture
def grant(alder: Household) -> SupportGrant:
    """Given at the moment at which everything is said."""
    grant = grant_support(alder.device, ends_at=timezone.now() + timedelta(days=1))
    with tenant_scope(alder.tenant.pk):
        SupportGrant.objects.update(created_at=AT)
    return grant


@pytest.fixture
def mia(client: Client, alder: Household, grant: SupportGrant) -> Client:
    """Who works for the manufacturer."""
    client.force_login(make_member(alder.device.device_type.tenant, "mia"))
    return client


def page_of(household: Household) -> str:
    return f"{SUPPORT}{household.device.pk}/"


def test_a_manufacturer_finds_the_devices_under_support(mia: Client, alder: Household) -> None:
    text = mia.get(SUPPORT).content.decode()

    assert alder.device.serial_number in text
    assert alder.device.device_type.brand in text
    assert page_of(alder) in text
    assert "Alder" not in text


def test_shows_state_and_conversation_without_a_name(mia: Client, seats: Seats, alder: Household) -> None:
    seats.sit_down(alder, name="Alder battery", control_type="FILL_RATE_BASED_CONTROL")
    seats.say(alder, "received", details() | {"name": "Alder's own battery", "model": "One"}, status="OK")
    seats.say(alder, "received", {"message_type": "FRBC.StorageStatus"}, findings=[FINDING])

    for query in ("", "?findings=1"):
        text = mia.get(page_of(alder) + query).content.decode()
        assert "FILL_RATE_BASED_CONTROL" in text
        assert "R-20" in text
        assert "Alder" not in text
        for secret in (alder.site.pk, alder.tenant.pk, alder.cem_node.pk):
            assert str(secret) not in text
        assert ("ResourceManagerDetails" in text) is (query == "")


def test_what_was_said_before_the_grant_stays_the_owners(mia: Client, seats: Seats, alder: Household) -> None:
    seats.sit_down(alder)
    seats.say(alder, "received", {"message_type": "FRBC.StorageStatus"}, findings=[FINDING], at=AT - SECOND)
    seats.say(alder, "received", {"message_type": "FRBC.ActuatorStatus"}, findings=[FINDING], at=AT)
    # Another one, given later, takes nothing away from the first.
    grant_support(alder.device, ends_at=timezone.now() + timedelta(days=2))

    for query in ("", "?findings=1"):
        text = mia.get(page_of(alder) + query).content.decode()
        assert "FRBC.ActuatorStatus" in text
        assert "FRBC.StorageStatus" not in text


def test_the_hubs_clock_says_what_was_before(mia: Client, seats: Seats, alder: Household, settings: Settings) -> None:
    """Conversations are written by that clock, and grants by PostgreSQL's."""
    settings.CLOCK = Clock(origin=AT + timedelta(days=9), real_origin_s=AT.timestamp(), factor=60.0)
    seats.sit_down(alder)
    seats.say(alder, "received", {"message_type": "FRBC.StorageStatus"}, at=AT + timedelta(days=9) - SECOND)
    seats.say(alder, "received", {"message_type": "FRBC.ActuatorStatus"}, at=AT + timedelta(days=9))

    text = mia.get(page_of(alder)).content.decode()

    assert ("FRBC.ActuatorStatus" in text, "FRBC.StorageStatus" in text) == (True, False)


def test_each_look_is_in_the_owners_trail(mia: Client, seats: Seats, alder: Household) -> None:
    mia.get(SUPPORT)
    assert audited("devices.device.viewed_for_support") == []

    mia.get(page_of(alder))
    mia.get(page_of(alder))

    entries = audited("devices.device.viewed_for_support")
    assert [(entry["tenant_id"], entry["actor_name"]) for entry in entries] == [(alder.tenant.pk, "mia")] * 2


def test_an_end_needs_no_task(mia: Client, seats: Seats, alder: Household, grant: SupportGrant) -> None:
    unknown = mia.get(f"{SUPPORT}{alder.site.pk}/")
    revoke_support(grant)

    gone = mia.get(page_of(alder))

    assert (gone.status_code, unknown.status_code) == (404, 404)
    assert gone.content == unknown.content
    assert alder.device.serial_number not in mia.get(SUPPORT).content.decode()
    assert audited("devices.device.viewed_for_support") == []


def test_nothing_else_about_the_device_opens(mia: Client, seats: Seats, alder: Household) -> None:
    for url in (
        f"/admin/links/{alder.link.pk}/conversation/",
        f"/admin/links/{alder.link.pk}/conversation.jsonl",
        f"/admin/devices/device/{alder.device.pk}/change/",
        "/admin/sessions/",
    ):
        assert mia.get(url).status_code == 403


@pytest.mark.parametrize("kind", [Tenant.Kind.PROVIDER, Tenant.Kind.AGGREGATOR])
def test_it_is_for_manufacturers(client: Client, alder: Household, grant: SupportGrant, kind: Tenant.Kind) -> None:
    client.force_login(make_member(make_tenant("Birch", kind)))

    assert client.get(SUPPORT).status_code == 403
    assert client.get(page_of(alder)).status_code == 403


def test_another_manufacturer_sees_nothing(client: Client, alder: Household, grant: SupportGrant) -> None:
    birch = make_household("Birch")
    client.force_login(make_member(birch.device.device_type.tenant, "bo"))

    assert alder.device.serial_number not in client.get(SUPPORT).content.decode()
    assert client.get(page_of(alder)).status_code == 404


def test_an_operator_sees_what_manufacturers_do(
    client: Client, seats: Seats, alder: Household, grant: SupportGrant
) -> None:
    client.force_login(make_operator())

    assert alder.device.serial_number in client.get(SUPPORT).content.decode()
    assert client.get(page_of(alder)).status_code == 200


def test_says_when_redis_is_down(mia: Client, alder: Household, redis_down: None) -> None:
    assert "Redis" in mia.get(page_of(alder)).content.decode()


def test_a_hosted_rm_is_heard_at_the_end_where_it_speaks(mia: Client, seats: Seats, alder: Household) -> None:
    from tests.flexhub.portal.test_views import set_hosted

    set_hosted(alder, rm=True, cem=False)
    seats.sit_down(alder, peer="CEM", control_type="OPERATION_MODE_BASED_CONTROL")

    assert "OPERATION_MODE_BASED_CONTROL" in mia.get(page_of(alder)).content.decode()
