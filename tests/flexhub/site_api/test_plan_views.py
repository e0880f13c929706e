from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cem_service import limits, services
from tests.flexhub.site_api.conftest import Caller
from tests.support.decisions import make_instruction, make_plan_run
from tests.support.programs import make_program
from tests.support.registry import make_tenant


def _in_dutch(caller: Caller, rest: str) -> Any:
    site_id = caller.world.household.site.pk
    headers = {"Authorization": f"Bearer {caller.token}", "Accept-Language": "nl-NL,nl;q=0.9"}
    return caller.client.get(f"/api/v1/sites/{site_id}/{rest}", headers=headers)


@pytest.fixture
def charging(caller: Caller) -> Caller:
    """The battery takes all it can get at negative prices, and a limit keeps it from more than 2 kW."""
    world = caller.world
    world.pay(import_eur_per_kwh=-0.5, export_eur_per_kwh=-0.6)
    world.connect()
    world.describe(level=1000.0)
    world.run(limits.set_limit, site=world.household.site, reference="event-1", wish=world.wish(import_w=2000))
    return caller


def _planned(caller: Caller) -> None:
    caller.world.run(services.plan_site, *caller.world.ids)


def test_a_plan_says_what_is_planned_and_what_moved_it(charging: Caller) -> None:
    _planned(charging)

    body = charging.about("get", "plan").json()

    assert (body["start"], body["resolution"], len(body["net_w"])) == ("2026-04-21T10:00:00Z", "PT15M", 96)
    assert [device["name"] for device in body["devices"]] == ["Alder battery"]
    codes = [(reason["code"], reason["objective"]) for reason in body["reasons"]]
    assert codes[0] == ("outlook", None)
    assert ("moved", "grid_limit") in codes
    moved = next(reason for reason in body["reasons"] if reason["objective"] == "grid_limit")
    assert moved["figures"]["name"] == "Alder battery"
    assert moved["figures"]["otherwise_w"] > 2000 >= moved["figures"]["planned_w"]
    assert len(body["words"]) == len(body["reasons"])
    assert any(words.startswith("The limit of the grid moves") for words in body["words"])


def test_a_plan_is_told_in_dutch_to_who_reads_dutch(charging: Caller) -> None:
    _planned(charging)

    response = _in_dutch(charging, "plan")

    assert "Accept-Language" in response["Vary"]
    assert response.json()["words"][0].startswith("Verwachte kosten van de komende dag: -")
    assert any(words.startswith("De grens van het net verschuift") for words in response.json()["words"])


def test_an_instruction_says_which_limit_moved_it(charging: Caller) -> None:
    charging.world.run(services.react_to_site, *charging.world.ids)

    (english,) = charging.about("get", "instructions").json()
    (dutch,) = _in_dutch(charging, "instructions").json()

    assert english["objective"] == english["reason"]["objective"] == "grid_limit"
    assert english["reason"]["code"] == "decided"
    assert english["reason"]["figures"]["source"] == "Grid Ltd"
    assert english["words"].endswith("Grid Ltd allows the site to draw 2,000 W now.")
    assert dutch["words"].endswith("Grid Ltd staat het pand nu 2.000 W afname toe.")
    assert (english["device"], english["status"], english["reception"]) == ("Alder battery", "ISSUED", "")


def test_what_an_earlier_release_wrote_is_told_as_it_was_written(caller: Caller) -> None:
    run = make_plan_run(caller.world.household)
    make_instruction(caller.world.household)

    plan, (row,) = _in_dutch(caller, "plan").json(), _in_dutch(caller, "instructions").json()

    assert plan["reasons"] == []
    assert plan["words"] == run.summary.splitlines()
    assert (row["reason"], row["words"]) == (None, "The battery takes what the roof gives.")


def test_the_newest_come_first(caller: Caller) -> None:
    first = make_instruction(caller.world.household)
    second = make_instruction(caller.world.household, issued_at=first.issued_at + timedelta(minutes=1))

    assert [row["id"] for row in caller.about("get", "instructions").json()] == [str(second.pk), str(first.pk)]


def test_a_site_without_a_plan_says_so(caller: Caller) -> None:
    assert caller.about("get", "plan").json()["detail"] == "The site has no plan yet."
    assert caller.about("get", "instructions").json() == []


@pytest.mark.parametrize("rest", ["plan", "instructions"])
def test_a_foreign_site_looks_like_none_at_all(caller: Caller, rest: str) -> None:
    make_plan_run(caller.world.household)
    birch = make_program(make_tenant("Birch")).access_token()

    hidden = caller.about("get", rest, token=birch)

    assert hidden.status_code == 404
    assert hidden.json()["detail"] == "There is no such site."
