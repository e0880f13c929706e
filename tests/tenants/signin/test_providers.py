"""Signing in through a tenant's identity provider: every way in which it could get further than to its own tenant."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from django.utils import timezone

from tenants.deactivation import deactivate, reactivate
from tenants.models import Membership, Tenant, User
from tenants.scope import identity_scope, platform_scope, tenant_scope
from tenants.services import create_member, create_membership
from tenants.signin.models import IdentityProvider
from tests.support.identity_provider import FakeProvider
from tests.support.registry import audited, make_site, make_tenant
from tests.tenants.signin.conftest import PASSWORD, connect, make_provider, sign_in, through, who

SITES = "/admin/devices/site/"


@pytest.fixture
def in_two_tenants(ann: User) -> Tenant:
    """Ann also works for Birch, whose site Alder's provider must never let anybody see."""
    birch = make_tenant("Birch")
    join(ann, birch)
    make_site(birch, "Birch house")
    return birch


def join(user: User, tenant: Tenant) -> None:
    with tenant_scope(tenant.pk):
        Membership.objects.create(user=user, tenant=tenant, role=Membership.Role.ADMIN)


def accounts() -> list[tuple[str, str]]:
    with identity_scope("test"):
        return [(account.user.get_username(), account.uid) for account in SocialAccount.objects.select_related("user")]


def people() -> list[str]:
    with identity_scope("test"):
        return [user.username for user in User.objects.all()]


def test_a_person_connects_and_then_signs_in_with_it(
    client: Client, ann: User, idp: FakeProvider, provider: IdentityProvider
) -> None:
    connect(client, idp, provider, "ann", "subject-1")
    assert who(client) is None

    response = through(client, idp, provider, sub="subject-1")

    assert (response.status_code, response["Location"]) == (302, "/admin/")
    assert who(client) == "ann"
    assert accounts() == [("ann", "subject-1")]
    assert audited("tenants.user.provider_connected")[0]["after"] == {"provider": "Alder login"}
    assert audited("tenants.user.signed_in")[-1]["after"] == {"provider": "Alder login"}


def test_nobody_gets_in_who_has_not_connected(
    client: Client, ann: User, idp: FakeProvider, provider: IdentityProvider
) -> None:
    response = through(client, idp, provider, sub="new")

    assert response.status_code == 403
    assert (who(client), accounts(), people()) == (None, [], ["ann"])


def test_a_known_address_takes_over_no_account(
    client: Client, ann: User, idp: FakeProvider, provider: IdentityProvider
) -> None:
    claims: dict[str, Any] = {"email": "ann@alder.example", "email_verified": True, "preferred_username": "ann"}

    response = through(client, idp, provider, sub="new", **claims)

    assert response.status_code == 403
    assert (who(client), accounts()) == (None, [])
    (entry,) = audited("signin.identityprovider.sign_in_failed")
    assert entry["tenant_id"] == provider.tenant_id


def test_it_signs_in_for_its_own_tenant_only(
    client: Client, ann: User, in_two_tenants: Tenant, idp: FakeProvider, provider: IdentityProvider
) -> None:
    connect(client, idp, provider, "ann", "subject-1")
    through(client, idp, provider, sub="subject-1")

    session = client.session
    session["tenant_id"] = str(in_two_tenants.pk)
    session.save()

    assert "Birch house" not in client.get(SITES).content.decode()
    assert client.session["tenant_id"] == str(provider.tenant_id)


def test_its_owner_learns_of_no_other_tenant(
    client: Client, ann: User, idp: FakeProvider, provider: IdentityProvider, in_two_tenants: Tenant
) -> None:
    """Whoever runs Alder's provider can sign in as Ann, and sees what she sees."""
    connect(client, idp, provider, "ann", "subject-1")
    chosen = len(audited("tenants.membership.chosen"))
    through(client, idp, provider, sub="subject-1")

    pages = [client.get(path).content.decode() for path in ("/accounts/", SITES)]
    switched = client.post("/admin/switch-tenant/", {"tenant_id": str(in_two_tenants.pk)})

    assert all("Alder" in page and "Birch" not in page for page in pages)
    assert switched.status_code == 404
    assert len(audited("tenants.membership.chosen")) == chosen


