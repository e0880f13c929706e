from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from cem_service.domain.series import StepSeries
from tests.support.resources import NOON

SECONDS = NOON.timestamp() + 60.0 * np.arange(4, dtype=np.float64)


def test_means_weigh_pieces_by_time_and_fill_up_what_is_outside() -> None:
    series = StepSeries.consecutive(NOON + timedelta(seconds=30), [(30_000, 4.0), (90_000, 10.0)])

    means = series.means(SECONDS, outside=2.0)

    assert means.tolist() == pytest.approx([3.0, 10.0, 6.0])


def test_extremes_take_the_strictest_value_that_touches_a_step() -> None:
    series = StepSeries.consecutive(NOON + timedelta(seconds=50), [(20_000, 5.0), (20_000, 7.0)])

    assert series.extremes(SECONDS, -np.inf, highest=True).tolist() == [5.0, 7.0, -np.inf]
    assert series.extremes(SECONDS, np.inf, highest=False).tolist() == [5.0, 5.0, np.inf]


def test_pieces_without_duration_say_nothing() -> None:
    series = StepSeries.consecutive(NOON, [(0, 1e12)])

    assert series.means(SECONDS, outside=1.0).tolist() == [1.0, 1.0, 1.0]
    assert series.extremes(SECONDS, 3.0, highest=True).tolist() == [3.0, 3.0, 3.0]


def test_parts_that_follow_each_other_are_joined_with_nothing_between_them() -> None:
    first = StepSeries.consecutive(NOON, [(30_000, 4.0)])
    second = StepSeries.consecutive(NOON + timedelta(minutes=1), [(60_000, 6.0)])

    joined = StepSeries.joined([first, second])

    assert joined is not None
    assert joined.means(SECONDS, 0.0).tolist() == pytest.approx([2.0, 6.0, 0.0])
    assert StepSeries.joined([first, first]) is None
