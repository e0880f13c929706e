from __future__ import annotations

from datetime import timedelta

import pytest

from cem_service.domain.forecasts import ForecastSource
from cem_service.forecast_words import basis, judgement
from cem_service.planners.scores import RunningScore

OWN, FLOOR = RunningScore(5, 0.18, 0.07), RunningScore(5, 0.42, 0.21)


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(minutes=20, seconds=59), "the weather, 20 min old"),
        (timedelta(hours=3), "the weather, 3 h old"),
        (timedelta(seconds=-3), "the weather, 0 min old"),
        (None, "the weather"),
    ],
)
def test_says_what_a_plan_stood_on_and_how_old_that_was(age: timedelta | None, words: str) -> None:
    assert basis(ForecastSource.WEATHER, age) == words


def test_says_how_far_off_it_was_and_how_far_the_floor_would_have_been() -> None:
    told = judgement(ForecastSource.WEATHER, OWN, FLOOR)

    assert told == (
        "Over the last 5 days that were judged it was off by 18% of the mean power; "
        "the day before repeated was off by 42%."
    )


def test_the_floor_is_compared_with_nothing() -> None:
    assert judgement(ForecastSource.PERSISTENCE, FLOOR, FLOOR).endswith("off by 42% of the mean power.")
    assert judgement(ForecastSource.DEVICE, RunningScore(1, 0.1, 0.1), None) == (
        "Over the last day it was off by 10% of the mean power."
    )
    assert judgement(ForecastSource.PRESENT, None, FLOOR) == "It has not been judged yet."