def test_which_provider_somebody_uses_is_told_to_its_own_tenant(
    client: Client, ann: User, alder: Tenant, idp: FakeProvider, provider: IdentityProvider, in_two_tenants: Tenant
) -> None:
    sign_in(client, "ann")
    through(client, idp, provider, process="connect", sub="subject-1")
    with identity_scope("test"):
        account = SocialAccount.objects.get()
    client.post("/accounts/connections/", {"account": account.pk})

    for done in ("connected", "disconnected"):
        rows = audited(f"tenants.user.provider_{done}")
        assert [row["tenant_id"] for row in rows] == [alder.pk]


def test_with_a_password_the_same_person_gets_further(
    client: Client, ann: User, in_two_tenants: Tenant, idp: FakeProvider, provider: IdentityProvider
) -> None:
    connect(client, idp, provider, "ann", "subject-1")
    through(client, idp, provider, sub="subject-1")
    client.post("/accounts/logout/")
    sign_in(client, "ann")

    session = client.session
    session["tenant_id"] = str(in_two_tenants.pk)
    session.save()

    assert "Birch house" in client.get(SITES).content.decode()


@pytest.mark.parametrize("path", ["password/change/", "2fa/", "2fa/totp/activate/", "connections/", "invitations/"])
def test_it_changes_nothing_about_the_account(
    client: Client, ann: User, idp: FakeProvider, provider: IdentityProvider, path: str
) -> None:
    connect(client, idp, provider, "ann", "subject-1")
    through(client, idp, provider, sub="subject-1")

    assert client.get(f"/accounts/{path}").status_code == 403
    assert client.post(f"/accounts/{path}", {"oldpassword": PASSWORD}).status_code == 403


def test_it_connects_no_second_name(client: Client, ann: User, idp: FakeProvider, provider: IdentityProvider) -> None:
    connect(client, idp, provider, "ann", "subject-1")
    through(client, idp, provider, sub="subject-1")

    assert through(client, idp, provider, process="connect", sub="subject-2").status_code == 403
    assert accounts() == [("ann", "subject-1")]


def test_who_is_no_member_cannot_connect(
    client: Client, ann: User, idp: FakeProvider, provider: IdentityProvider
) -> None:
    create_member(tenant=make_tenant("Birch"), username="bob", password=PASSWORD)
    sign_in(client, "bob")

    assert through(client, idp, provider, process="connect", sub="bob").status_code == 403
    assert accounts() == []


def test_a_name_that_is_another_persons_stays_theirs(
    client: Client, ann: User, alder: Tenant, idp: FakeProvider, provider: IdentityProvider
) -> None:
    create_member(tenant=alder, username="bob", password=PASSWORD)
    connect(client, idp, provider, "ann", "subject-1")

    connect(client, idp, provider, "bob", "subject-1")

    assert accounts() == [("ann", "subject-1")]


def test_who_left_the_tenant_gets_in_no_more(
    client: Client, ann: User, in_two_tenants: Tenant, idp: FakeProvider, provider: IdentityProvider
) -> None:
    connect(client, idp, provider, "ann", "subject-1")
    through(client, idp, provider, sub="subject-1")
    with platform_scope("test"):
        Membership.objects.filter(user=ann, tenant_id=provider.tenant_id).delete()

    assert client.get(SITES).status_code == 302
    assert who(client) is None
    assert through(client, idp, provider, sub="subject-1").status_code == 403


def test_superusers_are_beyond_any_provider(
    client: Client, ann: User, idp: FakeProvider, provider: IdentityProvider
) -> None:
    connect(client, idp, provider, "ann", "subject-1")
    through(client, idp, provider, sub="subject-1")
    with identity_scope("test"):
        User.objects.filter(pk=ann.pk).update(is_superuser=True)

    assert who(client) is None
    assert through(client, idp, provider, sub="subject-1").status_code == 403
    sign_in(client, "ann")
    assert through(client, idp, provider, process="connect", sub="subject-2").status_code == 403


