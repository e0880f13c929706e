from __future__ import annotations

import json
from datetime import timedelta

import pytest

from cem_service.planners.building import plan_site
from cem_service.planners.plan import STEP, SitePlan, ValueTable
from tests.support.resources import NOON, battery, dishwasher, ev_charger, heat_pump, solar
from tests.support.sites import EVENING_PEAK, site_with


def test_a_plan_survives_being_stored() -> None:
    site = site_with(battery(), ev_charger(), heat_pump(), dishwasher(), solar(3000.0), tariff=EVENING_PEAK)
    plan = plan_site(site).as_dict()
    stored = json.dumps(plan, allow_nan=False)

    again = SitePlan.from_dict(json.loads(stored))

    # So that whoever has it at hand need not read it again.
    assert json.loads(stored) == plan
    assert json.dumps(again.as_dict()) == stored
    assert len(stored) < 30_000


@pytest.mark.parametrize("stored", [{}, {"version": 2}, {"site_id": "no uuid"}])
def test_anything_else_is_refused(stored: dict[str, object]) -> None:
    with pytest.raises((KeyError, ValueError)):
        SitePlan.from_dict(stored)


def test_values_lie_between_the_edges_and_stay_beyond_them() -> None:
    table = ValueTable.from_dict(
        {"start": NOON.isoformat(), "from": 0.0, "to": 10.0, "cost_eur": [[2.0, 0.0], [4.0, 0.0]]}
    )

    assert table.cost_at(NOON, 5.0) == 1.0
    assert table.cost_at(NOON + STEP / 2, 5.0) == 1.5
    assert table.cost_at(NOON + timedelta(hours=9), -3.0) == 4.0
    assert table.worth_per_unit(NOON - STEP, 99.0) == pytest.approx(0.2)
