from __future__ import annotations

import json
from collections import Counter

from flexhub.load.engine.tally import Tally


def tally(**values: object) -> Tally:
    made = Tally(**values)  # type: ignore[arg-type]  # The test knows the fields.
    made.answering.add(0.25)
    return made


def test_adds_counts_and_keeps_the_longer_time() -> None:
    total = tally(sessions=2, opened=2, sent=5, measuring_s=10.0, closes=Counter({"1006": 1}))

    total.add(tally(sessions=3, opened=2, sent=7, measuring_s=9.0, closes=Counter({"1006": 2})))

    assert (total.sessions, total.opened, total.sent, total.measuring_s) == (5, 4, 12, 10.0)
    assert total.closes == {"1006": 3}
    assert total.answering.count == 2


def test_survives_the_way_to_another_process() -> None:
    original = tally(sessions=2, refused=Counter({"INVALID_CONTENT": 1}))

    assert Tally.of(json.loads(json.dumps(original.as_dict()))).as_dict() == original.as_dict()


def test_is_clean_when_all_came_up_and_all_was_acknowledged() -> None:
    assert tally(sessions=1, opened=1, sent=1, acknowledged=1, reopened=1, asked_to_reconnect=1).clean

    assert not tally(sessions=2, opened=1).clean
    assert not tally(unanswered=1).clean
    assert not tally(cut_off=1).clean
    assert not tally(refused=Counter(INVALID_CONTENT=1)).clean
    assert not tally(closes=Counter({"1006": 1})).clean
