from __future__ import annotations

from datetime import timedelta

import pytest

from cem_service.forecast_rows import USED
from cem_service.models import PlanRunKind
from cem_service.plan_page import plan_page
from tenants.scope import tenant_scope
from tests.support.decisions import make_instruction, make_plan_run
from tests.support.registry import Household, make_household

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def alder() -> Household:
    return make_household("Alder")


def test_the_reasons_are_a_list(alder: Household) -> None:
    run = make_plan_run(alder, summary="One.\n\nTwo.\n")

    with tenant_scope(alder.tenant.pk):
        assert plan_page(run)["reasons"] == ["One.", "Two."]


def test_what_the_cem_saw_has_units_and_says_what_was_missing(alder: Household) -> None:
    run = make_plan_run(alder)

    with tenant_scope(alder.tenant.pk):
        inputs = dict(plan_page(run)["inputs"])

    assert inputs == {
        "Main meter": "1,234 W",
        "Fuse limit": "17,250 W",
        "Export limit": "that of the fuse",
        "Buying costs": "0.250 EUR/kWh",
        "Feeding in earns": "0.050 EUR/kWh",
        "Alder battery": "0 W",
        "Dishwasher": "not known, not controlled: no power profile to place",
    }


def test_nothing_has_no_sign(alder: Household) -> None:
    run = make_plan_run(alder)
    run.inputs |= {"main_meter_w": -0.3, "sell_eur_per_kwh": -0.0001, "power_w": {"Alder battery": -0.0}}

    with tenant_scope(alder.tenant.pk):
        inputs = dict(plan_page(run)["inputs"])

    assert (inputs["Main meter"], inputs["Feeding in earns"]) == ("0 W", "0.000 EUR/kWh")
    assert inputs["Alder battery"] == "0 W"


def test_feeds_are_shown_with_their_age(alder: Household) -> None:
    told = {"kind": "price", "source": "Market", "fetched_at": None}
    run = make_plan_run(alder)
    run.inputs["feeds"] = [
        told | {"age_s": 725, "usable": True},
        told | {"source": "Old market", "age_s": 200_000, "usable": False},
        told | {"source": "New market", "age_s": None, "usable": False},
        told | {"source": "Market of another release", "kind": "mood", "age_s": 725, "usable": True},
    ]

    with tenant_scope(alder.tenant.pk):
        inputs = dict(plan_page(run)["inputs"])

    assert inputs["Market"] == "Prices: 12 min old"
    assert inputs["Old market"] == "Prices: 3,333 min old, too old"
    assert inputs["New market"] == "Prices: none yet"
    assert "Market of another release" not in inputs


def test_forecasts_are_shown_with_their_source_and_age(alder: Household) -> None:
    run = make_plan_run(alder)
    used = {"link": None, "name": "Base load", "source": "usual_day", "as_of": None}
    as_of = (run.at - timedelta(minutes=20)).isoformat()
    panels = used | {"link": str(alder.link.pk), "name": HOSTILE, "source": "weather", "as_of": as_of}
    run.inputs[USED] = [used, panels, used | {"name": "Tarot", "source": "the cards"}]

    with tenant_scope(alder.tenant.pk):
        inputs = dict(plan_page(run)["inputs"])

    assert inputs["Forecast of Base load"] == '<span lang="en">Forecast by the usual day.</span>'
    assert inputs[f"Forecast of {HOSTILE}"] == '<span lang="en">Forecast by the weather, 20 min old.</span>'
    assert "Forecast of Tarot" not in inputs


def test_the_plan_is_drawn_with_the_names_of_its_devices(alder: Household) -> None:
    run = make_plan_run(alder)

    with tenant_scope(alder.tenant.pk):
        drawing = plan_page(run)["drawing"]

    assert "Alder battery (kW)" in drawing
    assert "Buying price" in drawing


def test_a_device_that_is_gone_is_still_in_the_drawing(alder: Household) -> None:
    run = make_plan_run(alder)
    with tenant_scope(alder.tenant.pk):
        alder.device.delete()

        assert "a former device (kW)" in plan_page(run)["drawing"]


@pytest.mark.parametrize("plan", [None, {}, {"site_id": "none"}, {"site_id": None}])
def test_what_is_no_plan_is_not_drawn(alder: Household, plan: object) -> None:
    run = make_plan_run(alder, kind=PlanRunKind.REACTION, plan=plan, inputs={})

    with tenant_scope(alder.tenant.pk):
        assert plan_page(run)["drawing"] is None


def test_refusals_among_the_instructions_are_marked(alder: Household) -> None:
    run = make_plan_run(alder)
    make_instruction(alder, plan_run=run)
    make_instruction(alder, plan_run=run, status="REJECTED")

    with tenant_scope(alder.tenant.pk):
        rows = plan_page(run)["instructions"]

    assert sorted((row["trouble"], row["colour"]) for row in rows) == [("", "success"), ("refused", "danger")]
