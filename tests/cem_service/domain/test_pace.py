from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cem_service.domain.pace import is_outdated, left_alone_until

AT = datetime(2026, 4, 21, 10, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("later_s", "changed", "due"),
    [(59, True, False), (60, True, True), (779, False, False), (780, False, True), (780, True, True)],
)
def test_a_plan_is_due_with_each_quarter_hour_and_a_minute_after_the_one_that_something_changed(
    later_s: int, changed: bool, due: bool
) -> None:
    assert is_outdated(AT, AT + timedelta(seconds=later_s), changed=changed) is due


@pytest.mark.parametrize(("before", "minutes"), [(0, 5), (1, 10), (3, 40), (4, 80), (9, 80)])
def test_who_refuses_on_end_is_left_alone_for_longer_and_longer(before: int, minutes: int) -> None:
    assert left_alone_until(AT, refused_before=before) == AT + timedelta(minutes=minutes)
