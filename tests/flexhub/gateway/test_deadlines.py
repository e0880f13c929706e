from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flexhub.gateway.deadlines import Deadlines

NOON = datetime(2026, 4, 21, 12, 0, tzinfo=UTC)


class Sleeper:
    def __init__(self, seconds: float | None) -> None:
        self.wake_at: datetime | None = None
        self.deadline = None if seconds is None else NOON + timedelta(seconds=seconds)

    def next_deadline(self) -> datetime | None:
        return self.deadline


def test_hands_out_what_is_due_once_and_in_order() -> None:
    deadlines: Deadlines[Sleeper] = Deadlines()
    late, early, never = Sleeper(2), Sleeper(1), Sleeper(None)
    for each in (late, early, never):
        deadlines.note(each)

    assert deadlines.due(NOON) == []
    assert deadlines.due(NOON + timedelta(seconds=2)) == [early, late]
    assert deadlines.due(NOON + timedelta(seconds=9)) == []


def test_follows_a_deadline_that_moves_either_way() -> None:
    deadlines: Deadlines[Sleeper] = Deadlines()
    sooner, later = Sleeper(5), Sleeper(1)
    for each in (sooner, later):
        deadlines.note(each)

    sooner.deadline, later.deadline = NOON + timedelta(seconds=1), NOON + timedelta(seconds=5)
    for each in (sooner, later):
        deadlines.note(each)

    assert deadlines.due(NOON + timedelta(seconds=1)) == [sooner]
    sooner.deadline = None
    assert deadlines.due(NOON + timedelta(seconds=5)) == [later]


def test_forgets_who_no_longer_has_a_deadline() -> None:
    deadlines: Deadlines[Sleeper] = Deadlines()
    sleeper = Sleeper(1)
    deadlines.note(sleeper)

    sleeper.deadline = None

    assert deadlines.due(NOON + timedelta(seconds=1)) == []
    assert len(deadlines) == 0


def test_does_not_grow_while_a_deadline_only_moves_away() -> None:
    deadlines: Deadlines[Sleeper] = Deadlines()
    sleeper = Sleeper(1)

    for seconds in range(1, 100):
        sleeper.deadline = NOON + timedelta(seconds=seconds)
        deadlines.note(sleeper)

    assert len(deadlines) == 1
