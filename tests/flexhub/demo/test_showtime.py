from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from flexhub.clock import Clock
from flexhub.demo.showtime import clock_for, opening
from flexhub.demo.street import START_TIME, TIMEZONE

MOMENTS = st.integers(0, 365 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


@given(MOMENTS)
def test_opens_within_two_days_at_half_past_ten(real_now: datetime) -> None:
    start = opening(real_now, speed=60)

    assert start.astimezone(ZoneInfo(TIMEZONE)).time() == START_TIME
    assert start - real_now < timedelta(days=2)


@given(MOMENTS)
def test_never_shows_a_time_before_real_time(real_now: datetime) -> None:
    speed = 60.0
    clock = clock_for(opening(real_now, speed=speed), speed=speed)

    assert clock.origin >= real_now


def test_real_time_is_the_systems_own() -> None:
    now = datetime(2026, 4, 21, 3, 0, tzinfo=UTC)

    assert opening(now, speed=1) == now
    assert clock_for(now, speed=1) == Clock.system()
