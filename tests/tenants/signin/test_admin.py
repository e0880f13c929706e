"""Admin pages about signing in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib import admin
from django.core.mail import EmailMessage
from django.test import Client

from tenants.models import Membership, Tenant, User
from tenants.scope import platform_scope
from tenants.signin.models import IdentityProvider, Invitation, SignInPolicy
from tenants.signin.sealed import client_secret_of
from tests.support.registry import audited, give_quotas, make_customer, make_member, make_operator, make_tenant
from tests.tenants.signin.conftest import make_provider

PROVIDERS = "/admin/signin/identityprovider/"
INVITATIONS = "/admin/signin/invitation/"
POLICIES = "/admin/signin/signinpolicy/"
FORM = {"name": "Own login", "issuer": "https://login.example", "client_id": "us", "is_active": "on"}


@pytest.fixture
def admin_of_alder(alder: Tenant, client: Client) -> User:
    ann = make_member(alder, "ann")
    client.force_login(ann)
    return ann


def test_an_admin_adds_a_provider_whose_secret_is_sealed(client: Client, alder: Tenant, admin_of_alder: User) -> None:
    response = client.post(f"{PROVIDERS}add/", FORM | {"client_secret": "known to tests"})

    assert response.status_code == 302, response.context["errors"]
    with platform_scope("test"):
        (row,) = IdentityProvider.objects.all()
    assert (row.tenant_id, client_secret_of(row)) == (alder.pk, "known to tests")
    assert "known to tests" not in row.sealed_secret
    assert row.sealed_secret not in str(audited("signin.identityprovider.created"))
    page = client.get(f"{PROVIDERS}{row.pk}/change/").content.decode()
    assert f"/accounts/oidc/{row.pk}/callback/" in page
    assert "known to tests" not in page


def test_a_provider_keeps_its_issuer_and_without_a_new_one_its_secret(
    client: Client, alder: Tenant, admin_of_alder: User, idp: Any
) -> None:
    row = make_provider(alder, idp)
    sealed, issuer = row.sealed_secret, row.issuer

    client.post(f"{PROVIDERS}{row.pk}/change/", FORM | {"issuer": "https://elsewhere.example", "client_id": "other"})

    with platform_scope("test"):
        row.refresh_from_db()
    assert (row.name, row.issuer, row.client_id, row.sealed_secret) == ("Own login", issuer, "flexhub", sealed)
    assert audited("signin.identityprovider.changed")[0]["after"] == {"name": "Own login"}


def test_a_new_secret_leaves_a_row_that_does_not_hold_it(
    client: Client, alder: Tenant, admin_of_alder: User, idp: Any
) -> None:
    row = make_provider(alder, idp)

    client.post(f"{PROVIDERS}{row.pk}/change/", FORM | {"client_secret": "a new one"})

    with platform_scope("test"):
        row.refresh_from_db()
    assert client_secret_of(row) == "a new one"
    assert audited("signin.identityprovider.secret_changed")[0]["actor_name"] == "ann"


@pytest.mark.parametrize(
    "change",
    [
        {"client_secret": ""},
        {"issuer": "http://login.example"},
        {"issuer": "https://login.example/?a=b"},
        {"issuer": "login.example"},
    ],
)
def test_a_provider_that_could_not_work_is_refused(
    client: Client, admin_of_alder: User, change: dict[str, str]
) -> None:
    response = client.post(f"{PROVIDERS}add/", FORM | {"client_secret": "known to tests"} | change)

    assert response.status_code == 200
    assert list(response.context["adminform"].form.errors) == list(change)


def test_an_admin_invites_sends_again_and_revokes(
    client: Client,
    alder: Tenant,
    admin_of_alder: User,
    worker: None,
    mailoutbox: list[EmailMessage],
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        client.post(f"{INVITATIONS}add/", {"email": "bob@example.com", "role": Membership.Role.MEMBER})
    with platform_scope("test"):
        (invitation,) = Invitation.objects.all()
    assert (invitation.tenant_id, invitation.invited_by_id) == (alder.pk, admin_of_alder.pk)

    for action in ("send_again", "revoke"):
        with django_capture_on_commit_callbacks(execute=True):
            client.post(INVITATIONS, {"action": action, "_selected_action": [str(invitation.pk)]})

    assert len(mailoutbox) == 2
    with platform_scope("test"):
        assert not Invitation.objects.exists()
    assert [len(audited(f"signin.invitation.{done}")) for done in ("created", "sent_again", "revoked")] == [1, 1, 1]


def test_the_pages_say_when_a_tenant_has_invited_enough_today(
    client: Client, alder: Tenant, admin_of_alder: User
) -> None:
    give_quotas(alder, invitations_per_day=1)
    client.post(f"{INVITATIONS}add/", {"email": "bob@example.com", "role": Membership.Role.MEMBER})
    with platform_scope("test"):
        (invitation,) = Invitation.objects.all()

    new = client.post(f"{INVITATIONS}add/", {"email": "eve@example.com", "role": Membership.Role.MEMBER}, follow=True)
    again = client.post(INVITATIONS, {"action": "send_again", "_selected_action": [str(invitation.pk)]}, follow=True)

    assert "The quota of this tenant is 1 invitations a day" in new.content.decode()
    assert "bob@example.com and the rest were not sent. The quota" in again.content.decode()
    assert not audited("signin.invitation.sent_again")


def test_an_admin_invites_a_resident(client: Client, alder: Tenant, admin_of_alder: User) -> None:
    household = make_customer(alder, "Müller")

    values = {"email": "bob@example.com", "role": Membership.Role.RESIDENT, "household": str(household.pk)}
    response = client.post(f"{INVITATIONS}add/", values)

    assert response.status_code == 302, response.context["errors"]
    with platform_scope("test"):
        assert Invitation.objects.get().household_id == household.pk


def test_an_address_is_not_invited_twice(client: Client, alder: Tenant, admin_of_alder: User) -> None:
    client.post(f"{INVITATIONS}add/", {"email": "bob@example.com", "role": Membership.Role.MEMBER})

    response = client.post(f"{INVITATIONS}add/", {"email": "Bob@example.com", "role": Membership.Role.MEMBER})

    assert "This address has an open invitation" in response.content.decode()


def test_an_admin_demands_a_second_factor(client: Client, alder: Tenant, admin_of_alder: User) -> None:
    client.post(f"{POLICIES}add/", {"second_factor": "on"})

    with platform_scope("test"):
        assert SignInPolicy.objects.get().tenant_id == alder.pk
    assert client.get(POLICIES)["Location"] == "/accounts/second-factor/"


@pytest.mark.parametrize("path", [PROVIDERS, INVITATIONS, POLICIES, "/admin/mfa/authenticator/"])
def test_members_look_after_none_of_it(client: Client, alder: Tenant, path: str) -> None:
    client.force_login(make_member(alder, "bob", Membership.Role.MEMBER))

    assert client.get(path).status_code == 403
    assert client.get(f"{path}add/").status_code == 403


def test_an_admin_sees_nothing_of_another_tenants(client: Client, admin_of_alder: User, idp: Any) -> None:
    hidden = make_provider(make_tenant("Birch"), idp)

    assert "Birch login" not in client.get(PROVIDERS).content.decode()
    assert client.get(f"{PROVIDERS}{hidden.pk}/change/").status_code == 404
    client.post(f"{PROVIDERS}{hidden.pk}/delete/", {"post": "yes"})
    with platform_scope("test"):
        assert IdentityProvider.objects.filter(pk=hidden.pk).exists()


def test_an_operator_invites_the_first_admin_of_a_tenant(client: Client, alder: Tenant) -> None:
    client.force_login(make_operator())
    form = {"tenant": str(alder.pk), "email": "ann@example.com", "role": Membership.Role.ADMIN}

    response = client.post(f"{INVITATIONS}add/", form)

    assert response.status_code == 302, response.context["errors"]
    with platform_scope("test"):
        assert Invitation.objects.get().tenant_id == alder.pk


def test_allauths_own_pages_are_not_there() -> None:
    for model in (EmailAddress, SocialAccount, SocialApp, SocialToken):
        assert not admin.site.is_registered(model)
