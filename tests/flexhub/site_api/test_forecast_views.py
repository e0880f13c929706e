from __future__ import annotations

from datetime import timedelta

import pytest

from tests.flexhub.site_api.conftest import Caller
from tests.support.decisions import AT
from tests.support.forecasts import judged, learned, planned_from
from tests.support.programs import make_program
from tests.support.registry import make_tenant

PATH = "forecasts"


@pytest.fixture
def known(caller: Caller) -> Caller:
    """Panels whose forecast by the weather was better than the day before repeated, and is used."""
    household = caller.world.household
    caller.world.clock.advance((AT + timedelta(minutes=30) - caller.world.clock.now()).total_seconds())
    planned_from(household, "weather")
    judged(household, "weather", 0.18)
    judged(household, "persistence", 0.42)
    learned(household, trusted=["weather"])
    return caller


def test_tells_what_plans_stand_on_and_how_good_each_source_was(known: Caller) -> None:
    base, panels = known.about("get", PATH).json()

    assert (base["name"], base["learned_at"], base["sources"]) == ("Base load", None, [])
    assert base["words"] == ["Forecast by what was measured so far.", "That has not been judged yet."]
    assert panels["name"] == "Panels"
    assert panels["sources"] == [
        {"source": "weather", "days": 3, "nmae": 0.18, "pinball": 0.09, "used": True, "trusted": True},
        {"source": "persistence", "days": 3, "nmae": 0.42, "pinball": 0.21, "used": False, "trusted": False},
    ]
    assert len(panels["reasons"]) == len(panels["words"]) == 2


def test_a_site_without_a_plan_has_no_forecasts(caller: Caller) -> None:
    assert caller.about("get", PATH).json() == []


def test_a_foreign_site_looks_like_none_at_all(known: Caller) -> None:
    birch = make_program(make_tenant("Birch")).access_token()

    hidden = known.about("get", PATH, token=birch)

    assert (hidden.status_code, hidden.json()["detail"]) == (404, "There is no such site.")


def test_asks_for_a_scope(known: Caller) -> None:
    assert known.about("get", PATH, token=known.program.access_token("sites:read")).status_code == 403
