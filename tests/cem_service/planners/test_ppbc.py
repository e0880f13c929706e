from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cem_service.planners.horizon import Horizon
from cem_service.planners.plan import DevicePlan
from cem_service.planners.ppbc import plan_profile
from cem_service.planners.site_cost import SiteCost
from s2.messages import PPBCPowerSequenceContainer
from tests.support.resources import NOON, dishwasher, sequence


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


@settings(max_examples=60, deadline=None)
@given(
    buy=st.lists(st.floats(-0.1, 0.6), min_size=96, max_size=96),
    pauses=st.lists(st.one_of(st.none(), st.integers(0, 7_200_000)), min_size=2, max_size=3),
    minutes=st.lists(st.integers(1, 90), min_size=3, max_size=3),
    window_h=st.integers(6, 30),
    offset_s=st.integers(0, 899),
)
def test_sequences_keep_window_order_and_pauses(
    buy: list[float], pauses: list[int | None], minutes: list[int], window_h: int, offset_s: int
) -> None:
    now = NOON + timedelta(seconds=offset_s)
    containers = tuple(
        PPBCPowerSequenceContainer(
            id=f"c{index}", power_sequences=(sequence(f"s{index}", (minutes[index], 1500.0), max_pause_ms=pause),)
        )
        for index, pause in enumerate(pauses)
    )

    found = plan(*containers, now=now, window=timedelta(hours=window_h), buy=np.array(buy))

    assert [one.container_id for one in found.placements] == [one.id for one in containers]
    assert found.placements[0].start >= now
    assert found.placements[-1].end <= now + timedelta(hours=window_h)
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
