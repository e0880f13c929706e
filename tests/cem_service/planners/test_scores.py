from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from cem_service.domain.feed import FeedSeries, SeriesKind, SiteFeeds
from cem_service.domain.forecasts import Forecast, ForecastSource, Learned, SaidForecasts
from cem_service.domain.series import StepSeries
from cem_service.planners.forecast import forecasts_to_judge
from cem_service.planners.horizon import Horizon
from cem_service.planners.scores import RunningScore, Score, judge, nmae, pinball, trusted
from cem_service.planners.usual_day import learn
from tests.support.past import household_past, solar_past, weather_past
from tests.support.resources import link_id, solar
from tests.support.sites import site_with

START = datetime(2026, 3, 2, tzinfo=UTC)  # A Monday; the days include the change to summer time in Amsterdam.
DAY, QUARTER = timedelta(days=1), timedelta(minutes=15)
AMSTERDAM = "Europe/Amsterdam"
PERSISTENCE, USUAL_DAY, WEATHER = ForecastSource.PERSISTENCE, ForecastSource.USUAL_DAY, ForecastSource.WEATHER
PANELS = link_id("Panels")
Past = Callable[[int, datetime, int], dict[datetime, float]]


def _scores(history: dict[datetime, float], now: datetime) -> list[Score]:
    """Of what a site would have said at `now`, knowing nothing of what came then."""
    before = {at: power_w for at, power_w in history.items() if at < now}
    site = replace(
        site_with(now=now),
        timezone=AMSTERDAM,
        base_history=before,
        learned={None: Learned(learn(before, now, AMSTERDAM))},
    )
    horizon = Horizon.at(now)
    return list(judge(SaidForecasts(horizon.start, forecasts_to_judge(site, None, horizon)), history))


@pytest.mark.parametrize("past", [household_past, solar_past])
def test_the_usual_day_is_better_than_the_day_before_repeated(past: Past) -> None:
    """Over several homes and days that it was not fitted to; the seeds are no others'."""
    scores = [
        score
        for history in (past(seed, START, 28) for seed in range(100, 104))
        for day in range(20, 26)
        for score in _scores(history, START + day * DAY)
    ]

    floor, usual = (
        RunningScore.of(one for one in scores if one.source is source) for source in (PERSISTENCE, USUAL_DAY)
    )
    assert floor is not None
    assert usual is not None
    assert floor.days == usual.days == 24
    assert usual.nmae < 0.9 * floor.nmae
    assert usual.pinball < 0.9 * floor.pinball


def _panels(seed: int, days: Iterable[int], *, west: timedelta = timedelta()) -> list[Score]:
    """Of panels whose site follows the weather of a place where the sun comes so much later."""
    told, given = weather_past(seed, START, 28)
    irradiance = {at + west: shines for at, shines in told.items()}
    scores: list[Score] = []
    for day in days:
        now = START + day * DAY
        before = {at: power_w for at, power_w in given.items() if at < now}
        panels = replace(solar(0.0), link_id=PANELS)
        site = replace(
            site_with(panels, now=now, feeds=SiteFeeds(irradiance=_feed(irradiance, now))),
            timezone=AMSTERDAM,
            power_history={PANELS: before},
            learned={PANELS: Learned(learn(before, now, AMSTERDAM))},
        )
        horizon = Horizon.at(now)
        scores += judge(SaidForecasts(horizon.start, forecasts_to_judge(site, panels, horizon)), given)
    return scores


def _feed(irradiance: dict[datetime, float], now: datetime) -> FeedSeries:
    """As Open-Meteo's is kept: three days back, two days ahead."""
    values = np.array([irradiance[at] for at in sorted(irradiance) if now - 3 * DAY <= at < now + 2 * DAY])
    edges = (now - 3 * DAY).timestamp() + 900.0 * np.arange(values.size + 1, dtype=np.float64)
    return FeedSeries(
        source="the weather",
        kind=SeriesKind.IRRADIANCE,
        steps=StepSeries(edges, values),
        fetched_at=now,
        every=timedelta(hours=1),
        valid_for=DAY,
    )


