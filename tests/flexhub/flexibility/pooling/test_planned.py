from __future__ import annotations

from datetime import timedelta

import numpy as np

from cem_service.planners.building import plan_site
from cem_service.planners.horizon import Horizon
from flexhub.flexibility.pooling.planned import Alignment
from tests.support.resources import NOON
from tests.support.sites import site_with

PLAN = plan_site(site_with())
QUARTER = timedelta(minutes=15)


def _alignment(later: timedelta) -> Alignment | None:
    return Alignment.of(PLAN, Horizon.at(NOON + later))


def test_a_plan_of_this_quarter_hour_is_taken_as_it_is() -> None:
    powers = np.arange(96.0)

    alignment = _alignment(timedelta(minutes=14))

    assert alignment is not None
    assert np.array_equal(alignment.base(powers), powers)
    assert np.array_equal(alignment.device(powers), powers)
    assert np.array_equal(alignment.level(-1.0, powers), [-1.0, *powers])


def test_what_an_older_plan_lacks_is_filled_in() -> None:
    powers = np.arange(96.0)

    alignment = _alignment(2 * QUARTER)

    assert alignment is not None
    assert list(alignment.base(powers)[-3:]) == [95.0, 0.0, 1.0]
    assert list(alignment.device(powers)[-3:]) == [95.0, 0.0, 0.0]
    assert list(alignment.level(-1.0, powers)[:3]) == [-1.0, 2.0, 3.0]
    assert list(alignment.level(-1.0, powers)[-3:]) == [95.0, 95.0, 95.0]


def test_a_plan_counts_for_an_hour() -> None:
    assert _alignment(4 * QUARTER) is not None
    assert _alignment(5 * QUARTER) is None


def test_a_plan_of_the_future_does_not_count() -> None:
    assert _alignment(-QUARTER) is None
