from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from cem_service.feeds.schedule import after_answer, after_failure
from cem_service.feeds.sdk import AuthGone, Empty, Transient

NOW = datetime(2026, 4, 21, 10, 0, tzinfo=UTC)
FIRST, LAST = UUID(int=0), UUID(int=999)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def test_after_an_answer_one_period_passes_and_not_all_come_together() -> None:
    assert after_answer(FIRST, NOW, HOUR) == NOW + HOUR
    assert NOW + HOUR < after_answer(LAST, NOW, HOUR) <= NOW + 1.1 * HOUR


@pytest.mark.parametrize(("failures", "minutes"), [(1, 1), (2, 2), (4, 8), (7, 60), (1_000_000, 60)])
def test_failures_are_asked_about_later_and_later(failures: int, minutes: int) -> None:
    assert after_failure(FIRST, NOW, failures, HOUR, Empty("nothing")) == NOW + minutes * MINUTE


def test_what_a_person_has_to_change_is_not_asked_about_often() -> None:
    assert after_failure(FIRST, NOW, 1, 5 * MINUTE, AuthGone("no")) == NOW + HOUR


def test_a_provider_gets_the_patience_that_it_asks_for_and_no_less_than_ours() -> None:
    assert after_failure(FIRST, NOW, 1, HOUR, Transient("busy", retry_after=3 * HOUR)) == NOW + 3 * HOUR
    assert after_failure(FIRST, NOW, 4, HOUR, Transient("busy", retry_after=MINUTE)) == NOW + 8 * MINUTE
