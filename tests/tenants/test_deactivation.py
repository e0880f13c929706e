"""A tenant that is off: who stays outside, what stays, and what comes back when it is on again.

Its devices, links, sites, feeds and hosted RMs are looked at by the tests of the modules that turn them away.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from tenants import access_tokens, api_clients, tokens
from tenants.deactivation import deactivate, reactivate
from tenants.models import Tenant, User
from tenants.privacy import erasure
from tenants.scope import platform_scope, tenant_scope
from tenants.services import create_membership
from tenants.signin.invitations import VALID_FOR, InvitationNotValid, accept, find
from tenants.signin.models import Invitation
from tests.support.programs import make_program
from tests.support.registry import audited, make_customer, make_member, make_operator, make_site, make_tenant

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]

AT = datetime(2026, 4, 21, 10, tzinfo=UTC)
TENANTS = "/admin/tenants/tenant/"
SITES = "/admin/devices/site/"


@pytest.fixture
def alder() -> Tenant:
    return make_tenant("Alder")


def as_stored(tenant: Tenant) -> Tenant:
    with platform_scope("test"):
        return Tenant.objects.get(pk=tenant.pk)


def act(client: Client, action: str, tenant: Tenant, **form: str) -> Any:
    return client.post(TENANTS, {"action": action, "_selected_action": [str(tenant.pk)]} | form, follow=True)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_leaves_a_row_each_time_and_no_second_one(alder: Tenant) -> None:
    olga = make_operator("olga")

    for _ in range(2):
        deactivate(alder, now=AT, actor=olga)
    assert as_stored(alder).deactivated_at == alder.deactivated_at == AT
    for _ in range(2):
        reactivate(alder, actor=olga)

    assert as_stored(alder).is_active
    assert alder.is_active
    (off,), (on,) = audited("tenants.tenant.deactivated"), audited("tenants.tenant.reactivated")
    assert (off["tenant_id"], off["actor_name"], off["before"]["deactivated_at"]) == (alder.pk, "olga", None)
    assert off["after"] == on["before"] == {"deactivated_at": "2026-04-21T10:00:00Z"}


def test_nobody_shuts_themselves_out(alder: Tenant) -> None:
    olga = make_operator("olga")

    with pytest.raises(ValidationError, match="You act for this tenant"):
        deactivate(olga.tenant or alder, now=AT, actor=olga)

    assert not audited("tenants.tenant.deactivated")


def test_its_people_see_nothing_from_the_next_click_on(alder: Tenant) -> None:
    make_site(alder, "Alder house")
    client = signed_in(make_member(alder, "ann"))
    assert "Alder house" in client.get(SITES).content.decode()

    deactivate(alder, now=AT)

    assert "Alder" not in client.get(SITES, follow=True).content.decode()
    assert client.get(SITES).status_code == 403
    reactivate(alder)
    assert "Alder house" in client.get(SITES).content.decode()


def test_a_person_of_two_tenants_goes_on_for_the_other(alder: Tenant) -> None:
    birch = make_tenant("Birch")
    make_site(birch, "Birch house")
    ann = make_member(alder, "ann")
    create_membership(user=ann, tenant=birch)
    client = signed_in(ann)

    deactivate(alder, now=AT)

    page = client.get(SITES).content.decode()
    assert "Birch house" in page
    assert "Alder" not in page


def test_nobody_switches_to_it_and_what_was_meant_for_it_is_not_done_for_another(alder: Tenant) -> None:
    birch = make_tenant("Birch")
    ann = make_member(alder, "ann")
    create_membership(user=ann, tenant=birch)
    client = signed_in(ann)
    client.get(f"{SITES}add/")

    deactivate(alder, now=AT)
    written = client.post(f"{SITES}add/", {"name": "New house", "timezone": "UTC", "fuse_limit_w": 1000})

    assert (written.status_code, written["Location"]) == (302, "/admin/")
    assert not audited("devices.site.created")
    assert client.post("/admin/switch-tenant/", {"tenant_id": str(alder.pk)}).status_code == 404


def test_an_invitation_lets_nobody_in(alder: Tenant) -> None:
    token, sam = tokens.new_token(tokens.INVITATION_PREFIX), make_member(make_tenant("Birch"), "sam")
    with tenant_scope(alder.pk):
        open_ones = {"token_hash": tokens.digest(token), "expires_at": timezone.now() + VALID_FOR}
        invitation = Invitation.objects.create(tenant=alder, email="sam@example.com", **open_ones)
    assert find(token) == invitation

    deactivate(alder, now=AT)

    with pytest.raises(InvitationNotValid):
        find(token)
    with pytest.raises(InvitationNotValid):
        accept(invitation, sam)
    reactivate(alder)
    assert find(token) == invitation


def test_its_programs_are_refused(alder: Tenant) -> None:
    program, other = make_program(), make_program(make_tenant("Birch Aggregation", Tenant.Kind.AGGREGATOR))
    token, others_token = program.access_token(), other.access_token()
    shown = (program.client.client_id, program.secret)
    assert api_clients.authenticate_client(*shown, now=timezone.now()) is not None

    deactivate(program.client.tenant, now=AT)

    assert api_clients.authenticate_client(*shown, now=timezone.now()) is None
    assert access_tokens.find_access_token(token, now=timezone.now()) is None
    assert access_tokens.find_access_token(others_token, now=timezone.now()) is not None
    reactivate(program.client.tenant)
    assert api_clients.authenticate_client(*shown, now=timezone.now()) is not None


def test_a_household_of_it_is_still_erased(alder: Tenant) -> None:
    customer = make_customer(alder, "Müller")
    make_site(alder, "Müller house", household=customer)
    deactivate(alder, now=AT)

    requested = erasure.request(customer, now=AT, actor=None)
    assert not erasure.advance(requested, now=AT)

    assert erasure.advance(requested, now=AT + erasure.SETTLES_WITHIN)


class TestAdmin:
    @pytest.fixture
    def client(self) -> Client:
        return signed_in(make_operator("olga"))

    def test_asks_once_more(self, client: Client, alder: Tenant) -> None:
        page = act(client, "deactivate", alder).content.decode()

        assert "Deactivate Alder?" in page
        assert "sessions are closed at once" in page
        assert as_stored(alder).is_active

    def test_turns_a_tenant_off_and_on(self, client: Client, alder: Tenant) -> None:
        act(client, "deactivate", alder, confirmed="yes")
        assert not as_stored(alder).is_active

        act(client, "reactivate", alder, confirmed="yes")
        assert as_stored(alder).is_active
        assert audited("tenants.tenant.deactivated")[0]["actor_name"] == "olga"

    def test_says_why_not(self, client: Client, alder: Tenant) -> None:
        with platform_scope("test"):
            own = Tenant.objects.get(kind=Tenant.Kind.OPERATOR)

        assert "You act for this tenant" in act(client, "deactivate", own, confirmed="yes").content.decode()
        assert as_stored(own).is_active

    def test_is_for_operators_only(self, alder: Tenant) -> None:
        act(signed_in(make_member(alder, "ann")), "deactivate", alder, confirmed="yes")

        assert as_stored(alder).is_active

    def test_shows_since_when(self, client: Client, alder: Tenant) -> None:
        deactivate(alder, now=AT)

        active = client.get(TENANTS, {"deactivated_at__isempty": "1"}).content.decode()
        assert f"{TENANTS}{alder.pk}/" not in active
        assert "2026-04-21 10:00:00 UTC" in client.get(f"{TENANTS}{alder.pk}/change/").content.decode()
