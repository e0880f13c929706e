from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from cem_service.domain.usual_day import UsualDay
from cem_service.planners.horizon import Horizon
from cem_service.planners.usual_day import forecast_usual, learn, quantiles_around
from tests.support.past import household_past, solar_past

START = datetime(2026, 3, 2, tzinfo=UTC)  # A Monday; the days include the change to summer time in Amsterdam.
NOW = START + timedelta(days=28)
AMSTERDAM = "Europe/Amsterdam"


def learned(history: dict[datetime, float], now: datetime = NOW, timezone: str = AMSTERDAM) -> UsualDay:
    usual = learn(history, now, timezone)
    assert usual is not None
    return usual


def test_too_few_days_are_no_usual_day() -> None:
    history = household_past(1, START, 2)

    assert learn(history, START + timedelta(days=2), AMSTERDAM) is None


def test_nothing_of_the_future_is_learned() -> None:
    known, whole = household_past(1, START, 20), household_past(1, START, 28)

    now = START + timedelta(days=20)
    assert learned(whole, now).as_dict() == learned(known, now).as_dict()


def test_tells_weekends_from_other_days() -> None:
    days = (START + timedelta(minutes=15 * index) for index in range(28 * 96))
    usual = learned({at: 2000.0 if at.weekday() >= 5 else 200.0 for at in days}, timezone="UTC")

    weekday, weekend = usual.usual_w.mean(axis=1)
    assert weekday < 500.0
    assert weekend > 1500.0


def test_the_usual_day_follows_the_clock_on_the_wall() -> None:
    """Breakfast is at seven before and after the clocks change."""
    days = (START + timedelta(minutes=15 * index) for index in range(28 * 96))
    offset = {at: timedelta(hours=2 if at >= datetime(2026, 3, 29, 1, tzinfo=UTC) else 1) for at in days}
    history = {at: 1500.0 if (at + offset[at]).hour == 7 else 100.0 for at in offset}

    expected = forecast_usual(learned(history), history, Horizon(NOW))

    assert Horizon(NOW).step_start(int(expected.argmax())).hour == 5  # UTC in summer.


def test_a_difference_to_the_usual_day_fades() -> None:
    history = household_past(1, START, 28)
    usual = learned(history)
    away = {**history, **{NOW - timedelta(minutes=15 * k): 5000.0 for k in range(1, 5)}}

    difference = forecast_usual(usual, away, Horizon(NOW)) - forecast_usual(usual, history, Horizon(NOW))

    # Kettles make the differences of one quarter hour and the next little alike: a tenth of 4.5 kW is left.
    assert 0.0 < usual.fading < 1.0
    assert difference[0] == pytest.approx(usual.fading * 4_500.0, rel=0.1)
    assert np.all(np.diff(difference) <= 0.0)
    assert difference[-1] == pytest.approx(0.0, abs=1.0)


def test_panels_give_nothing_at_night_and_never_draw() -> None:
    history = solar_past(2, START, 28)
    noon = START + timedelta(days=27, hours=12)

    expected = forecast_usual(learned(history, noon, "UTC"), history, Horizon(noon))

    assert expected.max() <= 0.0
    assert expected[0] < -200.0
    # The sun sets at 20:00 and rises at 4:00; the quarter hours beside are smoothed into the night.
    assert np.all(expected[33:63] == 0.0)


def test_a_quarter_hour_that_was_never_seen_is_taken_for_an_average_one() -> None:
    history = {at: 300.0 for at in household_past(1, START, 28) if at.hour != 12}

    assert forecast_usual(learned(history, timezone="UTC"), history, Horizon(NOW))[48:52] == pytest.approx(300.0)


def test_travels_as_plain_json() -> None:
    history = household_past(1, START, 28)
    usual = learned(history)

    back = UsualDay.from_dict(json.loads(json.dumps(usual.as_dict())))

    expected = forecast_usual(usual, history, Horizon(NOW))
    assert forecast_usual(back, history, Horizon(NOW)) == pytest.approx(expected, abs=10.0)
    assert quantiles_around(back, expected, Horizon(NOW)).shape == (3, 96)
