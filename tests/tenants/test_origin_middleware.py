from __future__ import annotations

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings
from structlog.contextvars import get_contextvars

from tenants.client_address import TrustedProxies
from tenants.models import APIClient
from tenants.origin import Origin, current, is_trace_id
from tenants.origin_middleware import TRACE_HEADER, OriginMiddleware
from tests.support.registry import audited, make_member, make_tenant

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


def _origin_of(path: str = "/", **headers: str) -> tuple[Origin, HttpResponse, dict[str, object]]:
    seen = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append((current(), get_contextvars()))
        return HttpResponse()

    response = OriginMiddleware(view)(RequestFactory().get(path, headers=headers))
    assert isinstance(response, HttpResponse)
    return seen[0][0], response, seen[0][1]


@pytest.mark.parametrize(
    ("path", "via"), [("/admin/devices/site/", "admin"), ("/api/v1/pools", "api"), ("/healthz", "web")]
)
def test_knows_the_ways_in(path: str, via: str) -> None:
    assert _origin_of(path)[0].via == via


def test_goes_on_under_the_trace_id_that_a_request_brings() -> None:
    origin, response, log_context = _origin_of(traceparent=TRACEPARENT)

    assert origin.trace_id == response[TRACE_HEADER] == log_context["trace_id"] == TRACE
    assert get_contextvars() == {}


def test_gives_every_other_request_one_of_its_own() -> None:
    first, second = _origin_of(traceparent="00-nonsense")[0], _origin_of()[0]

    assert is_trace_id(first.trace_id)
    assert first.trace_id != second.trace_id


def test_believes_no_stranger_about_the_address(settings: Settings) -> None:
    assert _origin_of(x_forwarded_for="203.0.113.7")[0].ip == "127.0.0.1"

    settings.TRUSTED_PROXIES = TrustedProxies.parse("127.0.0.0/8")
    assert _origin_of(x_forwarded_for="198.51.100.1, 203.0.113.7")[0].ip == "203.0.113.7"


@pytest.mark.django_db
def test_the_trail_says_from_where(client: Client) -> None:
    alder = make_tenant("Alder")
    client.force_login(make_member(alder, "ann"))

    response = client.post(
        f"/admin/tenants/{APIClient._meta.model_name}/add/",
        {"name": "portal", "is_active": "on"},
        headers={"traceparent": TRACEPARENT, "x-forwarded-for": "203.0.113.7"},
    )

    entry = audited("tenants.apiclient.created")[-1]
    assert (entry["via"], entry["ip"], entry["trace_id"]) == ("admin", "127.0.0.1", TRACE)
    assert response[TRACE_HEADER] == TRACE
