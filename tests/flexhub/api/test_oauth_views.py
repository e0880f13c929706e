"""The OAuth2 server as programs see it."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tenants import api_scopes
from tenants.access_tokens import find_access_token
from tenants.models import APIAccessToken, Tenant
from tenants.scope import platform_scope
from tests.support.programs import Program, make_program
from tests.support.registry import make_tenant

pytestmark = pytest.mark.django_db

FORM = "application/x-www-form-urlencoded"
GRANT = {"grant_type": "client_credentials"}


@pytest.fixture
def program() -> Program:
    return make_program()


def post(client: Client, path: str, form: dict[str, Any] | str, **headers: str) -> Any:
    body = form if isinstance(form, str) else urlencode(form, doseq=True)
    return client.post(path, body, content_type=FORM, headers=headers)


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


def _is_valid(token: str) -> bool:
    return find_access_token(token, now=timezone.now()) is not None


def test_issues_a_token_for_a_secret_in_the_header(client: Client, program: Program) -> None:
    response = post(client, "/oauth/token", GRANT, Authorization=basic(*program.credentials.values()))

    assert response.status_code == 200
    body = response.json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 600)
    assert body["scope"] == "flexibility:read pools:read"
    assert _is_valid(body["access_token"])
    assert response["Cache-Control"] == "no-store"
    assert set(body) == {"access_token", "expires_in", "token_type", "scope"}


def test_issues_a_token_for_a_secret_in_the_body(client: Client, program: Program) -> None:
    response = post(client, "/oauth/token", GRANT | program.credentials)

    assert response.status_code == 200
    assert _is_valid(response.json()["access_token"])


def test_issues_a_token_for_less(client: Client, program: Program) -> None:
    body = post(client, "/oauth/token", GRANT | program.credentials | {"scope": "pools:read"}).json()

    found = find_access_token(body["access_token"], now=timezone.now())
    assert found is not None
    assert found.scopes == ["pools:read"] == body["scope"].split()


def test_tokens_live_as_long_as_the_setting_says(client: Client, program: Program, settings: Settings) -> None:
    settings.API_ACCESS_TOKEN_S = 60

    body = post(client, "/oauth/token", GRANT | program.credentials).json()

    found = find_access_token(body["access_token"], now=timezone.now())
    assert found is not None
    assert body["expires_in"] == 60
    assert (found.expires_at - timezone.now()).total_seconds() <= 60


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke", "/oauth/introspect"])
def test_nobody_is_told_what_was_wrong_with_a_secret(client: Client, program: Program, path: str) -> None:
    client_id, secret = program.credentials.values()
    other = make_program(make_tenant("Birch Aggregation", Tenant.Kind.AGGREGATOR))
    wrong: list[tuple[dict[str, str], dict[str, str]]] = [
        ({}, {}),
        ({"client_id": client_id}, {}),
        ({"client_id": client_id, "client_secret": "fhs_wrong"}, {}),
        ({"client_id": client_id, "client_secret": other.secret}, {}),
        ({"client_id": "nonsense", "client_secret": secret}, {}),
        ({"client_id": "\0", "client_secret": "\0"}, {}),
        ({"client": client_id}, {}),
        ({}, {"Authorization": basic(client_id, "wrong")}),
        ({}, {"Authorization": "Basic nonsense"}),
        ({}, {"Authorization": "Basic /w=="}),
        ({}, {"Authorization": f"Bearer {secret}"}),
        ({"client_secret": secret}, {"Authorization": basic(client_id, secret)}),
        ({"client_id": other.client.client_id}, {"Authorization": basic(client_id, secret)}),
    ]

    answers = [post(client, path, GRANT | {"token": "fha_x"} | form, **headers) for form, headers in wrong]

    assert {answer.status_code for answer in answers} == {401}
    assert {answer.content for answer in answers} == {b'{"error": "invalid_client"}'}
    assert {answer["WWW-Authenticate"].partition(" ")[0] for answer in answers} == {"Basic"}
    with platform_scope("test"):
        assert not APIAccessToken.objects.exists()


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code", "code": "x"}, "unsupported_grant_type"),
        ({"grant_type": ["client_credentials", "client_credentials"]}, "invalid_request"),
        (GRANT | {"scope": "everything"}, "invalid_scope"),
        (GRANT | {"scope": "pools:read everything"}, "invalid_scope"),
        (GRANT | {"scope": ["pools:read", "flexibility:read"]}, "invalid_request"),
    ],
)
def test_refuses_what_is_no_request_of_ours(client: Client, program: Program, form: dict[str, Any], error: str) -> None:
    response = post(client, "/oauth/token", form | program.credentials)

    assert response.status_code == 400
    assert response.json()["error"] == error


def test_a_program_without_anything_to_ask_for_gets_no_token(client: Client) -> None:
    program = make_program(make_tenant("Alder", Tenant.Kind.MANUFACTURER))

    response = post(client, "/oauth/token", GRANT | program.credentials)

    assert (response.status_code, response.json()["error"]) == (400, "invalid_scope")


def test_credentials_in_the_address_are_refused(client: Client, program: Program) -> None:
    """They would be in every log on the way."""
    response = post(client, f"/oauth/token?client_secret={program.secret}", GRANT | program.credentials)

    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "multipart/form-data; boundary=x"])
def test_takes_forms_only(client: Client, content_type: str) -> None:
    response = client.post("/oauth/token", b'{"grant_type": "client_credentials"}', content_type=content_type)

    assert response.status_code == 400


@pytest.mark.parametrize("body", ["%", "grant_type=%zz", "a=%00&b", "=&=&;;", "grant_type=" + "x" * 10_000])
def test_garbage_is_an_error_of_the_client(client: Client, body: str) -> None:
    response = post(client, "/oauth/token", body)

    assert 400 <= response.status_code < 500


def test_a_parameter_never_takes_the_place_of_what_the_server_knows(client: Client, program: Program) -> None:
    form = GRANT | program.credentials | {"client": "other", "scopes": "everything", "user": "x", "expires_in": "1"}

    body = post(client, "/oauth/token", form).json()

    assert (body["scope"], body["expires_in"]) == ("flexibility:read pools:read", 600)


def test_only_post_is_allowed(client: Client) -> None:
    for path in ("/oauth/token", "/oauth/revoke", "/oauth/introspect"):
        assert client.get(path).status_code == 405


def test_revokes_a_token(client: Client, program: Program) -> None:
    token, other = program.access_token(), program.access_token()

    responses = [post(client, "/oauth/revoke", program.credentials | {"token": token}) for _ in range(2)]

    assert [response.status_code for response in responses] == [200, 200]
    assert not _is_valid(token)
    assert _is_valid(other)


def test_a_foreign_token_looks_like_none_at_all(client: Client, program: Program) -> None:
    birch = make_program(make_tenant("Birch Aggregation", Tenant.Kind.AGGREGATOR))
    token = program.access_token()

    for path in ("/oauth/introspect", "/oauth/revoke"):
        theirs = post(client, path, birch.credentials | {"token": token})
        nobodys = post(client, path, birch.credentials | {"token": "fha_nobodys"})
        assert (theirs.status_code, theirs.content) == (nobodys.status_code, nobodys.content)
    assert _is_valid(token)


def test_tells_a_client_about_its_own_token(client: Client, program: Program) -> None:
    token = program.access_token("pools:read")

    body = post(client, "/oauth/introspect", program.credentials | {"token": token}).json()

    assert body["active"] is True
    assert (body["scope"], body["client_id"]) == ("pools:read", program.client.client_id)
    assert body["exp"] - body["iat"] in (599, 600, 601)
    post(client, "/oauth/revoke", program.credentials | {"token": token})
    assert post(client, "/oauth/introspect", program.credentials | {"token": token}).json() == {"active": False}


def test_says_where_everything_is(client: Client, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://hub.example"

    body = client.get("/.well-known/oauth-authorization-server").json()

    assert body["issuer"] == "https://hub.example"
    assert body["token_endpoint"] == "https://hub.example/oauth/token"
    assert body["grant_types_supported"] == ["client_credentials"]
    assert body["scopes_supported"] == sorted(api_scopes.DESCRIPTIONS)
    assert {"flexibility:read", "limits:write"} < set(body["scopes_supported"])


def test_so_many_tries_a_minute_whoever_is_meant(client: Client, redis_url: str, settings: Settings) -> None:
    settings.API_TOKEN_REQUESTS_PER_MINUTE = 3
    wrong = {"client_id": "7e3f1a52-0c4b-4d0e-9a8e-0c8a8f1d2c3b", "client_secret": "fhs_wrong"}

    answers = [post(client, "/oauth/token", GRANT | wrong) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert answers[0]["RateLimit-Policy"] == '"address";q=3;w=60, "client";q=3;w=60'
    assert answers[0]["RateLimit"].startswith('"address";r=2;t=')
    assert 0 < int(answers[-1]["Retry-After"]) <= 20
    assert answers[-1].json()["error"] == "temporarily_unavailable"


def test_one_address_does_not_use_up_the_quota_of_others(
    client: Client, redis_url: str, settings: Settings, program: Program
) -> None:
    settings.API_TOKEN_REQUESTS_PER_MINUTE = 1
    for _ in range(2):
        post(client, "/oauth/token", GRANT)

    elsewhere = Client(REMOTE_ADDR="192.0.2.1")

    assert post(client, "/oauth/token", GRANT | program.credentials).status_code == 429
    assert post(elsewhere, "/oauth/token", GRANT).status_code == 401
