from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from cem_service.domain.forecasts import ForecastSource
from cem_service.planners.forecast import base_power_w, forecast_of, forecast_resource, persistence
from cem_service.planners.horizon import Horizon
from tests.support.resources import NOON, battery, solar, solar_forecast
from tests.support.sites import site_with

HORIZON = Horizon.at(NOON)


def test_persistence_looks_further_back_where_yesterday_is_missing() -> None:
    history = {NOON - timedelta(days=2): 700.0, NOON - timedelta(days=1) + timedelta(minutes=15): 300.0}

    assert persistence(history, HORIZON)[:2].tolist() == [700.0, 300.0]
    assert np.isnan(persistence(history, HORIZON)[2:]).all()


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


QUARTER = timedelta(minutes=15)
SINCE_MORNING = [NOON - step * QUARTER for step in range(1, 13)]


def test_on_its_first_day_a_home_is_expected_to_draw_what_it_drew_so_far() -> None:
    history = {at: 300.0 + 200.0 * (number % 2) for number, at in enumerate(SINCE_MORNING)}
    site = replace(site_with(meter_w=4800.0), base_history=history)

    forecast = forecast_of(site, None, HORIZON)
    power_w = forecast.power_w

    assert forecast.source is ForecastSource.PRESENT
    # A cooker is on, and will not be in two hours. Tomorrow morning is today's.
    assert power_w[0] == pytest.approx(4800.0)
    assert np.all(np.diff(power_w[:9]) < 0)
    assert power_w[8:84] == pytest.approx(400.0)
    assert power_w[84:].tolist() == [history[at] for at in reversed(SINCE_MORNING)]


def test_a_day_is_called_repeated_once_most_of_it_is_known() -> None:
    known = {NOON - step * QUARTER: 400.0 for step in range(1, 49)}
    site = replace(site_with(meter_w=400.0), base_history=known)

    assert forecast_of(site, None, HORIZON).source is ForecastSource.PERSISTENCE


def test_a_meter_that_is_silent_draws_nothing_down() -> None:
    site = replace(site_with(meter_w=None), base_history=dict.fromkeys(SINCE_MORNING, 400.0))

    assert forecast_of(site, None, HORIZON).power_w == pytest.approx(400.0)


def test_on_their_first_day_panels_give_nothing_at_night() -> None:
    resource = solar(3000.0)
    site = replace(site_with(resource), power_history={resource.link_id: dict.fromkeys(SINCE_MORNING, -2000.0)})

    forecast = forecast_of(site, resource, HORIZON)

    assert forecast.source is ForecastSource.DAYLIGHT
    assert forecast.power_w[0] == pytest.approx(-3000.0)
    assert np.all(forecast.power_w[12 * 4 : 17 * 4] == 0.0)
    assert np.all(forecast.power_w[84:] == -2000.0)


def test_panels_behind_the_main_meter_that_nobody_reports_give_nothing_at_night() -> None:
    power_w = forecast_of(site_with(meter_w=-2000.0), None, HORIZON).power_w

    assert power_w[0] == pytest.approx(-2000.0)
    assert np.all(power_w[12 * 4 : 17 * 4] == 0.0)


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
