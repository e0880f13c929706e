from __future__ import annotations

from datetime import timedelta

import pytest

from cem_service.feeds.labels import state_of
from cem_service.feeds.models import Feed
from tests.support.clock import FixedClock

NOW = FixedClock.at().now()


@pytest.mark.parametrize(
    ("age_h", "failures", "text", "colour"),
    [
        (None, 0, "waiting for the first answer", "info"),
        (None, 1, "failing, no answer yet", "danger"),
        (1, 0, "well", "success"),
        (3, 0, "late", "warning"),
        (1, 1, "failing, last answer in use", "warning"),
        (49, 3, "too old to be used", "danger"),
    ],
)
def test_a_feed_is_in_a_state_of_its_own(age_h: int | None, failures: int, text: str, colour: str) -> None:
    fetched_at = None if age_h is None else NOW - timedelta(hours=age_h)

    assert state_of(Feed(provider="entsoe", fetched_at=fetched_at, failures=failures), NOW) == (text, colour)


def test_a_provider_that_is_gone_is_said() -> None:
    assert state_of(Feed(provider="gone"), NOW) == ("no such provider", "danger")