def test_an_operator_comes_by_the_operators_own_provider_only(
    client: Client, ann: User, idp: FakeProvider, provider: IdentityProvider
) -> None:
    operations = make_tenant("Operations", Tenant.Kind.OPERATOR)
    join(ann, operations)
    make_site(make_tenant("Birch"), "Birch house")
    own = make_provider(operations, idp)
    connect(client, idp, provider, "ann", "at-alder")
    connect(client, idp, own, "ann", "at-operations")

    through(client, idp, provider, sub="at-alder")
    assert "Birch house" not in client.get(SITES).content.decode()
    client.post("/accounts/logout/")
    through(client, idp, own, sub="at-operations")
    assert "Birch house" in client.get(SITES).content.decode()


def test_a_provider_that_is_turned_off_ends_its_sessions(
    client: Client, ann: User, idp: FakeProvider, provider: IdentityProvider
) -> None:
    connect(client, idp, provider, "ann", "subject-1")
    through(client, idp, provider, sub="subject-1")

    turn_off(provider)

    assert who(client) is None
    assert client.get(f"/accounts/oidc/{provider.pk}/login/").status_code == 404


def test_a_provider_that_is_turned_off_on_the_way_lets_nobody_in(
    client: Client, ann: User, idp: FakeProvider, provider: IdentityProvider
) -> None:
    connect(client, idp, provider, "ann", "subject-1")
    begun = client.post(f"/accounts/oidc/{provider.pk}/login/")

    turn_off(provider)

    assert client.get(idp.approve(begun.context["url"], sub="subject-1")).status_code == 404
    assert who(client) is None


def test_who_disconnects_is_signed_out_where_the_provider_let_them_in(
    client: Client, ann: User, idp: FakeProvider, provider: IdentityProvider
) -> None:
    elsewhere = Client()
    connect(client, idp, provider, "ann", "subject-1")
    through(elsewhere, idp, provider, sub="subject-1")
    sign_in(client, "ann")
    with identity_scope("test"):
        account = SocialAccount.objects.get()

    client.post("/accounts/connections/", {"account": account.pk})

    assert (accounts(), who(elsewhere)) == ([], None)
    assert audited("tenants.user.provider_disconnected")[0]["before"] == {"provider": "Alder login"}


def test_a_deleted_provider_leaves_nobody_connected(
    client: Client, ann: User, idp: FakeProvider, provider: IdentityProvider
) -> None:
    connect(client, idp, provider, "ann", "subject-1")

    with tenant_scope(provider.tenant_id):
        provider.delete()

    assert accounts() == []


def test_another_tenants_provider_with_the_same_names_means_other_people(
    client: Client, ann: User, idp: FakeProvider, provider: IdentityProvider
) -> None:
    birchs = make_provider(make_tenant("Birch"), idp)
    connect(client, idp, provider, "ann", "subject-1")

    assert through(client, idp, birchs, sub="subject-1").status_code == 403
    assert who(client) is None


def test_the_login_page_names_no_tenant(client: Client, provider: IdentityProvider) -> None:
    assert "Alder" not in client.get("/accounts/login/").content.decode()


def turn_off(provider: IdentityProvider) -> None:
    with tenant_scope(provider.tenant_id):
        IdentityProvider.objects.filter(pk=provider.pk).update(is_active=False)


def test_signs_nobody_in_for_a_deactivated_tenant_and_ends_who_was(
    client: Client, alder: Tenant, ann: User, idp: FakeProvider, provider: IdentityProvider
) -> None:
    create_membership(user=ann, tenant=make_tenant("Birch"))
    connect(client, idp, provider, "ann", "subject-1")
    through(client, idp, provider, sub="subject-1")
    assert who(client) == "ann"

    deactivate(alder, now=timezone.now())

    assert who(client) is None
    assert client.post(f"/accounts/oidc/{provider.pk}/login/").status_code != 200
    assert who(client) is None
    reactivate(alder)
    through(client, idp, provider, sub="subject-1")
    assert who(client) == "ann"
