"""Mails about changes to how a person, or a program of theirs, gets in."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.mail import EmailMessage
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.utils import timezone
from kombu.exceptions import OperationalError

from tenants import api_clients
from tenants.management.commands import changepassword
from tenants.models import Membership, Tenant, User
from tenants.scope import identity_scope
from tenants.services import create_api_client, create_membership
from tenants.signin import mail
from tenants.signin.models import IdentityProvider
from tests.support.identity_provider import FakeProvider
from tests.support.registry import make_member, make_operator, make_tenant
from tests.tenants.signin.conftest import PASSWORD, link_in, sign_in, through, who
from tests.tenants.signin.test_password_reset import set_password
from tests.tenants.signin.test_second_factor import code, give_app

Committed = Callable[..., Any]
NEW = {"oldpassword": PASSWORD, "password1": "another odd one", "password2": "another odd one"}
A_LINK = re.compile(r"https?://|/accounts/|/admin/")


@pytest.fixture
def told(
    worker: None, mailoutbox: list[EmailMessage], django_capture_on_commit_callbacks: Committed
) -> Callable[[Callable[[], Any]], list[EmailMessage]]:
    """Does something, and returns the mails that it led to."""

    def told(act: Callable[[], Any]) -> list[EmailMessage]:
        mailoutbox.clear()
        with django_capture_on_commit_callbacks(execute=True):
            act()
        return list(mailoutbox)

    return told


@pytest.fixture
def olga(db: None) -> Client:
    client = Client()
    client.force_login(make_operator("olga"))
    return client


def firsts(mails: list[EmailMessage]) -> list[tuple[str, str]]:
    return [(each.to[0], str(each.body).splitlines()[0]) for each in mails]


def test_a_new_password_is_told(client: Client, ann: User, told: Any) -> None:
    sign_in(client, "ann")

    (notice,) = told(lambda: client.post("/accounts/password/change/", NEW))

    assert notice.to == ["ann@alder.example"]
    assert notice.subject == "Your account of Flexhub was changed"
    assert notice.body.startswith("Your password was changed.\n\nYour account: ann\nWhen: ")
    assert f"{timezone.now():%Y}" in notice.body
    assert "If it was not you" in notice.body
    assert PASSWORD not in notice.body
    assert not A_LINK.search(notice.body)


def test_a_password_that_a_link_set_is_told(client: Client, ann: User, told: Any) -> None:
    (letter,) = told(lambda: client.post("/accounts/password/reset/", {"email": "ann@alder.example"}))

    (notice,) = told(lambda: set_password(client, link_in(letter)))

    assert notice.body.startswith("A new password was set for your account, with a link that was sent to you by mail.")


def test_a_password_that_was_not_changed_is_not_told(client: Client, ann: User, told: Any) -> None:
    sign_in(client, "ann")

    assert told(lambda: client.post("/accounts/password/change/", NEW | {"oldpassword": "wrong"})) == []


def test_a_password_from_an_operator_is_told_without_their_name(olga: Client, ann: User, told: Any) -> None:
    form = {"password1": "another odd one", "password2": "another odd one", "usable_password": "true"}

    mails = told(lambda: olga.post(f"/admin/tenants/user/{ann.pk}/password/", form))

    assert firsts(mails) == [("ann@alder.example", "Your password was changed by an operator.")]


def test_a_password_from_a_command_is_told(ann: User, told: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changepassword.Command, "_get_pass", lambda *_: "a long and odd one")

    assert firsts(told(lambda: call_command("changepassword", "ann"))) == [
        ("ann@alder.example", "Your password was changed.")
    ]


def test_a_new_address_is_told_to_the_former_one_too(olga: Client, ann: User, told: Any) -> None:
    management = {f"memberships-{name}": "0" for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
    form = {"username": "ann", "email": "ann@birch.example", "is_active": "on"}

    mails = told(lambda: olga.post(f"/admin/tenants/user/{ann.pk}/change/", form | management))

    what = "The e-mail address of your account was changed by an operator."
    assert sorted(firsts(mails)) == [("ann@alder.example", what), ("ann@birch.example", what)]
    assert "ann@birch.example" not in next(each.body for each in mails if each.to == ["ann@alder.example"])


@pytest.mark.usefixtures("transactional_db")
def test_second_factors_are_told(client: Client, ann: User, told: Any) -> None:
    sign_in(client, "ann")
    page = client.get("/accounts/2fa/totp/activate/")

    added = told(lambda: client.post("/accounts/2fa/totp/activate/", {"code": code(page.context["form"].secret)}))
    renewed = told(lambda: client.post("/accounts/2fa/recovery-codes/generate/"))
    removed = told(lambda: client.post("/accounts/2fa/totp/deactivate/"))

    assert [what for _, what in firsts(added)] == [
        "An authenticator app was added to your account.",
        "A set of recovery codes was added to your account.",
    ]
    assert [what for _, what in firsts(renewed)] == [
        "New recovery codes were made for your account, and the former ones have ended."
    ]
    assert "An authenticator app was removed from your account." in [what for _, what in firsts(removed)]


def test_a_second_factor_that_an_operator_takes_away_is_told(olga: Client, ann: User, told: Any) -> None:
    give_app(ann)
    with identity_scope("test"):
        factor = Authenticator.objects.get(user=ann)

    mails = told(lambda: olga.post(f"/admin/mfa/authenticator/{factor.pk}/delete/", {"post": "yes"}))

    assert firsts(mails) == [
        ("ann@alder.example", "An authenticator app was removed from your account by an operator.")
    ]


def test_a_connected_provider_is_told_and_not_whose_it_is(
    client: Client, ann: User, idp: FakeProvider, provider: IdentityProvider, told: Any
) -> None:
    sign_in(client, "ann")

    (notice,) = told(lambda: through(client, idp, provider, process="connect", sub="a1"))

    assert notice.to == ["ann@alder.example"]
    assert "An identity provider was connected to your account" in notice.body
    assert "Alder" not in notice.subject + notice.body


def test_a_new_secret_is_told_to_the_admins_of_its_tenant(alder: Tenant, told: Any) -> None:
    ann = make_member(alder, "ann", email="ann@alder.example")
    make_member(alder, "abe", email="abe@alder.example")
    make_member(alder, "max", role=Membership.Role.MEMBER, email="max@alder.example")
    make_member(alder, "mute")
    make_member(make_tenant("Birch"), "bob", email="bob@birch.example")
    client = create_api_client(tenant=alder, name="Reader")

    mails = told(lambda: api_clients.issue_secret(client, now=timezone.now(), actor=ann))

    what = "A new secret was made for the API client Reader of Alder"
    assert firsts(mails) == [("ann@alder.example", f"{what}."), ("abe@alder.example", f"{what} by ann.")]
    assert "revoke the secret" in mails[0].body
    assert not any(A_LINK.search(str(each.body)) or "fhs_" in str(each.body) for each in mails)


def test_nobody_is_told_of_what_was_undone(alder: Tenant, told: Any) -> None:
    ann = make_member(alder, "ann", email="ann@alder.example")
    client = create_api_client(tenant=alder, name="Reader")

    def undo() -> None:
        with identity_scope("test"):
            api_clients.issue_secret(client, now=timezone.now(), actor=ann)
            transaction.set_rollback(True)

    assert told(undo) == []


def test_a_queue_that_is_away_undoes_no_change(
    client: Client, ann: User, django_capture_on_commit_callbacks: Committed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(task: str, **names: str) -> None:
        raise OperationalError

    monkeypatch.setattr(mail, "ask_for", away)
    sign_in(client, "ann")

    with django_capture_on_commit_callbacks(execute=True):
        client.post("/accounts/password/change/", NEW)
    client.post("/accounts/logout/")
    sign_in(client, "ann", NEW["password1"])

    assert who(client) == "ann"


def test_of_several_tenants_of_a_person_none_is_named(client: Client, ann: User, told: Any) -> None:
    create_membership(user=ann, tenant=make_tenant("Birch"))
    sign_in(client, "ann")

    (notice,) = told(lambda: client.post("/accounts/password/change/", NEW))

    assert not re.search("Alder|Birch", str(notice.body))
