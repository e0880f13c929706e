from __future__ import annotations

from flexhub.gateway.recent_rows import RecentRows


def rows(*, most: int = 10) -> RecentRows:
    return RecentRows(keep_s=30.0, most=most)


def test_gives_back_what_was_taken_in_its_order_and_once() -> None:
    recent = rows()
    recent.add(["t1", "t2"], ["l1"], now_s=0.0)
    recent.add([], ["l2"], now_s=1.0)

    assert len(recent) == 4
    assert recent.take() == (["t1", "t2"], ["l1", "l2"])
    assert recent.take() == ([], [])
    assert len(recent) == 0


def test_forgets_what_a_worker_has_stored_long_since() -> None:
    recent = rows()
    recent.add(["old"], [], now_s=0.0)
    recent.add(["young"], [], now_s=29.0)

    recent.add([], [], now_s=30.0)

    assert recent.take() == (["young"], [])


def test_keeps_the_youngest_when_there_are_too_many() -> None:
    recent = rows(most=3)
    recent.add(["a", "b"], [], now_s=0.0)

    recent.add(["c"], ["d"], now_s=0.0)

    assert recent.take() == (["c"], ["d"])
