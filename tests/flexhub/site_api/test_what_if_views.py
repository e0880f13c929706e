from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from cem_service import what_if
from cem_service.what_if import Comparison
from flexhub.bus.errors import BusUnavailable
from flexhub.devices.models import Site
from tests.flexhub.site_api.conftest import Caller
from tests.support.programs import make_program
from tests.support.registry import make_tenant
from tests.support.what_if import answer_at_once, answer_never

PATH = "what-if"


@pytest.fixture
def asking(caller: Caller, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Caller:
    """The battery of 10 kWh is half full; power is dear in the evening."""
    answer_at_once(monkeypatch, caller.world.tools)
    caller.world.connect()
    caller.world.describe(level=5000.0)
    return caller


def test_compares_the_day_as_it_is_with_the_day_otherwise(asking: Caller) -> None:
    body = asking.about("post", PATH, {"import_eur_per_kwh": [0.1, *[0.5] * 23], "comfort_percent": 10}).json()

    assert set(body) == {"as_it_is", "otherwise"}
    figures = {"eur", "bill_eur", "drawn_kwh", "fed_in_kwh", "peak_w", "missed"}
    assert set(body["as_it_is"]) == set(body["otherwise"]) == figures


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_it_waits(asking: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    open_transactions = []

    def look(site: Site, answer_id: str) -> Comparison | None:
        open_transactions.append(connection.in_atomic_block)
        return found(site, answer_id)

    found = what_if.look
    monkeypatch.setattr(what_if, "look", look)

    assert asking.about("post", PATH, {"cem_off": True}).status_code == 200
    assert open_transactions == [False]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"import_eur_per_kwh": [0.1] * 23}, "import_eur_per_kwh"),
        ({"export_eur_per_kwh": ["0.1"] * 24}, "export_eur_per_kwh[0]"),
        ({"export_eur_per_kwh": [2000.0] * 24}, "export_eur_per_kwh[0]"),
        ({"comfort_percent": 51}, "comfort_percent"),
        ({"cem_off": "perhaps"}, "cem_off"),
    ],
)
def test_names_what_is_wrong(asking: Caller, body: dict[str, Any], field: str) -> None:
    response = asking.about("post", PATH, body)

    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == field


def test_each_question_counts_against_a_quota_of_its_own(asking: Caller, settings: Settings) -> None:
    settings.WHAT_IF_PER_MINUTE = 1

    answers = [asking.about("post", PATH, {"cem_off": True}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[1].json()["violated-policies"] == ["what-if"]
    assert answers[1].json()["detail"] == "Too many questions: your tenant's quota of what-ifs is used up."
    assert '"what-if";q=1;w=60' in answers[1]["RateLimit-Policy"]
    assert int(answers[1]["Retry-After"]) > 0


def test_a_site_without_devices_has_no_day_to_compare(caller: Caller, redis_url: str, monkeypatch: Any) -> None:
    answer_at_once(monkeypatch, caller.world.tools)

    assert caller.about("post", PATH, {}).status_code == 409


def test_says_when_to_come_back_where_no_worker_answers(caller: Caller, redis_url: str, monkeypatch: Any) -> None:
    answer_never(monkeypatch)

    response = caller.about("post", PATH, {})

    assert (response.status_code, response["Retry-After"]) == (503, "5")


def test_says_that_nothing_can_be_computed_while_redis_is_away(caller: Caller, monkeypatch: Any) -> None:
    def send(*_: Any, **__: Any) -> None:
        raise BusUnavailable

    monkeypatch.setattr(what_if, "send_task", send)

    response = caller.about("post", PATH, {})

    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert response.json()["detail"] == "This cannot be computed now."


def test_a_foreign_site_looks_like_none_at_all(asking: Caller) -> None:
    birch = make_program(make_tenant("Birch")).access_token()

    assert asking.about("post", PATH, {}, birch).json()["detail"] == "There is no such site."
    assert asking.about("post", PATH, {}, asking.program.access_token("plans:read")).status_code == 403
