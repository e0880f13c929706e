from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cem_service.planners.horizon import Horizon
from cem_service.planners.plan import DevicePlan
from cem_service.planners.ppbc import plan_profile
from cem_service.planners.site_cost import SiteCost
from s2.messages import (
    PPBCPowerProfileDefinition,
    PPBCPowerSequenceContainer,
    PPBCPowerSequenceContainerStatus,
    PPBCPowerSequenceStatus,
)
from tests.support.resources import NOON, dishwasher, new_id, sequence

HOUR = timedelta(hours=1)


def flat_cost(horizon: Horizon, buy: np.ndarray | None = None) -> SiteCost:
    prices = np.full(horizon.steps, 0.3) if buy is None else buy
    return SiteCost.within(prices, np.full(horizon.steps, 0.05), 8000.0, 8000.0)


def plan(
    *containers: PPBCPowerSequenceContainer, now: datetime = NOON, window: timedelta, buy: np.ndarray
) -> DevicePlan:
    horizon = Horizon.at(now)
    resource = dishwasher(*containers, now=now, window=window)
    found = plan_profile(resource, flat_cost(horizon, buy).seen_by(np.full(horizon.steps, 200.0)), horizon)
    assert found is not None
    return found


def test_starts_when_it_is_cheapest_within_the_window() -> None:
    buy = np.full(96, 0.3)
    buy[20:30] = 0.1
    buy[60:] = 0.01  # Cheaper still, and too late.

    found = plan(window=timedelta(hours=12), buy=buy)

    assert found.placements[0].start == NOON + timedelta(hours=5)
    assert found.placements[0].cost_eur < found.placements[0].cost_now_eur


def test_tells_what_is_paid_and_not_what_a_limit_weighs() -> None:
    """A start at once would break the fuse for five hours; the price alone would have it."""
    horizon = Horizon.at(NOON)
    buy = np.full(horizon.steps, 0.3)
    buy[:20] = 0.1
    others_w = np.full(horizon.steps, 200.0)
    others_w[:20] = 7900.0
    resource = dishwasher(now=NOON, window=timedelta(hours=12))

    found = plan_profile(resource, flat_cost(horizon, buy).seen_by(others_w), horizon)

    assert found is not None
    (placement,) = found.placements
    kwh = resource.profiles[0].containers[0].sequences[0].energy_kwh
    assert placement.start == NOON + timedelta(hours=5)
    assert placement.cost_eur == pytest.approx(0.3 * kwh)
    assert placement.cost_now_eur == pytest.approx(0.1 * kwh)


def test_a_limit_that_cannot_be_kept_is_no_money_either() -> None:
    horizon = Horizon.at(NOON)
    resource = dishwasher(now=NOON, window=timedelta(minutes=30))

    found = plan_profile(resource, flat_cost(horizon).seen_by(np.full(horizon.steps, 9000.0)), horizon)

    assert found is not None
    kwh = sum(one.sequences[0].energy_kwh for one in resource.profiles[0].containers)
    assert sum(one.cost_eur for one in found.placements) == pytest.approx(0.3 * kwh)


def test_of_equal_starts_the_first_is_taken() -> None:
    assert plan(window=timedelta(hours=12), buy=np.full(96, 0.3)).placements[0].start == NOON


def test_takes_the_cheaper_alternative() -> None:
    container = PPBCPowerSequenceContainer(
        id="wash", power_sequences=(sequence("intensive", (60, 2500.0)), sequence("eco", (120, 900.0)))
    )

    assert plan(container, window=timedelta(hours=6), buy=np.full(96, 0.3)).placements[0].sequence_id == "eco"


def test_runs_as_soon_as_it_can_when_the_window_is_too_short() -> None:
    found = plan(window=timedelta(minutes=30), buy=np.full(96, 0.3))

    assert found.placements[0].start == NOON
    assert "too short" in found.reason


