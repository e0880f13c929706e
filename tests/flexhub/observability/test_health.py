from __future__ import annotations

import threading

import pytest
from django.test import Client, override_settings

from flexhub.observability import health
from flexhub.observability.health import run_checks


def test_healthz_asks_nobody() -> None:
    response = Client().get("/healthz")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_healthz_is_for_reading_only() -> None:
    assert Client().post("/healthz").status_code == 405


@pytest.mark.django_db
def test_readyz_when_both_servers_answer(redis_url: str) -> None:
    response = Client().get("/readyz")

    assert response.status_code == 200
    assert response.json() == {"status": "ready", "checks": {"postgresql": "ok", "redis": "ok"}}
    assert "no-store" in response["Cache-Control"]


@pytest.mark.django_db
def test_readyz_names_what_fails_and_tells_no_secret() -> None:
    with override_settings(REDIS_URL="redis://:hunter2@127.0.0.1:1/0"):
        response = Client().get("/readyz")

    assert response.status_code == 503
    assert response.json() == {"status": "not ready", "checks": {"postgresql": "ok", "redis": "failed"}}
    assert "hunter2" not in response.content.decode()


def test_readyz_says_no_at_once_when_the_process_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_draining", threading.Event())
    health.begin_draining()

    response = Client().get("/readyz")

    assert (response.status_code, response.json()) == (503, {"status": "draining", "checks": {}})
    assert Client().get("/healthz").status_code == 200


def test_a_server_that_hangs_is_not_waited_for() -> None:
    hung = threading.Event()

    results = run_checks({"postgresql": hung.wait, "redis": lambda: None}, within_s=0.01)  # type: ignore[dict-item] # Event.wait returns a bool that nobody reads.
    hung.set()

    assert results["postgresql"] == "no answer"
