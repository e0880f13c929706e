from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
import pytest

from cem_service.domain.feed import FeedSeries, SeriesKind, SiteFeeds
from cem_service.domain.forecasts import Forecast, ForecastSource, Learned
from cem_service.domain.series import Array, StepSeries
from cem_service.planners.forecast import forecast_resource
from cem_service.planners.horizon import Horizon
from cem_service.planners.sunshine import forecast_sunshine, learned_factor
from tests.support.resources import solar
from tests.support.sites import site_with

NOW = datetime(2026, 4, 21, 10, 0, tzinfo=UTC)
START = datetime(2026, 4, 19, 0, 0, tzinfo=UTC)
QUARTER, DAY = timedelta(minutes=15), timedelta(days=1)
FACTOR = -4.0
# How clear each of four days is: what was yesterday says little of today.
CLEAR = (1.0, 0.2, 0.9, 0.3)


def _irradiance(clear: tuple[float, ...] = CLEAR) -> Array:
    """Quarter hours of four days, in W/m²."""
    day = 800.0 * np.maximum(np.sin(np.pi * (np.arange(96, dtype=np.float64) - 24) / 48), 0.0)
    return np.concatenate([share * day for share in clear])


def _feed(values: Array, fetched_at: datetime = NOW) -> FeedSeries:
    return FeedSeries(
        source="the weather",
        kind=SeriesKind.IRRADIANCE,
        steps=StepSeries(START.timestamp() + 900.0 * np.arange(values.size + 1, dtype=np.float64), values),
        fetched_at=fetched_at,
        every=timedelta(hours=1),
        valid_for=DAY,
    )


def _history(values: Array, until: datetime = NOW) -> dict[datetime, float]:
    moments = [START + index * QUARTER for index in range(values.size)]
    return {moment: float(value) for moment, value in zip(moments, values, strict=True) if moment < until}


def _otherwise(horizon: Horizon) -> Forecast:
    return Forecast.certain(ForecastSource.PERSISTENCE, np.full(horizon.steps, -123.0), None)


def test_the_factor_of_panels_is_in_their_past() -> None:
    values = _irradiance()

    factor = learned_factor(_history(FACTOR * values), _feed(values))

    assert factor is not None
    assert factor.expected == pytest.approx(FACTOR)
    assert factor.quantiles == pytest.approx([FACTOR] * 3)


def test_how_sure_the_factor_is_shows_in_its_past() -> None:
    values = _irradiance()
    moments = list(_history(values))
    shares = dict(zip(moments, np.resize([0.8, 1.0, 1.2], len(moments)), strict=True))
    history = {at: float(shares[at] * power_w) for at, power_w in _history(FACTOR * values).items()}

    factor = learned_factor(history, _feed(values))

    assert factor is not None
    assert factor.quantiles == pytest.approx([1.2 * FACTOR, FACTOR, 0.8 * FACTOR], rel=0.02)


def test_a_forecast_follows_the_clouds_that_are_announced() -> None:
    values, horizon = _irradiance(), Horizon.at(NOW)

    expected = forecast_sunshine(_history(FACTOR * values), _feed(values), horizon, _otherwise(horizon))

    first = (NOW - START) // QUARTER
    assert expected is not None
    assert expected.as_of == NOW
    assert expected.power_w == pytest.approx(FACTOR * values[first : first + horizon.steps])


@pytest.mark.parametrize(
    ("history", "feed"),
    [
        ({}, _feed(_irradiance())),
        (_history(FACTOR * _irradiance(), START + DAY / 3), _feed(_irradiance())),
        (_history(-FACTOR * _irradiance()), _feed(_irradiance())),
        (_history(FACTOR * _irradiance((1.0, 1.0, 1.0, 1.0))), _feed(_irradiance())),
        (_history(FACTOR * _irradiance()), _feed(_irradiance(), NOW - 2 * DAY)),
        (_history(FACTOR * _irradiance()), None),
    ],
    ids=["no past", "too little past", "draws", "the weather of elsewhere", "too old", "no feed"],
)
def test_without_a_feed_and_a_past_that_go_together_nothing_is_said(
    history: dict[datetime, float], feed: FeedSeries | None
) -> None:
    horizon = Horizon.at(NOW)

    assert forecast_sunshine(history, feed, horizon, _otherwise(horizon)) is None


def test_where_the_weather_is_not_known_something_else_is_used() -> None:
    values = _irradiance()
    history = _history(FACTOR * values)
    horizon = Horizon.at(NOW)
    first = (NOW - START) // QUARTER
    holed = values.copy()
    holed[first + 8 : first + 12] = np.nan

    expected = forecast_sunshine(history, _feed(holed), horizon, _otherwise(horizon))

    assert expected is not None
    assert expected.power_w[8:12].tolist() == [-123.0] * 4
    assert expected.quantiles_w[:, 8].tolist() == [-123.0] * 3
    assert expected.power_w[12] == pytest.approx(FACTOR * values[first + 12])


def test_on_the_first_day_the_fit_itself_has_to_be_close() -> None:
    values = _irradiance()
    today = _history(FACTOR * values, START + DAY)

    factor = learned_factor(today, _feed(values))
    assert factor is not None
    assert factor.expected == pytest.approx(FACTOR)
    assert learned_factor(dict.fromkeys(today, -500.0), _feed(values)) is None


def test_panels_that_do_not_forecast_follow_the_weather_of_their_site() -> None:
    values, horizon, panels = _irradiance(), Horizon.at(NOW), solar(3000.0)
    site = site_with(panels, now=NOW, feeds=SiteFeeds(irradiance=_feed(values)))
    learned: dict[UUID | None, Learned] = {panels.link_id: Learned(None, (ForecastSource.WEATHER,))}
    site = replace(site, power_history={panels.link_id: _history(FACTOR * values)}, learned=learned)

    first = (NOW - START) // QUARTER
    assert forecast_resource(site, panels, horizon)[:4] == pytest.approx(FACTOR * values[first : first + 4])
