"""People who sign in for real: with a password, a second factor, or an identity provider on loopback."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.test import Client

from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tenants.services import create_member
from tenants.signin import tasks
from tenants.signin.models import IdentityProvider
from tenants.signin.sealed import seal_client_secret
from tests.support.identity_provider import CLIENT_ID, CLIENT_SECRET, FakeProvider, running_provider
from tests.support.registry import make_tenant

PASSWORD = "a long and odd one"  # The tests' people all have it.


@pytest.fixture(autouse=True)
def _cheap_passwords(settings: Any) -> None:
    """One real hash takes as long as many tests."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def alder(db: None, redis_url: str) -> Tenant:
    return make_tenant("Alder")


@pytest.fixture
def ann(alder: Tenant) -> User:
    return create_member(tenant=alder, username="ann", password=PASSWORD, email="ann@alder.example")


@pytest.fixture
def idp(settings: Any) -> Iterator[FakeProvider]:
    settings.SIGN_IN_PROVIDERS_LOCAL = True
    with running_provider() as provider:
        yield provider


@pytest.fixture
def provider(alder: Tenant, idp: FakeProvider) -> IdentityProvider:
    return make_provider(alder, idp)


def make_provider(tenant: Tenant, idp: FakeProvider) -> IdentityProvider:
    row = IdentityProvider(tenant=tenant, name=f"{tenant} login", issuer=idp.issuer, client_id=CLIENT_ID)
    with tenant_scope(tenant.pk):
        seal_client_secret(row, CLIENT_SECRET)
        row.save()
    return row


def sign_in(client: Client, login: str, password: str = PASSWORD) -> Any:
    return client.post("/accounts/login/", {"login": login, "password": password})


def through(client: Client, idp: FakeProvider, row: IdentityProvider, *, process: str = "", **claims: Any) -> Any:
    """The whole way through the provider and back."""
    begun = client.post(f"/accounts/oidc/{row.pk}/login/" + (f"?process={process}" if process else ""))
    return client.get(idp.approve(begun.context["url"], **claims))


def connect(client: Client, idp: FakeProvider, row: IdentityProvider, username: str, sub: str) -> None:
    """Have a person connect this name at the provider, and sign out again."""
    sign_in(client, username)
    through(client, idp, row, process="connect", sub=sub)
    client.post("/accounts/logout/")


def who(client: Client) -> str | None:
    """The name of who is signed in."""
    page = client.get("/accounts/")
    return None if page.status_code == 302 else page.context["user"].get_username()


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks run at once where a worker would run them soon."""
    monkeypatch.setattr("tenants.signin.mail.ask_for", lambda task, **names: getattr(tasks, task)(**names))


def link_in(mail: EmailMessage) -> str:
    """The path that a mail leads to."""
    found = re.search(r"^http://127\.0\.0\.1:8000(/\S+)$", str(mail.body), re.MULTILINE)
    assert found, mail.body
    return found[1]
