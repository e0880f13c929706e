from __future__ import annotations

from uuid import UUID, uuid4

from flexhub.gateway.silence import Silence

HERE, THERE = uuid4(), uuid4()


def hear(silence: Silence, *rounds: tuple[str | None, str | None]) -> None:
    for here, there in rounds:
        silence.hear({HERE: here, THERE: there})


def silent(silence: Silence) -> tuple[list[UUID], list[UUID]]:
    return silence.to_wake(), silence.silent()


def test_a_site_without_a_look_is_asked_for_one_and_then_silent() -> None:
    silence = Silence(rounds=4, ask_from=2)

    hear(silence, ("a", "1"), ("a", "2"))
    assert silent(silence) == ([], [])
    hear(silence, ("a", "3"))
    assert silent(silence) == ([HERE], [])
    hear(silence, ("a", "4"), ("a", "5"))
    assert silent(silence) == ([HERE], [HERE])


def test_one_look_is_enough() -> None:
    silence = Silence(rounds=3, ask_from=1)
    hear(silence, *[("a", "1")] * 3)
    assert silence.silent() == []

    hear(silence, ("b", "1"))

    assert silent(silence) == ([THERE], [THERE])


def test_a_mark_that_got_lost_is_no_look() -> None:
    silence = Silence(rounds=2, ask_from=1)

    hear(silence, ("a", "1"), (None, "2"), ("a", "3"))

    assert silence.silent() == [HERE]


def test_workers_that_leave_no_marks_are_not_taken_for_dead() -> None:
    silence = Silence(rounds=2, ask_from=1)
    hear(silence, *[(None, None)] * 5)
    assert silent(silence) == ([HERE, THERE], [])

    hear(silence, (None, "1"))

    assert silence.silent() == [HERE]


def test_a_site_that_no_longer_counts_begins_anew() -> None:
    silence = Silence(rounds=2, ask_from=1)
    hear(silence, ("a", "1"), ("a", "2"))

    silence.hear({THERE: "3"})
    hear(silence, ("a", "4"), ("a", "5"))

    assert silence.silent() == []


def test_rounds_without_redis_count_and_leave_time_afterwards() -> None:
    silence = Silence(rounds=4, ask_from=2)
    hear(silence, ("a", "1"))
    for _ in range(3):
        silence.hear_nothing()
    assert silence.silent() == []

    hear(silence, ("a", "1"))
    assert silent(silence) == ([HERE, THERE], [])
    hear(silence, ("a", "2"), ("a", "3"))
    assert silent(silence) == ([HERE], [HERE])


def test_whoever_never_hears_of_redis_again_is_silent() -> None:
    silence = Silence(rounds=2, ask_from=1)
    hear(silence, ("a", "1"))

    silence.hear_nothing()
    silence.hear_nothing()

    assert silence.silent() == [HERE, THERE]
