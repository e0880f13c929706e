"""The settings as an operator has them: a public address with https, and nothing else turned on."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from typing import Any

import pytest
from django.test import Client, override_settings

from flexhub.env import EnvironmentVariableError
from tests.support.early import ROOT

PRODUCTION = {
    "DEBUG": "0",
    "SECRET_KEY": "a-long-text-for-tests-that-nobody-would-guess-within-a-thousand-years",
    "SECRETS_KEYS": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "PUBLIC_URL": "https://hub.example",
    "ALLOWED_HOSTS": "hub.example",
}
_OF_THE_WEB = ("SECURE_", "SESSION_COOKIE_", "CSRF_COOKIE_", "CONTENT_SECURITY_POLICY", "ALLOWED_HOSTS")


def all_settings_with(monkeypatch: pytest.MonkeyPatch, **environment: str) -> dict[str, Any]:
    """What the settings would be, without making them those of this process."""
    for name, value in (PRODUCTION | environment).items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(str(ROOT / "platform" / "flexhub" / "settings.py"))


def settings_with(monkeypatch: pytest.MonkeyPatch, **environment: str) -> dict[str, Any]:
    found = all_settings_with(monkeypatch, **environment)
    return {name: value for name, value in found.items() if name.startswith(_OF_THE_WEB)}


def test_the_deployment_check_has_nothing_to_say() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        check=False,
        env=os.environ | PRODUCTION,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_who_migrates_does_not_wait_long_for_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    owner = all_settings_with(monkeypatch)["DATABASES"]["owner"]

    assert owner["OPTIONS"]["options"] == "-c lock_timeout=5s"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        # Without https in it, cookies would be sent in the clear.
        ("PUBLIC_URL", "hub.example"),
        # Without its scheme no form would be taken.
        ("CSRF_TRUSTED_ORIGINS", "https://hub.example,other.example"),
        # Neither would ever be the host of a request.
        ("ALLOWED_HOSTS", "https://hub.example"),
        ("ALLOWED_HOSTS", "hub.example:443"),
        ("LOG_LEVEL", "LOUD"),
        ("EMAIL_PORT", "99999"),
        ("S2_MAX_FRAME_BYTES", "0"),
        ("S2_ACK_TIMEOUT_S", "0"),
        ("S2_DRAIN_S", "-1"),
        ("POOL_MINIMUM_SITES", "0"),
        ("SUPPORT_GRANT_MAX_DAYS", "0"),
        ("API_CLIENT_CALLS_PER_MINUTE", "0"),
        ("TELEMETRY_RETENTION_DAYS", "6"),
    ],
)
def test_a_bad_value_names_its_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    with pytest.raises(EnvironmentVariableError, match=f"^{name} must be"):
        all_settings_with(monkeypatch, **{name: value})


def test_levels_of_the_log_are_read_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    assert all_settings_with(monkeypatch, LOG_LEVEL="warning")["LOGGING"]["level"] == "WARNING"


def test_origins_that_are_trusted_may_be_several(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = "https://hub.example, https://*.hub.example/,"

    assert all_settings_with(monkeypatch)["CSRF_TRUSTED_ORIGINS"] == []
    assert all_settings_with(monkeypatch, CSRF_TRUSTED_ORIGINS=wanted)["CSRF_TRUSTED_ORIGINS"] == [
        "https://hub.example",
        "https://*.hub.example",
    ]


class TestWithHTTPS:
    @pytest.fixture
    def production(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
        return settings_with(monkeypatch)

    def test_cookies_are_bound_to_the_host_and_to_https(self, production: dict[str, Any]) -> None:
        for kind in ("SESSION", "CSRF"):
            assert production[f"{kind}_COOKIE_NAME"].startswith("__Host-")
            assert production[f"{kind}_COOKIE_SECURE"]
            assert production[f"{kind}_COOKIE_HTTPONLY"]
            assert production[f"{kind}_COOKIE_SAMESITE"] == "Lax"

    @pytest.mark.django_db
    def test_the_cookie_that_is_sent_keeps_what_its_name_promises(self, production: dict[str, Any]) -> None:
        with override_settings(**production):
            response = Client(headers={"Host": "hub.example", "X-Forwarded-Proto": "https"}).get("/accounts/login/")

        (cookie,) = response.cookies.values()
        assert cookie.key == "__Host-csrf"
        assert (cookie["secure"], cookie["httponly"], cookie["path"], cookie["domain"]) == (True, True, "/", "")

    @pytest.mark.django_db
    def test_behind_its_proxy_the_hub_promises_https_for_a_year(self, production: dict[str, Any]) -> None:
        with override_settings(**production):
            response = Client(headers={"Host": "hub.example", "X-Forwarded-Proto": "https"}).get("/accounts/login/")

        assert response.status_code == 200
        assert response["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
        assert "upgrade-insecure-requests" in response["Content-Security-Policy"]

    @pytest.mark.django_db
    def test_plain_http_is_led_to_https(self, production: dict[str, Any]) -> None:
        with override_settings(**production):
            response = Client(headers={"Host": "hub.example"}).get("/accounts/login/?next=/admin/")

        assert (response.status_code, response["Location"]) == (301, "https://hub.example/accounts/login/?next=/admin/")

    @pytest.mark.django_db
    def test_an_orchestrator_asks_over_plain_http(self, production: dict[str, Any]) -> None:
        with override_settings(**production):
            response = Client(headers={"Host": "hub.example"}).get("/healthz")

        assert response.status_code == 200

    @pytest.mark.django_db
    def test_a_form_from_another_site_is_refused(self, production: dict[str, Any], redis_url: str) -> None:
        headers = {"Host": "hub.example", "X-Forwarded-Proto": "https"}
        with override_settings(**production):
            client = Client(enforce_csrf_checks=True, headers=headers)
            token = client.get("/accounts/login/").context["csrf_token"]
            form = {"login": "ann", "password": "wrong", "csrfmiddlewaretoken": token}

            assert client.post("/accounts/login/", form, headers={"Origin": "https://evil.example"}).status_code == 403
            assert (
                client.post("/accounts/login/", form, headers={"Referer": "https://evil.example/"}).status_code == 403
            )
            assert client.post("/accounts/login/", form).status_code == 403
            assert client.post("/accounts/login/", form, headers={"Origin": "https://hub.example"}).status_code == 200

    def test_the_proxys_header_can_have_another_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        found = settings_with(monkeypatch, PROXY_SSL_HEADER="X-Scheme")

        assert found["SECURE_PROXY_SSL_HEADER"] == ("HTTP_X_SCHEME", "https")

    def test_the_promise_of_https_can_be_shorter(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert settings_with(monkeypatch, HSTS_SECONDS="3600")["SECURE_HSTS_SECONDS"] == 3600


class TestOnOneMachine:
    def test_nothing_asks_for_https_or_believes_a_header(self, monkeypatch: pytest.MonkeyPatch) -> None:
        found = settings_with(monkeypatch, PUBLIC_URL="http://127.0.0.1:8000")

        assert found["SECURE_PROXY_SSL_HEADER"] is None
        assert not found["SECURE_SSL_REDIRECT"]
        assert found["SECURE_HSTS_SECONDS"] == 0
        assert (found["SESSION_COOKIE_NAME"], found["SESSION_COOKIE_SECURE"]) == ("session", False)
