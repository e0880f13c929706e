"""Answers of an identity provider that are not for this sign-in, and what becomes of what it says."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client

from tenants.models import User
from tenants.scope import identity_scope
from tenants.signin.models import IdentityProvider
from tenants.signin.outbound import ProviderSession
from tests.support.identity_provider import FakeProvider
from tests.support.registry import audited, make_tenant, query
from tests.tenants.signin.conftest import connect, make_provider, through, who

SITES = "/admin/devices/site/"


def test_a_callback_is_good_for_once_and_for_the_browser_that_began(
    client: Client, ann: User, idp: FakeProvider, provider: IdentityProvider
) -> None:
    connect(client, idp, provider, "ann", "subject-1")
    begun = client.post(f"/accounts/oidc/{provider.pk}/login/")
    back = idp.approve(begun.context["url"], sub="subject-1")

    assert Client().get(back).status_code == 401
    assert client.get(back).status_code == 302
    client.post("/accounts/logout/")
    assert client.get(back).status_code == 401
    assert who(client) is None


def test_a_callback_of_one_provider_is_none_of_another(
    client: Client, ann: User, idp: FakeProvider, provider: IdentityProvider
) -> None:
    other = make_provider(make_tenant("Birch"), idp)
    connect(client, idp, provider, "ann", "subject-1")
    begun = client.post(f"/accounts/oidc/{other.pk}/login/")
    back = idp.approve(begun.context["url"], sub="subject-1").replace(str(other.pk), str(provider.pk))

    assert client.get(back).status_code == 401
    assert who(client) is None


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://elsewhere.example"},
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"aud": "other"},
        {"exp": 1},
    ],
    ids=str,
)
def test_an_id_token_that_is_not_for_this_sign_in_is_refused(
    client: Client, ann: User, idp: FakeProvider, provider: IdentityProvider, claims: dict[str, Any]
) -> None:
    connect(client, idp, provider, "ann", "subject-1")

    assert through(client, idp, provider, sub="subject-1", **claims).status_code == 401
    assert who(client) is None
    assert audited("signin.identityprovider.sign_in_failed")[0]["after"]["reason"].startswith("id token: ")


def test_a_document_of_another_issuer_is_refused(
    client: Client, ann: User, idp: FakeProvider, provider: IdentityProvider
) -> None:
    path = "/.well-known/openid-configuration"
    idp.documents[path] = idp.document(path) | {"issuer": "https://elsewhere.example"}

    response = client.post(f"/accounts/oidc/{provider.pk}/login/")

    assert response.status_code == 401
    (entry,) = audited("signin.identityprovider.sign_in_failed")
    assert entry["after"] == {"reason": "discovery: the document is another issuer's"}


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("/.well-known/openid-configuration", {}),
        ("/.well-known/openid-configuration", b"<html>"),
        ("/.well-known/openid-configuration", b"[" * 100_000),
        ("/.well-known/openid-configuration", b" " * 1_000_000),
        ("/token", ["no", "token"]),
        ("/token", {"access_token": "access"}),
        ("/token", {"access_token": "access", "id_token": "no.id.token"}),
        ("/keys", {"keys": []}),
        ("/keys", {"keys": "none"}),
        ("/keys", []),
    ],
)
def test_a_provider_that_answers_nonsense_is_no_error_of_ours(
    client: Client, ann: User, idp: FakeProvider, provider: IdentityProvider, path: str, document: Any
) -> None:
    begun = client.post(f"/accounts/oidc/{provider.pk}/login/")
    idp.documents[path] = document

    response = client.get(idp.approve(begun.context["url"], sub="subject-1"))

    assert response.status_code == 401
    assert client.post(f"/accounts/oidc/{provider.pk}/login/").status_code in (200, 401)


def test_no_transaction_waits_for_the_provider(
    client: Client, ann: User, idp: FakeProvider, provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(client, idp, provider, "ann", "subject-1")
    scopes: list[Any] = []
    send = ProviderSession.send

    def observed(session: ProviderSession, request: Any, **kwargs: Any) -> Any:
        scopes.append(query("SELECT current_setting('app.scope', true)"))
        return send(session, request, **kwargs)

    monkeypatch.setattr(ProviderSession, "send", observed)
    through(client, idp, provider, sub="subject-1")

    assert who(client) == "ann"
    # Once on the way there; on the way back the document, the token and the keys.
    assert scopes == [[("",)]] * 4


def test_nothing_of_the_provider_is_kept_in_the_clear(
    client: Client, ann: User, idp: FakeProvider, provider: IdentityProvider
) -> None:
    connect(client, idp, provider, "ann", "subject-1")

    assert "known to tests" not in provider.sealed_secret
    with identity_scope("test"):
        (account,) = SocialAccount.objects.all()
    assert account.extra_data == {"id_token": {"iss": idp.issuer, "sub": "subject-1", "name": None, "email": None}}


def test_a_link_chooses_nothing_of_what_is_asked(
    client: Client, ann: User, idp: FakeProvider, provider: IdentityProvider
) -> None:
    begun = client.post(
        f"/accounts/oidc/{provider.pk}/login/?scope=everything&auth_params=nonce%3Dchosen%26prompt%3Dnone"
    )

    assert "everything" not in begun.context["url"]
    assert "chosen" not in begun.context["url"]


def test_the_page_in_between_wants_a_click(client: Client, provider: IdentityProvider) -> None:
    page = client.get(f"/accounts/oidc/{provider.pk}/login/")

    assert page.status_code == 200
    assert "Alder login" in page.content.decode()
