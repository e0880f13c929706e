from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from cem_service.planners.forecast import base_power_w, forecast_of, forecast_resource, persistence
from cem_service.planners.horizon import Horizon
from tests.support.resources import NOON, battery, solar, solar_forecast
from tests.support.sites import site_with

HORIZON = Horizon.at(NOON)


def test_persistence_looks_further_back_where_yesterday_is_missing() -> None:
    history = {NOON - timedelta(days=2): 700.0, NOON - timedelta(days=1) + timedelta(minutes=15): 300.0}

    assert persistence(history, HORIZON, fallback_w=50.0)[:3].tolist() == [700.0, 300.0, 50.0]


def test_the_base_load_is_what_the_meter_sees_beside_the_resources() -> None:
    site = site_with(battery(power_w=2000.0), solar(3000.0), meter_w=500.0)

    assert base_power_w(site) == 1500.0


def test_a_resource_that_forecasts_is_believed_and_persistence_fills_the_rest() -> None:
    resource = solar(3000.0, forecast=solar_forecast([1000.0, 2000.0], NOON))
    site = replace(
        site_with(resource),
        power_history={resource.link_id: {NOON - timedelta(days=1) + timedelta(minutes=30): -123.0}},
    )

    assert forecast_resource(site, resource, HORIZON)[:3].tolist() == pytest.approx([-1000.0, -2000.0, -123.0])


def test_production_without_history_follows_the_day() -> None:
    resource = solar(3000.0)

    power_w = forecast_resource(site_with(resource), resource, HORIZON)

    assert power_w[0] == pytest.approx(-3000.0)
    assert np.all(power_w[12 * 4 : 17 * 4] == 0.0)
    assert power_w.min() >= -3300.0


def test_a_day_that_is_repeated_may_be_brighter_or_duller_and_a_load_is_what_it_was() -> None:
    resource = solar(3000.0)
    yesterday = NOON - timedelta(days=1)
    site = replace(
        site_with(resource),
        base_history={yesterday: 400.0},
        power_history={resource.link_id: {yesterday: -1000.0}},
    )

    sun, load = forecast_of(site, resource, HORIZON), forecast_of(site, None, HORIZON)

    assert sun.errors_of_the_sun_w[:, 0].tolist() == pytest.approx([-600.0, 0.0, 400.0])
    assert not load.errors_of_the_sun_w.any()