@pytest.mark.parametrize("seed", range(100, 104))
def test_panels_are_told_best_by_the_weather_of_their_place(seed: int) -> None:
    scores = _panels(seed, range(14, 21))

    assert trusted(scores)[0] is WEATHER
    running = {
        source: RunningScore.of(one for one in scores if one.source is source) for source in (PERSISTENCE, WEATHER)
    }
    floor, weather = running[PERSISTENCE], running[WEATHER]
    assert floor is not None
    assert weather is not None
    assert weather.days == 7
    assert weather.nmae < 0.6 * floor.nmae
    assert weather.pinball < 0.6 * floor.pinball


@pytest.mark.parametrize("seed", range(100, 104))
def test_the_weather_of_another_place_is_not_believed(seed: int) -> None:
    assert WEATHER not in trusted(_panels(seed, range(14, 21), west=timedelta(hours=6)))


def test_of_a_day_only_what_was_measured_is_judged() -> None:
    said = SaidForecasts(START, (Forecast.certain(PERSISTENCE, np.full(96, 100.0), START),))
    measured = {START + step * QUARTER: 200.0 for step in range(48)}

    (score,) = judge(said, measured)

    assert (score.steps, score.mean_w, score.nmae) == (48, 200.0, 0.5)
    assert list(judge(said, dict(list(measured.items())[:-1]))) == []
    assert list(judge(said, dict.fromkeys(measured, 0.0))) == []


def test_scores_are_shares_of_the_mean_power() -> None:
    actual = np.array([100.0, 300.0])

    assert nmae(np.array([150.0, 250.0]), actual) == pytest.approx(0.25)
    exact = np.array([actual, actual, actual])
    assert pinball(exact, actual) == 0.0
    # 100 W too high at each level costs 0.9, 0.5 and 0.1 of it: 50 W on average, of 200 W.
    assert pinball(exact + 100.0, actual) == pytest.approx(0.25)


def test_a_day_on_which_little_flowed_weighs_little() -> None:
    days = [_score(PERSISTENCE, 0, 0.2, mean_w=990.0), _score(PERSISTENCE, 1, 5.2, mean_w=10.0)]

    running = RunningScore.of(days)

    assert running is not None
    assert running.nmae == pytest.approx(0.25)
    assert RunningScore.of([]) is None


def _score(source: ForecastSource, day: int, nmae: float, pinball: float = 0.2, mean_w: float = 500.0) -> Score:
    return Score(source, START + day * DAY, 96, mean_w, nmae, pinball)


FLOOR = [_score(PERSISTENCE, day, 0.4) for day in range(7)]


def test_trust_is_earned_by_days_and_lost_by_being_worse() -> None:
    good = [_score(USUAL_DAY, day, 0.3, 0.1) for day in range(3)]
    bad = [_score(USUAL_DAY, day, 0.6, 0.3) for day in range(3, 5)]

    assert trusted([*FLOOR, *good[:2]]) == ()
    assert trusted([*FLOOR, *good]) == (USUAL_DAY,)
    assert trusted([*FLOOR, *good, *bad]) == ()


@pytest.mark.parametrize(("nmae", "pinball"), [(0.4, 0.1), (0.3, 0.2), (0.5, 0.1), (0.3, 0.3)])
def test_to_be_better_in_one_way_of_counting_is_not_enough(nmae: float, pinball: float) -> None:
    assert trusted([*FLOOR, *(_score(USUAL_DAY, day, nmae, pinball) for day in range(7))]) == ()


def test_only_days_on_which_both_spoke_are_compared() -> None:
    """The floor is bad on the days of the weather, and would be good on those without it."""
    floor = [_score(PERSISTENCE, day, 0.4 if day < 3 else 0.01) for day in range(7)]

    assert trusted([*floor, *(_score(WEATHER, day, 0.3, 0.1) for day in range(3))]) == (WEATHER,)
    assert trusted([_score(WEATHER, day, 0.3, 0.1) for day in range(3)]) == ()


def test_the_best_comes_first() -> None:
    usual, weather = (
        [_score(one, day, nmae, 0.1) for day in range(3)] for one, nmae in ((USUAL_DAY, 0.3), (WEATHER, 0.2))
    )

    assert trusted([*FLOOR, *usual, *weather]) == (WEATHER, USUAL_DAY)
    assert trusted([_score(ForecastSource.DEVICE, day, 0.01, 0.0) for day in range(7)] + FLOOR) == ()
