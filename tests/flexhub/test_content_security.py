from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from flexhub import urls
from flexhub.content_security import content_security_policy
from tests.flexhub.portal.conftest import alder, seats
from tests.support.pages import offences_in, pages_of_operator, without_repeats
from tests.support.registry import Household, make_operator

__all__ = ["alder", "seats"]

pytestmark = pytest.mark.django_db


def fail(_request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a secret that no page may show")


def deny(_request: HttpRequest) -> HttpResponse:
    raise PermissionDenied("a secret that no page may show")


def suspect(_request: HttpRequest) -> HttpResponse:
    raise SuspiciousOperation("a secret that no page may show")


urlpatterns = [path("fail", fail), path("deny", deny), path("suspect", suspect), *urls.urlpatterns]


def directives(response: Any) -> dict[str, str]:
    found = (part.strip().partition(" ") for part in response["Content-Security-Policy"].split(";"))
    return {name: sources for name, _, sources in found}


def assert_keeps_the_policy(response: Any) -> None:
    policy = directives(response)
    assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == policy["object-src"] == "'none'"
    assert "eval" not in response["Content-Security-Policy"]
    assert offences_in(response.content.decode()) == []


def test_every_page_keeps_the_policy_and_stays_in_nobodys_cache(
    client: Client, seats: Any, alder: Household, redis_url: str
) -> None:
    operator = make_operator()
    client.force_login(operator)
    pages = list(pages_of_operator(operator, alder))
    assert len(pages) > 40

    for address in pages:
        response = client.get(address, follow=True)
        assert response.status_code == 200, address
        assert_keeps_the_policy(response)
        assert "no-store" in response["Cache-Control"], address


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/fail", 500),
        ("/deny", 403),
        ("/suspect", 400),
        ("/nowhere/", 404),
        ("/accounts/login/", 200),
        ("/accounts/password/reset/", 200),
        ("/api/docs/", 200),
    ],
)
@pytest.mark.urls(__name__)
def test_pages_for_everybody_keep_the_policy(client: Client, address: str, status: int) -> None:
    client.raise_request_exception = False

    response = client.get(address)

    assert response.status_code == status
    assert_keeps_the_policy(response)
    assert "secret" not in response.content.decode()
    assert "no-store" in response["Cache-Control"]


def test_a_form_without_its_token_is_answered_by_a_page_of_ours() -> None:
    response = Client(enforce_csrf_checks=True).post("/accounts/login/", {"login": "ann"})

    assert response.status_code == 403
    assert "The form is too old" in response.content.decode()
    assert_keeps_the_policy(response)


def test_the_page_of_the_api_has_its_script_beside_it(client: Client) -> None:
    page = client.get("/api/docs/").content.decode()
    script = client.get("/api/docs/?script=")

    assert 'src="/api/docs/?script="' in page
    assert script["Content-Type"].startswith("application/javascript")
    assert "SwaggerUIBundle(" in script.content.decode()


def test_an_api_answer_and_a_static_file_have_the_policy_too(client: Client) -> None:
    for address in ("/api/v1/pools/", "/healthz", "/static/portal/favicon.svg"):
        with closing(client.get(address)) as response:
            assert directives(response)["script-src"] == "'self'"


def test_asks_for_https_only_where_the_hub_has_it() -> None:
    assert content_security_policy(https=True)["DIRECTIVES"]["upgrade-insecure-requests"] is True
    assert content_security_policy(https=False)["DIRECTIVES"]["upgrade-insecure-requests"] is False


@pytest.mark.parametrize(
    "page",
    [
        "<script>alert(1)</script>",
        '<script type="module">alert(1)</script>',
        '<img src="x" onerror="alert(1)">',
        '<a href=" javascript:alert(1)">',
        "<style>p {}</style>",
        '<base href="https://evil.example">',
    ],
)
def test_an_offence_is_found(page: str) -> None:
    assert len(offences_in(page)) == 1


def test_data_and_files_are_no_offence() -> None:
    assert (
        offences_in('<script type="application/json">{}</script><script src="/x.js"></script><p style="width: 1px">')
        == []
    )


@pytest.mark.parametrize(
    "other",
    [
        '<p class="wide red"></p>',
        '<p class="wide"><b></b></p>',
        '<p class="wide" x-text="another"></p>',
        '<p class="wide"></p><script src="/another.js"></script>',
    ],
)
def test_a_page_that_differs_in_more_than_names_is_no_repetition(other: str) -> None:
    first, second = '<p class="wide" x-text="name"></p><script src="/a.js"></script>', '<p class="wide field-name"></p>'

    assert without_repeats({"/first/": first, "/second/": second}) == ["/first/"]
    assert set(without_repeats({"/first/": first, "/other/": other})) == {"/first/", "/other/"}
