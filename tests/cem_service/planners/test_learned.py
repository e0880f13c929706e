from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from cem_service.domain.feed import FeedSeries, SeriesKind, SiteFeeds
from cem_service.domain.forecasts import ForecastSource, Learned
from cem_service.domain.series import StepSeries
from cem_service.domain.site import SiteState
from cem_service.planners.forecast import forecast_of, forecasts_to_judge
from cem_service.planners.horizon import Horizon
from cem_service.planners.usual_day import forecast_usual, learn
from tests.support.past import household_past, solar_past
from tests.support.resources import NOON, link_id, solar, solar_forecast
from tests.support.sites import site_with

DAY = timedelta(days=1)
HORIZON = Horizon.at(NOON)
HOME, PANELS = household_past(1, NOON - 28 * DAY, 28), solar_past(1, NOON - 28 * DAY, 28)
USUAL_HOME, USUAL_PANELS = learn(HOME, NOON, "UTC"), learn(PANELS, NOON, "UTC")
SOLAR = link_id("Solar")
WEATHER, USUAL_DAY, PERSISTENCE = ForecastSource.WEATHER, ForecastSource.USUAL_DAY, ForecastSource.PERSISTENCE
# Panels of 5 kW, under a sky of which the feed knows the past two days and the coming hour.
IRRADIANCE = FeedSeries(
    source="the weather",
    kind=SeriesKind.IRRADIANCE,
    steps=StepSeries(
        (NOON - 2 * DAY).timestamp() + 900.0 * np.arange(197, dtype=np.float64),
        np.array([-PANELS.get(NOON - 2 * DAY + k * DAY / 96, -1000.0) / 5.0 for k in range(196)]),
    ),
    fetched_at=NOON,
    every=timedelta(hours=1),
    valid_for=DAY,
)


def _site(*trusted: ForecastSource) -> SiteState:
    return replace(
        site_with(solar(100.0), meter_w=0.0, feeds=SiteFeeds(irradiance=IRRADIANCE)),
        base_history=HOME,
        power_history={SOLAR: PANELS},
        learned={None: Learned(USUAL_HOME, trusted), SOLAR: Learned(USUAL_PANELS, trusted)},
    )


def test_what_has_not_earned_trust_is_not_used() -> None:
    home, panels = (forecast_of(_site(), one, HORIZON) for one in (None, _site().resources[0]))

    assert (home.source, panels.source) == (PERSISTENCE, PERSISTENCE)
    assert (home.as_of, panels.as_of) == (NOON, NOON)
    assert (home.power_w[0], panels.power_w[0]) == (HOME[NOON - DAY], PANELS[NOON - DAY])


def test_a_plan_uses_what_has_earned_trust() -> None:
    site = _site(USUAL_DAY)
    assert USUAL_HOME is not None
    assert USUAL_PANELS is not None

    home, panels = forecast_of(site, None, HORIZON), forecast_of(site, site.resources[0], HORIZON)

    assert (home.source, panels.source) == (USUAL_DAY, USUAL_DAY)
    assert home.power_w == pytest.approx(forecast_usual(USUAL_HOME, HOME, HORIZON))
    assert panels.power_w == pytest.approx(forecast_usual(USUAL_PANELS, PANELS, HORIZON))


def test_where_the_weather_is_not_known_the_next_best_is_used() -> None:
    site = _site(WEATHER, USUAL_DAY)
    usual = forecast_of(_site(USUAL_DAY), site.resources[0], HORIZON)

    panels = forecast_of(site, site.resources[0], HORIZON)

    assert panels.source is WEATHER
    assert panels.power_w[:4] == pytest.approx([-1000.0] * 4)
    assert panels.power_w[4:] == pytest.approx(usual.power_w[4:])


def test_a_feed_that_is_too_old_leaves_the_word_to_the_next_best() -> None:
    site = _site(WEATHER, USUAL_DAY)
    old = replace(site, feeds=SiteFeeds(irradiance=replace(IRRADIANCE, fetched_at=NOON - 2 * DAY)))

    assert forecast_of(old, site.resources[0], HORIZON).source is USUAL_DAY


def test_a_household_does_not_follow_the_weather() -> None:
    assert forecast_of(_site(WEATHER, USUAL_DAY), None, HORIZON).source is USUAL_DAY
    assert [one.source for one in forecasts_to_judge(_site(), None, HORIZON)] == [PERSISTENCE, USUAL_DAY]


def test_everything_is_judged_by_itself_trusted_or_not() -> None:
    site = replace(_site(), resources=(solar(100.0, forecast=solar_forecast([1000.0], NOON)),))

    said = {one.source: one for one in forecasts_to_judge(site, site.resources[0], HORIZON)}

    assert list(said) == [PERSISTENCE, WEATHER, USUAL_DAY, ForecastSource.DEVICE]
    # Where the weather is silent the floor speaks for it, not what is judged beside it.
    assert said[WEATHER].power_w[4:] == pytest.approx(said[PERSISTENCE].power_w[4:])
    assert said[ForecastSource.DEVICE].power_w[0] == pytest.approx(-1000.0)
    assert forecast_of(site, site.resources[0], HORIZON).source is ForecastSource.DEVICE


def test_the_weather_says_how_sure_it_is() -> None:
    weather = next(one for one in forecasts_to_judge(_site(), _site().resources[0], HORIZON) if one.source is WEATHER)

    low, middle, high = weather.quantiles_w[:, :4]
    assert np.all(low <= middle)
    assert np.all(middle <= high)
    assert middle == pytest.approx(weather.power_w[:4], rel=0.05)


def test_without_a_past_there_is_only_the_present() -> None:
    site = site_with(solar(3000.0), meter_w=-2500.0)

    sources = [forecast_of(site, one, HORIZON).source for one in (None, site.resources[0])]

    assert sources == [ForecastSource.PRESENT, ForecastSource.DAYLIGHT]
