from __future__ import annotations

import sys

import pytest
from django.http import HttpRequest
from django.test import RequestFactory
from django.views.debug import technical_500_response
from pytest_django import Settings

PASSWORD = "correct-horse-battery"


@pytest.fixture
def request_with_secrets(rf: RequestFactory, settings: Settings) -> HttpRequest:
    request = rf.post(
        f"/x?token={PASSWORD}",
        {"password": PASSWORD, "name": "Ann"},
        headers={"authorization": f"Bearer {PASSWORD}", "accept": "text/html", "x-other": f"token={PASSWORD}"},
    )
    request.COOKIES[settings.SESSION_COOKIE_NAME] = PASSWORD
    return request


def page_of(request: HttpRequest, accept: str = "text/html") -> str:
    request.META["HTTP_ACCEPT"] = accept

    def fail(token: str, harmless: str) -> None:
        nested = {"client_secret": token, "url": f"redis://u:{token}@h"}
        raise ValueError(f"redis://u:{nested['client_secret']}@h {harmless}")

    try:
        fail(PASSWORD, "tea")
    except ValueError:
        return technical_500_response(request, *sys.exc_info()).content.decode()
    raise AssertionError


@pytest.mark.parametrize("accept", ["text/html", "text/plain"])
def test_shows_what_helps_and_no_secret(
    request_with_secrets: HttpRequest, settings: Settings, monkeypatch: pytest.MonkeyPatch, accept: str
) -> None:
    settings.DEBUG = True
    settings.REDIS_URL = settings.CELERY_BROKER_URL = f"redis://:{PASSWORD}@host/0"
    monkeypatch.setitem(settings.DATABASES["default"], "PASSWORD", PASSWORD)
    settings.SECRETS_KEYS = [PASSWORD]
    settings.LOGGING = {"secrets": [PASSWORD[:-1] + "other"]}

    page = page_of(request_with_secrets, accept)

    assert PASSWORD not in page
    assert "ValueError" in page
    assert "redis://:***@host/0" in page
    assert "Ann" in page


def test_survives_values_that_cannot_be_shown(rf: RequestFactory, settings: Settings) -> None:
    settings.DEBUG = True

    class Odd:
        def __repr__(self) -> str:
            raise RuntimeError

    odd = Odd()
    try:
        raise ValueError(type(odd).__name__)
    except ValueError:
        response = technical_500_response(rf.get("/", headers={"accept": "text/html"}), *sys.exc_info())

    assert "RuntimeError while it was shown" in response.content.decode()
