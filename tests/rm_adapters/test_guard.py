from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rm_adapters import guard
from rm_adapters.sdk import FILL_LEVEL, Bounds, Command, Limits, Preferences, Reason, Snapshot
from rm_adapters.sdk.manifest import Write

NOON = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
COOLING = Command(operation="set", drives={"room_c": -1})
HEATING = Command(operation="set", drives={"room_c": 1})
COMFORT = Limits(bounds=(Bounds(of="room_c", low=18.0, high=24.0, reason=Reason.COMFORT),))
SAFETY = Limits(bounds=(Bounds(of="room_c", low=5.0, high=30.0, reason=Reason.SAFETY),))


def room(celsius: float | None) -> Snapshot:
    return Snapshot(observed_at=NOON, facts={} if celsius is None else {"room_c": celsius})


def reason(
    command: Command, snapshot: Snapshot, limits: Limits, *writes_s: float, abnormal: bool = False
) -> Reason | None:
    writes = [NOON + timedelta(seconds=each) for each in writes_s]
    refusal = guard.judge(command, snapshot, limits, writes, NOON, abnormal=abnormal)
    return None if refusal is None else refusal.reason


@pytest.mark.parametrize(
    ("command", "celsius", "expected"),
    [
        (COOLING, 18.1, None),
        (COOLING, 18.0, Reason.COMFORT),
        (COOLING, 30.0, None),
        (HEATING, 23.9, None),
        (HEATING, 24.0, Reason.COMFORT),
        (HEATING, 10.0, None),
        (Command(operation="set"), 10.0, None),
        (COOLING, None, Reason.AVAILABILITY),
        (Command(operation="set"), None, None),
    ],
)
def test_nothing_is_driven_beyond_its_bounds(command: Command, celsius: float | None, expected: Reason | None) -> None:
    assert reason(command, room(celsius), COMFORT) is expected


def test_an_abnormal_condition_sets_comfort_aside_and_nothing_else() -> None:
    assert reason(COOLING, room(17.0), COMFORT, abnormal=True) is None
    assert reason(COOLING, room(4.0), SAFETY, abnormal=True) is Reason.SAFETY


def test_a_fill_level_is_bounded_like_any_reading() -> None:
    limits = Limits(bounds=(Bounds(of=FILL_LEVEL, low=10.0, reason=Reason.DURABILITY),))
    emptying = Command(operation="set", drives={FILL_LEVEL: -1})

    assert reason(emptying, Snapshot(observed_at=NOON, fill_level=10.1), limits) is None
    assert reason(emptying, Snapshot(observed_at=NOON, fill_level=9.9), limits) is Reason.DURABILITY


def test_an_offline_device_is_not_written_to() -> None:
    assert reason(HEATING, Snapshot(observed_at=NOON, online=False), Limits()) is Reason.AVAILABILITY


def test_writes_are_kept_apart_and_it_is_said_until_when() -> None:
    limits = Limits(min_interval=timedelta(minutes=1))

    refusal = guard.judge(HEATING, room(20.0), limits, [NOON - timedelta(seconds=20)], NOON)

    assert refusal is not None
    assert refusal.until == NOON + timedelta(seconds=40)
    assert reason(HEATING, room(20.0), limits, -60.0) is None


def test_writes_of_a_day_are_counted() -> None:
    limits = Limits(max_writes_a_day=2)

    refusal = guard.judge(HEATING, room(20.0), limits, [NOON - timedelta(hours=5), NOON - timedelta(hours=1)], NOON)

    assert refusal is not None
    assert refusal.until == NOON + timedelta(hours=19)
    assert reason(HEATING, room(20.0), limits, -90_000.0, -3600.0) is None


def test_the_stricter_limit_counts() -> None:
    write = Write(confirm_within=timedelta(minutes=1), min_interval=timedelta(seconds=30), max_a_day=10)
    own = Limits(min_interval=timedelta(seconds=5), max_writes_a_day=4, bounds=SAFETY.bounds)

    limits = guard.combined(own, write, Preferences(comfort={"room_c": (19.0, None)}))

    assert (limits.min_interval, limits.max_writes_a_day) == (timedelta(seconds=30), 4)
    assert [each.reason for each in limits.bounds] == [Reason.SAFETY, Reason.COMFORT]
    assert guard.combined(Limits(), None, Preferences()) == Limits()


@given(st.floats(-50, 80), st.sampled_from([-1, 0, 1]), st.booleans())
def test_safety_holds_whatever_the_condition(celsius: float, direction: int, abnormal: bool) -> None:
    command = Command(operation="set", drives={"room_c": direction})

    allowed = reason(command, room(celsius), SAFETY, abnormal=abnormal) is None

    assert allowed == (direction == 0 or (direction > 0 and celsius < 30.0) or (direction < 0 and celsius > 5.0))