def test_what_may_be_interrupted_leaves_out_a_dear_hour() -> None:
    buy = np.full(96, 0.1)
    buy[4:8] = 0.9  # From one to two.
    container = PPBCPowerSequenceContainer(
        id="heat", power_sequences=(sequence("slow", (120, 2000.0), interruptible=True),)
    )

    (placement,) = plan(container, window=timedelta(hours=3.5), buy=buy).placements

    assert placement.start == NOON
    assert placement.pauses == ((NOON + HOUR, NOON + 2 * HOUR),)
    assert placement.end == NOON + 3 * HOUR


def test_a_pause_that_saves_next_to_nothing_is_left_out() -> None:
    buy = np.full(96, 0.1)
    buy[4:8] = 0.105
    container = PPBCPowerSequenceContainer(
        id="heat", power_sequences=(sequence("slow", (120, 2000.0), interruptible=True),)
    )

    assert plan(container, window=timedelta(hours=3.5), buy=buy).placements[0].pauses == ()


@pytest.mark.parametrize(
    ("status", "goes_on_at"),
    [(PPBCPowerSequenceStatus.EXECUTING, NOON), (PPBCPowerSequenceStatus.INTERRUPTED, NOON + 2 * HOUR)],
)
def test_what_has_begun_goes_on_from_where_it_is(status: PPBCPowerSequenceStatus, goes_on_at: datetime) -> None:
    """Half an hour is left; what runs would have to stop for a gain that is not worth it."""
    buy = np.full(96, 0.10)
    buy[8:] = 0.09
    container = PPBCPowerSequenceContainer(
        id="heat", power_sequences=(sequence("slow", (60, 2000.0), (30, 1000.0), interruptible=True),)
    )
    now_at = PPBCPowerSequenceContainerStatus(
        power_profile_id="profile",
        sequence_container_id="heat",
        selected_sequence_id="slow",
        progress=3_600_000,
        status=status,
    )
    horizon = Horizon.at(NOON)
    resource = dishwasher(container, statuses=[now_at])
    found = plan_profile(resource, flat_cost(horizon, buy).seen_by(np.full(96, 200.0)), horizon)

    assert found is not None
    (placement,) = found.placements
    assert (placement.start, placement.done_s) == (goes_on_at, 3600.0)
    assert found.power_w.sum() == pytest.approx(2 * 1000.0)


@pytest.mark.parametrize("status", [PPBCPowerSequenceStatus.EXECUTING, PPBCPowerSequenceStatus.INTERRUPTED])
def test_what_has_begun_and_outlasts_its_window_goes_on_at_once(status: PPBCPowerSequenceStatus) -> None:
    container = PPBCPowerSequenceContainer(
        id="heat", power_sequences=(sequence("slow", (200, 2000.0), interruptible=True),)
    )
    now_at = PPBCPowerSequenceContainerStatus(
        power_profile_id="profile", sequence_container_id="heat", selected_sequence_id="slow", progress=0, status=status
    )
    horizon = Horizon.at(NOON)
    resource = dishwasher(container, statuses=[now_at], window=timedelta(minutes=110))

    found = plan_profile(resource, flat_cost(horizon).seen_by(np.full(96, 200.0)), horizon)

    assert found is not None
    (placement,) = found.placements
    assert (placement.start, placement.end) == (NOON, NOON + timedelta(minutes=200))
    assert "too short" in found.reason


def test_all_profiles_are_placed_beside_each_other() -> None:
    """Only one of them fits under the limit at a time."""
    other = PPBCPowerProfileDefinition(
        message_id=new_id(),
        id="other",
        start_time=NOON,
        end_time=NOON + 6 * HOUR,
        power_sequences_containers=(
            PPBCPowerSequenceContainer(id="dry", power_sequences=(sequence("drying", (60, 5000.0)),)),
        ),
    )
    container = PPBCPowerSequenceContainer(id="wash", power_sequences=(sequence("washing", (60, 5000.0)),))
    horizon = Horizon.at(NOON)
    resource = dishwasher(container, window=6 * HOUR, others=[other])
    found = plan_profile(resource, flat_cost(horizon).seen_by(np.full(96, 200.0)), horizon)

    assert found is not None
    assert {one.profile_id for one in found.placements} == {"profile", "other"}
    assert found.power_w.max() == 5000.0
    assert found.power_w.sum() == pytest.approx(8 * 5000.0)


