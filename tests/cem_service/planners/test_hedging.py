"""What a battery holds is worth more where tomorrow's sun is only hoped for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from cem_service.domain.pebc import PEBCResource
from cem_service.domain.site import SiteState
from cem_service.planners.building import plan_site
from cem_service.planners.plan import STEP, SitePlan, ValueTable
from tests.support.resources import NOON, battery, link_id, solar, solar_forecast
from tests.support.sites import FLAT, site_with

EVENING = NOON + timedelta(hours=8)
BATTERY = link_id("Home battery")
# Enough on a day like the last one to fill the battery, and too little on a dull one.
SUN_W = np.where((np.arange(96) >= 40) & (np.arange(96) < 68), 1200.0, 0.0)


def _site(panels: PEBCResource, sun_w: Mapping[datetime, float]) -> SiteState:
    load_w = {EVENING - timedelta(days=1) + step * STEP: 300.0 for step in range(96)}
    site = site_with(panels, battery(level=9.0, now=EVENING), meter_w=300.0, tariff=FLAT)
    return replace(
        site, now=EVENING, main_meter_at=EVENING, base_history=load_w, power_history={panels.link_id: dict(sun_w)}
    )


def _repeated() -> SiteState:
    yesterday = EVENING - timedelta(days=1)
    sun_w = {yesterday + step * STEP: -float(power_w) for step, power_w in enumerate(SUN_W)}
    return _site(solar(0.0, now=EVENING), sun_w)


def _promised() -> SiteState:
    return _site(solar(0.0, now=EVENING, forecast=solar_forecast(SUN_W, EVENING)), {})


def _worth(plan: SitePlan, level: float) -> float:
    table = plan.devices[BATTERY].values
    assert table is not None
    return table.worth_per_unit(EVENING + STEP, level)


def test_energy_is_kept_where_the_sun_of_the_day_before_may_not_come_again() -> None:
    hoped_for, certain = plan_site(_repeated()), plan_site(_promised())

    assert _worth(hoped_for, 8.5) > _worth(certain, 8.5) + 0.01


def test_what_is_expected_stays_the_same() -> None:
    hoped_for, certain = plan_site(_repeated()), plan_site(_promised())

    assert hoped_for.net_w == pytest.approx(certain.net_w, abs=1.0)
    assert hoped_for.cost_eur == pytest.approx(certain.cost_eur)


def test_a_household_that_only_draws_is_taken_as_forecast() -> None:
    site = replace(_repeated(), power_history={}, resources=(battery(level=9.0, now=EVENING),))
    table = plan_site(site).devices[BATTERY].values

    assert table is not None
    # The levels of one table only, at its own breakpoints: nothing was averaged.
    assert table.levels.size < 10


def test_the_mean_of_tables_is_the_mean_of_what_they_say() -> None:
    one = ValueTable(NOON, np.array([0.0, 5.0, 10.0]), np.array([[4.0, 1.0, 0.0], [2.0, 0.5, 0.0]]))
    two = ValueTable(NOON, np.array([0.0, 10.0]), np.array([[2.0, 0.0], [1.0, 0.0]]))

    mean = ValueTable.mean([(0.75, one), (0.25, two)])

    assert mean.levels.tolist() == [0.0, 5.0, 10.0]
    for moment in (NOON, NOON + STEP / 2, NOON + STEP):
        for level in (0.0, 2.0, 5.0, 7.0, 10.0):
            expected = 0.75 * one.cost_at(moment, level) + 0.25 * two.cost_at(moment, level)
            assert mean.cost_at(moment, level) == pytest.approx(expected)
