from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from flexhub.telemetry.quarters import quarter_start


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 4, 21, 12, 7, 59, 999_999, tzinfo=UTC),
        datetime(2026, 4, 21, 17, 52, 1, tzinfo=timezone(timedelta(hours=5, minutes=45))),
        datetime(2026, 4, 21, 14, 0, tzinfo=ZoneInfo("Europe/Amsterdam")),
    ],
)
def test_a_quarter_hour_is_one_of_utc(moment: datetime) -> None:
    assert quarter_start(moment) == datetime(2026, 4, 21, 12, 0, tzinfo=UTC)
