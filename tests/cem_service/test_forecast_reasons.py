from __future__ import annotations

from datetime import timedelta

import pytest

from cem_service.domain.forecasts import ForecastSource
from cem_service.domain.reason import Reason, ReasonCode
from cem_service.forecast_reasons import basis, judgement
from cem_service.planners.scores import RunningScore

WEATHER, PERSISTENCE = ForecastSource.WEATHER, ForecastSource.PERSISTENCE
RUNNING = {WEATHER: RunningScore(5, 0.18, 0.07), PERSISTENCE: RunningScore(7, 0.42, 0.21)}


@pytest.mark.parametrize(
    ("age", "figures"),
    [
        (timedelta(minutes=20), {"forecast": "weather", "age_s": 1200.0}),
        (timedelta(seconds=-3), {"forecast": "weather", "age_s": 0.0}),
        (None, {"forecast": "weather"}),
    ],
)
def test_says_what_a_plan_stood_on_and_how_old_that_was(age: timedelta | None, figures: dict[str, float | str]) -> None:
    assert basis(WEATHER, age) == Reason(ReasonCode.FORECAST, figures=figures)


def test_says_how_far_off_it_was_and_how_far_the_floor_would_have_been() -> None:
    assert judgement(WEATHER, RUNNING).figures == {"days": 5.0, "off_by": 0.18, "floor_off_by": 0.42}


def test_the_floor_is_compared_with_nothing() -> None:
    assert judgement(PERSISTENCE, RUNNING).figures == {"days": 7.0, "off_by": 0.42}
    assert judgement(WEATHER, {WEATHER: RUNNING[WEATHER]}).figures == {"days": 5.0, "off_by": 0.18}
    assert judgement(ForecastSource.DEVICE, RUNNING) == Reason(ReasonCode.FORECAST_NEW)
