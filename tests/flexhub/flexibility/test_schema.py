"""The OpenAPI document and the page that shows it."""

from __future__ import annotations

import json
import re
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from flexhub.flexibility.examples import FLEXIBILITY
from flexhub.flexibility.serializers import FlexibilitySerializer, QuarterSerializer
from flexhub.site_api import examples
from flexhub.site_api.serializers import LimitSerializer, LimitWishSerializer, ReadingsSerializer
from tenants import api_scopes


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    out = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", "--format", "openapi-json", stdout=out)
    document: dict[str, Any] = json.loads(out.getvalue())
    return document


def test_documents_each_address_once(schema: dict[str, Any]) -> None:
    assert set(schema["paths"]) == {
        "/api/v1/pools/",
        "/api/v1/pools/{pool_id}/flexibility",
        "/api/v1/sites/",
        "/api/v1/sites/{site_id}/forecasts",
        "/api/v1/sites/{site_id}/limits",
        "/api/v1/sites/{site_id}/limits/{reference}",
        "/api/v1/sites/{site_id}/plan",
        "/api/v1/sites/{site_id}/instructions",
        "/api/v1/sites/{site_id}/readings",
        "/api/v1/sites/{site_id}/what-if",
    }


def test_each_address_says_which_scope_its_method_needs(schema: dict[str, Any]) -> None:
    limit = schema["paths"]["/api/v1/sites/{site_id}/limits/{reference}"]

    assert limit["get"]["security"] == [{"oauth2": ["limits:read"]}]
    assert limit["put"]["security"] == limit["delete"]["security"] == [{"oauth2": ["limits:write"]}]


def test_documents_every_answer(schema: dict[str, Any]) -> None:
    operation = schema["paths"]["/api/v1/pools/{pool_id}/flexibility"]["get"]

    assert set(operation["responses"]) == {"200", "401", "403", "404", "409", "429", "503"}
    for status in set(operation["responses"]) - {"200"}:
        assert list(operation["responses"][status]["content"]) == ["application/problem+json"]


def test_says_where_tokens_come_from_and_which_scope_is_needed(schema: dict[str, Any]) -> None:
    scheme = schema["components"]["securitySchemes"]["oauth2"]

    assert scheme["flows"] == {"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": api_scopes.DESCRIPTIONS}}
    for path, scope in (("", "pools:read"), ("{pool_id}/flexibility", "flexibility:read")):
        assert schema["paths"][f"/api/v1/pools/{path}"]["get"]["security"] == [{"oauth2": [scope]}]


def test_says_what_each_figure_means(schema: dict[str, Any]) -> None:
    quarter = schema["components"]["schemas"]["Quarter"]

    assert set(quarter["required"]) == {"start", "baseline_w", "up_w", "down_w"}
    assert all(field["description"] for field in quarter["properties"].values())
    assert schema["components"]["schemas"]["Flexibility"]["properties"]["quarters"]["minItems"] == 96


def test_the_example_has_the_fields_of_an_answer() -> None:
    assert set(FLEXIBILITY) == set(FlexibilitySerializer().fields)
    assert all(set(quarter) == set(QuarterSerializer().fields) for quarter in FLEXIBILITY["quarters"])


def test_the_examples_of_the_site_api_are_what_it_takes() -> None:
    for serializer in (
        LimitWishSerializer(data=examples.LIMIT_WISH),
        ReadingsSerializer(data=examples.TOTALS),
        ReadingsSerializer(data=examples.PHASES),
    ):
        assert serializer.is_valid(), serializer.errors
    assert set(examples.LIMIT) == set(LimitSerializer().fields)


@pytest.mark.django_db
def test_the_page_loads_nothing_from_another_host(client: Client) -> None:
    page = client.get("/api/docs/")
    text = page.content.decode()

    assert page.status_code == 200
    sources = re.findall(r'(?:src|href)="([^"]+)"', text)
    assert sources
    assert all(source.startswith(("/static/", "/api/docs/")) for source in sources), sources
    assert not re.findall(r"https?://", text)
    assert client.get("/api/schema/").status_code == 200