def test_a_window_that_the_durations_fill_to_the_minute_is_kept() -> None:
    """On slots of five minutes it would not fit."""
    containers = tuple(
        PPBCPowerSequenceContainer(id=f"c{index}", power_sequences=(sequence(f"s{index}", (7, 1500.0)),))
        for index in range(3)
    )

    found = plan(*containers, window=timedelta(minutes=22), buy=np.full(96, 0.3))

    assert found.placements[-1].end <= NOON + timedelta(minutes=22)
    assert found.reason == ""


def test_a_profile_that_is_longer_than_the_horizon_is_placed_in_its_window() -> None:
    container = PPBCPowerSequenceContainer(id="long", power_sequences=(sequence("long", (30 * 60, 500.0)),))

    found = plan(container, window=timedelta(hours=40), buy=np.full(96, 0.3))

    assert found.placements[0].end == NOON + 30 * HOUR
    assert found.reason == ""


@settings(max_examples=25, deadline=None)
@given(
    buy=st.lists(st.floats(-0.1, 0.6), min_size=96, max_size=96),
    pauses=st.lists(st.one_of(st.none(), st.integers(0, 7_200_000)), min_size=2, max_size=3),
    minutes=st.lists(st.integers(1, 90), min_size=3, max_size=3),
    interruptible=st.booleans(),
    window_h=st.integers(6, 30),
    offset_s=st.integers(0, 899),
)
def test_sequences_keep_window_order_and_pauses(
    buy: list[float], pauses: list[int | None], minutes: list[int], interruptible: bool, window_h: int, offset_s: int
) -> None:
    now = NOON + timedelta(seconds=offset_s)
    containers = tuple(
        PPBCPowerSequenceContainer(
            id=f"c{index}",
            power_sequences=(
                sequence(f"s{index}", (minutes[index], 1500.0), max_pause_ms=pause, interruptible=interruptible),
            ),
        )
        for index, pause in enumerate(pauses)
    )

    found = plan(*containers, now=now, window=timedelta(hours=window_h), buy=np.array(buy))

    assert [one.container_id for one in found.placements] == [one.id for one in containers]
    assert found.placements[0].start >= now
    assert found.placements[-1].end <= now + timedelta(hours=window_h)
    for one, lasts in zip(found.placements, minutes, strict=False):
        paused = sum((end - begin for begin, end in one.pauses), timedelta())
        assert one.end - one.start - paused == timedelta(minutes=lasts)
        edges = (one.start, *(moment for pause in one.pauses for moment in pause), one.end)
        assert list(edges) == sorted(edges)
    for (before, after), pause in zip(pairwise(found.placements), pauses[1:], strict=True):
        assert after.start >= before.end
        if pause is not None:
            assert after.start - before.end <= timedelta(milliseconds=pause)


def test_durations_that_reach_beyond_the_calendar_are_no_error() -> None:
    for_ever = 2**53 // 60_000
    containers = (
        PPBCPowerSequenceContainer(id="c1", power_sequences=(sequence("s1", (for_ever, 500.0)),)),
        PPBCPowerSequenceContainer(id="c2", power_sequences=(sequence("s2", (10, 500.0), max_pause_ms=2**53 - 1),)),
    )

    found = plan(*containers, window=timedelta(hours=6), buy=np.full(96, 0.3))

    assert [one.container_id for one in found.placements] == ["c1", "c2"]
