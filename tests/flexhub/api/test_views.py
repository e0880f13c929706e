"""What every view of the API does, whatever it is about."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView
from pytest_django import Settings
from rest_framework.views import APIView

from flexhub.api.rate_limits import calls_used
from flexhub.api.views import ScopedView
from flexhub.flexibility.views import PoolsView
from tenants.api_scopes import DESCRIPTIONS
from tests.support.programs import Program, make_program
from tests.support.registry import give_quotas

POOLS = "/api/v1/pools/"


def _views() -> Iterator[type[APIView]]:
    """Only the REST framework's know their class by this name."""
    patterns: list[Any] = list(get_resolver().url_patterns)
    while patterns:
        pattern = patterns.pop()
        if not isinstance(pattern, URLPattern):
            patterns += pattern.url_patterns
        elif view := getattr(pattern.callback, "cls", None):
            yield view


def ask(client: Client, token: str, path: str = POOLS) -> Any:
    return client.get(path, headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
def program(db: None) -> Program:
    return make_program()


def test_every_view_names_scopes_that_there_are() -> None:
    ours = [view for view in _views() if not issubclass(view, SpectacularAPIView) and "spectacular" not in str(view)]

    assert ours
    for view in ours:
        assert issubclass(view, ScopedView), f"{view} is no ScopedView"
        assert view.required_scopes, f"{view} is open to any token"
        assert set(view.required_scopes) <= set(DESCRIPTIONS)


def test_a_missing_scope_is_named(client: Client, program: Program) -> None:
    response = ask(client, program.access_token("flexibility:read"))

    assert response.status_code == 403
    assert response["WWW-Authenticate"] == 'Bearer error="insufficient_scope", scope="pools:read"'
    assert response.json() == {
        "type": "about:blank",
        "title": "Forbidden",
        "status": 403,
        "detail": "The access token lacks the scope pools:read.",
        "missing_scopes": ["pools:read"],
    }


def test_each_problem_has_the_same_form(client: Client, program: Program) -> None:
    token = program.access_token()
    answers = [
        client.get(POOLS),
        ask(client, "fha_wrong"),
        ask(client, token, "/api/v1/pools/nonsense/flexibility"),
        ask(client, token, "/api/v1/nothing"),
        client.post(POOLS, headers={"Authorization": f"Bearer {token}"}),
        client.get(POOLS, headers={"Authorization": f"Bearer {token}", "Accept": "text/html"}),
    ]

    assert [answer.status_code for answer in answers] == [401, 401, 404, 404, 405, 406]
    for answer in answers:
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json().keys() == {"type", "title", "status", "detail"}
        assert answer.json()["status"] == answer.status_code


def test_a_failure_of_ours_has_it_too(client: Client, program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PoolsView, "get", lambda *_args, **_kwargs: 1 / 0)
    client.raise_request_exception = False

    answer = ask(client, program.access_token())

    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    assert answer.json() == {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "detail": "Something failed in the hub. The failure is in its log.",
    }


@pytest.mark.django_db
def test_a_failure_outside_the_api_is_told_in_html(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RedirectView, "get", lambda *_args, **_kwargs: 1 / 0)
    client.raise_request_exception = False

    answer = client.get("/")

    assert answer.status_code == 500
    assert answer["Content-Type"].startswith("text/html")


@pytest.mark.django_db
def test_pages_outside_the_api_are_not_found_in_html(client: Client) -> None:
    response = client.get("/nothing")

    assert response.status_code == 404
    assert response["Content-Type"].startswith("text/html")


def test_each_answer_says_what_is_left(client: Client, program: Program, redis_url: str, settings: Settings) -> None:
    settings.API_CLIENT_CALLS_PER_MINUTE = 20
    give_quotas(program.client.tenant, api_calls_per_min=30)
    token = program.access_token()

    ask(client, token)
    response = ask(client, token, "/api/v1/pools/nonsense/flexibility")

    assert response["RateLimit-Policy"] == '"client";q=20;w=60, "tenant";q=30;w=60'
    fields = [part.partition(";t=") for part in response["RateLimit"].split(", ")]
    assert [name for name, _, _ in fields] == ['"client";r=18', '"tenant";r=28']
    assert all(0 < int(seconds) <= 6 for _, _, seconds in fields)
    assert "Retry-After" not in response


def test_a_client_that_calls_too_often_is_told_when_to_come_back(
    client: Client, program: Program, redis_url: str, settings: Settings
) -> None:
    settings.API_CLIENT_CALLS_PER_MINUTE = 2
    token = program.access_token()

    answers = [ask(client, token) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 0 < int(answers[-1]["Retry-After"]) <= 30
    assert answers[-1]["RateLimit"].startswith('"client";r=0;t=')
    assert answers[-1].json() == {
        "type": "https://iana.org/assignments/http-problem-types#quota-exceeded",
        "title": "Too Many Requests",
        "status": 429,
        "detail": "Too many calls: the quota of this client is used up.",
        "violated-policies": ["client"],
    }


def test_programs_of_a_tenant_share_its_quota(client: Client, program: Program, redis_url: str) -> None:
    give_quotas(program.client.tenant, api_calls_per_min=2)
    other = make_program(program.client.tenant, "reports")

    answers = [ask(client, token) for token in (program.access_token(), other.access_token(), other.access_token())]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1].json()["violated-policies"] == ["tenant"]
    assert calls_used({program.client.tenant_id: 2}) == {program.client.tenant_id: 2}


def test_a_tenant_that_may_make_no_call_makes_none(client: Client, program: Program, redis_url: str) -> None:
    give_quotas(program.client.tenant, api_calls_per_min=0)

    assert ask(client, program.access_token()).status_code == 429


def test_without_redis_the_api_goes_on(
    client: Client, program: Program, caplog: pytest.LogCaptureFixture, settings: Settings
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/15"
    token = program.access_token()

    with caplog.at_level(logging.WARNING, logger="flexhub.api"):
        answers = [ask(client, token) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert "RateLimit" not in answers[0]
    assert len(caplog.records) == 1
