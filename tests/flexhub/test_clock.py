from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from flexhub.clock import Clock, ClockError
from tests.support.clock import FixedClock

TEN = datetime(2026, 4, 21, 10, 0, tzinfo=UTC)


def test_the_system_clock_shows_real_time() -> None:
    clock = Clock.system()

    before = datetime.now(UTC)
    now = clock.now()

    assert before - timedelta(milliseconds=1) <= now <= datetime.now(UTC) + timedelta(milliseconds=1)
    assert now.tzinfo is UTC


def test_a_factor_makes_time_run_faster_from_the_origin() -> None:
    real = iter([1000.0, 1001.0, 1060.0])
    clock = Clock(origin=TEN, real_origin_s=1000.0, factor=60.0, real_time=lambda: next(real))

    assert [clock.now() for _ in range(3)] == [TEN, TEN + timedelta(minutes=1), TEN + timedelta(hours=1)]


def test_starting_at_shows_the_origin_first() -> None:
    clock = Clock.starting_at(TEN, factor=1.0)

    assert timedelta(0) <= clock.now() - TEN < timedelta(minutes=1)


def test_tells_what_it_showed_at_a_real_moment() -> None:
    clock = Clock(origin=TEN, real_origin_s=1000.0, factor=60.0)

    assert clock.shown_at(datetime.fromtimestamp(1001.0, UTC)) == TEN + timedelta(minutes=1)
    assert Clock.system().shown_at(TEN) == TEN


def test_durations_convert_both_ways() -> None:
    clock = FixedClock.at(TEN, factor=60.0)

    assert clock.real_seconds(timedelta(minutes=2)) == 2.0
    assert clock.duration_of(2.0) == timedelta(minutes=2)


def test_waiting_for_the_past_takes_no_time() -> None:
    clock = FixedClock.at(TEN, factor=60.0)

    assert clock.real_seconds_until(TEN + timedelta(minutes=3)) == pytest.approx(3.0)
    assert clock.real_seconds_until(TEN - timedelta(minutes=3)) == 0.0


@pytest.mark.parametrize("factor", [1.0, 60.0, 0.5])
def test_parse_reads_what_str_writes(factor: float) -> None:
    clock = Clock(origin=TEN, real_origin_s=1766000000.25, factor=factor)

    assert Clock.parse(str(clock)) == clock


def test_the_system_clock_is_written_as_a_word() -> None:
    assert str(Clock.system()) == "system"
    assert Clock.parse("system") == Clock.system()


def test_parse_turns_an_offset_into_utc() -> None:
    assert Clock.parse("2026-04-21T12:00:00+02:00@0x1").origin == TEN


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-04-21T10:00:00@0x60",  # No offset.
        "2026-04-21T10:00:00+00:00@0x0",
        "2026-04-21T10:00:00+00:00@0x-1",
        "2026-04-21T10:00:00+00:00@zerox60",
        "2026-04-21T10:00:00+00:00",
    ],
)
def test_parse_refuses_what_is_no_clock(text: str) -> None:
    with pytest.raises(ClockError, match="neither 'system' nor like"):
        Clock.parse(text)


def test_a_fixed_clock_moves_only_when_told(clock: FixedClock) -> None:
    assert clock.now() == clock.now() == TEN

    clock.advance(90)

    assert clock.now() == TEN + timedelta(seconds=90)


def test_a_fixed_clock_advances_by_its_own_seconds() -> None:
    clock = FixedClock.at(TEN, factor=60.0)

    clock.advance(60)

    assert clock.now() == TEN + timedelta(minutes=1)
