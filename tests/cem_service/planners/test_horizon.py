from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from cem_service.planners.horizon import Horizon
from cem_service.planners.plan import STEP, STEPS

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def test_the_first_step_begins_now_and_all_others_are_whole() -> None:
    now = datetime(2026, 4, 21, 12, 5, tzinfo=UTC)
    horizon = Horizon.at(now)

    assert horizon.durations_s[0] == 600
    assert set(horizon.durations_s[1:]) == {900}
    assert horizon.end == datetime(2026, 4, 22, 12, 0, tzinfo=UTC)


def test_no_step_is_without_duration() -> None:
    assert Horizon.at(datetime(2026, 4, 21, 12, 14, 59, 999_999, tzinfo=UTC)).durations_s.min() >= 1.0


@pytest.mark.parametrize("day", [datetime(2026, 3, 28, 18, tzinfo=UTC), datetime(2026, 10, 24, 18, tzinfo=UTC)])
def test_steps_are_elapsed_time_on_the_day_that_the_clocks_change(day: datetime) -> None:
    horizon = Horizon.at(day)

    steps = [horizon.step_start(step) for step in range(STEPS)]

    assert {after - before for before, after in pairwise(steps)} == {STEP}
    assert steps[-1].astimezone(AMSTERDAM).utcoffset() != steps[0].astimezone(AMSTERDAM).utcoffset()
