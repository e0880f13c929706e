"""Panels beside a battery: what is too much is stored before it is cut, and cut before anybody pays for it."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from cem_service.domain.decision import Objective
from cem_service.domain.tariff import Tariff
from cem_service.planners.building import plan_site
from cem_service.planners.plan import SitePlan
from tests.support.resources import NOON, allowed, battery, solar, solar_forecast
from tests.support.scenarios.envelopes import DEFER, LOWER, UPPER, envelope, window
from tests.support.sites import EVENING_PEAK, FLAT, site_with

HOUR = timedelta(hours=1)

SUNNY = solar(production_w=4000.0, forecast=solar_forecast([4000.0] * 24 + [0.0] * 72, NOON))
SELLING_COSTS = Tariff((0.3,) * 24, (-0.1,) * 24)


def test_panels_alone_are_cut_to_what_the_home_uses_where_feeding_in_costs_money() -> None:
    site = site_with(SUNNY, meter_w=-3500.0, tariff=SELLING_COSTS)

    plan = plan_site(site)

    assert plan.net_w[:24] == pytest.approx(np.zeros(24), abs=1.0)
    assert plan.devices[SUNNY.link_id].power_w[:24] == pytest.approx(np.full(24, -500.0), abs=1.0)
    assert plan.devices[SUNNY.link_id].envelopes
    assert plan.cost_eur == pytest.approx(18 * 0.5 * 0.3, abs=0.05)


def test_a_battery_takes_what_it_can_before_anything_is_cut() -> None:
    store = battery(level=1.0)
    site = site_with(SUNNY, store, meter_w=-3500.0, tariff=SELLING_COSTS)

    plan = plan_site(site)

    assert plan.devices[store.link_id].power_w[:24].sum() / 4 > 8000.0
    assert plan.net_w.min() > -1.0


def test_what_may_not_leave_the_site_is_cut_and_breaks_no_limit() -> None:
    site = site_with(SUNNY, meter_w=-3500.0, tariff=FLAT, export_limit_w=2000.0)

    plan = plan_site(site)

    assert plan.net_w.min() >= -2000.0
    assert Objective.EXPORT_LIMIT not in plan.costs
    assert "feed" not in " ".join(plan.notes)


def test_a_charger_that_may_wait_keeps_the_fuse_and_takes_the_cheap_hours() -> None:
    ranges = (allowed(LOWER, 0.0, 0.0), allowed(UPPER, 0.0, 11_000.0))
    car = envelope(*ranges, consequence=DEFER, windows=[window(2000.0, 2000.0, 12 * HOUR, NOON)], now=NOON)
    site = site_with(car, battery(level=1.0), meter_w=500.0, tariff=EVENING_PEAK, fuse_limit_w=9000.0)

    plan = plan_site(site)

    assert plan.devices[car.link_id].power_w.sum() / 4 == pytest.approx(24_000.0, rel=0.01)
    assert plan.devices[car.link_id].power_w[20:36] == pytest.approx(np.zeros(16), abs=1.0)
    assert plan.net_w.max() <= 9000.0


def test_the_envelopes_of_a_plan_survive_storage() -> None:
    plan = plan_site(site_with(SUNNY, meter_w=-3500.0, tariff=SELLING_COSTS))

    again = SitePlan.from_dict(plan.as_dict())

    assert again.devices[SUNNY.link_id].envelopes == plan.devices[SUNNY.link_id].envelopes
