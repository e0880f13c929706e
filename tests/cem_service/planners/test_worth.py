from __future__ import annotations

from datetime import timedelta

import pytest

from cem_service.planners.building import plan_site
from cem_service.planners.worth import LOOKAHEAD, value_table
from tests.support.resources import NOON, battery, ev_charger, heat_pump
from tests.support.sites import site_with


def test_without_a_plan_a_stored_kwh_is_worth_between_selling_and_buying() -> None:
    resource = battery()

    per_unit = value_table(resource, site_with(resource), None).worth_per_unit(NOON + LOOKAHEAD, 5.0)

    assert per_unit / resource.kwh_per_unit == pytest.approx(0.175)


def test_without_a_plan_comfort_and_a_near_departure_are_worth_more_than_any_price() -> None:
    cold = heat_pump(level=42.0)
    late = ev_charger(level=50.0, departure=NOON + timedelta(hours=2))

    for resource, level in ((cold, 42.0), (late, 50.0)):
        per_unit = value_table(resource, site_with(resource), None).worth_per_unit(NOON + LOOKAHEAD, level)
        assert per_unit / resource.kwh_per_unit > 1.0


def test_a_plan_is_used_until_its_values_end() -> None:
    resource = battery()
    site = site_with(resource)
    plan = plan_site(site)
    planned = plan.devices[resource.link_id].values

    assert value_table(resource, site, plan) is planned
    assert value_table(resource, site_with(resource, now=NOON + timedelta(hours=1)), plan) is planned
    assert value_table(resource, site_with(resource, now=NOON + timedelta(hours=2)), plan) is not planned
