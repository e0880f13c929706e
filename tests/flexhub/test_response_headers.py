from __future__ import annotations

import asyncio
from contextlib import closing

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client

from flexhub.response_headers import response_headers


def answer(**headers: str) -> HttpResponse:
    given = HttpResponse(headers={name.replace("_", "-"): value for name, value in headers.items()})
    response_headers(lambda _request: given)(HttpRequest())
    return given


def test_nothing_is_kept_unless_the_answer_says_so() -> None:
    assert answer()["Cache-Control"] == "no-store"
    assert answer(Cache_Control="public, max-age=60")["Cache-Control"] == "public, max-age=60"


def test_no_other_site_may_include_an_answer() -> None:
    assert answer()["Cross-Origin-Resource-Policy"] == "same-origin"


def test_pages_get_no_camera_and_may_still_use_passkeys() -> None:
    assert "camera=()" in answer()["Permissions-Policy"]
    assert "publickey" not in answer()["Permissions-Policy"]


def test_works_within_an_event_loop() -> None:
    async def view(_request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    response = asyncio.run(response_headers(view)(HttpRequest()))

    assert response["Cache-Control"] == "no-store"


@pytest.mark.django_db
def test_static_files_may_be_kept_and_are_for_our_pages_only(client: Client) -> None:
    with closing(client.get("/static/portal/favicon.svg")) as response:
        assert "max-age" in response["Cache-Control"]
        assert response["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Access-Control-Allow-Origin" not in response
        assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.django_db
def test_the_page_to_sign_in_has_all_of_them(client: Client) -> None:
    response = client.get("/accounts/login/")

    assert {name: response[name] for name in ("X-Frame-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy")} == {
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "camera=()" in response["Permissions-Policy"]
