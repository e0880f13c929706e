from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cem_service.domain.local_time import places_in_week, places_of_steps

QUARTER = timedelta(minutes=15)
# 25 October 2026 is a Sunday, and has 25 hours in Amsterdam.
SATURDAY_NIGHT = datetime(2026, 10, 24, 21, 40, tzinfo=UTC)


def test_tells_weekends_and_quarter_hours_by_the_local_clock() -> None:
    moments = [datetime(2026, 10, 23, 21, 59, tzinfo=UTC), datetime(2026, 10, 23, 22, 0, tzinfo=UTC)]

    weekends, quarters = places_in_week(moments, "Europe/Amsterdam")

    assert weekends.tolist() == [0, 1]
    assert quarters.tolist() == [95, 0]


@pytest.mark.parametrize("timezone", ["UTC", "Europe/Amsterdam", "Asia/Kathmandu", "Australia/Lord_Howe"])
def test_steps_lie_where_their_starts_do(timezone: str) -> None:
    """From the middle of a quarter hour on, over a change of the clock."""
    starts = [SATURDAY_NIGHT + index * QUARTER for index in range(96)]

    steps = places_of_steps(SATURDAY_NIGHT, 96, QUARTER, timezone)

    for place, one_by_one in zip(steps, places_in_week(starts, timezone), strict=True):
        assert place.tolist() == one_by_one.tolist()


def test_what_is_kept_for_all_cannot_be_changed_by_one() -> None:
    weekends, _ = places_of_steps(SATURDAY_NIGHT, 96, QUARTER, "UTC")

    with pytest.raises(ValueError, match="read-only"):
        weekends[0] = 7
