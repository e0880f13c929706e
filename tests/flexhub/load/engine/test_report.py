from __future__ import annotations

from collections import Counter

from flexhub.load.engine.report import as_json, as_text
from flexhub.load.engine.tally import Tally


def tally() -> Tally:
    made = Tally(sessions=10, opened=8, connecting_s=2.0, sent=100, acknowledged=90, measuring_s=9.0, unanswered=7)
    made.cut_off = 3
    made.refusals = Counter({"HTTP 503": 4})
    made.closes = Counter({"1006": 2, "4409 a newer one": 1})
    for milliseconds in range(1, 101):
        made.answering.add(milliseconds / 1000)
    return made


def test_the_table_says_what_was_counted() -> None:
    text = as_text(tally())

    for part in (
        "8 of 10 opened in 2.0 s (4/s)",
        "100 sent in 9.0 s, 90 acknowledged (10.0/s)",
        "7 never answered, 3 unanswered when their connection ended",
        "HTTP 503 (4)",
        "1006 (2), 4409 a newer one (1)",
        "max 100.0 ms",
        "No control type was selected",
    ):
        assert part in text


def test_the_object_has_the_same_for_programs() -> None:
    counted = as_json(tally())

    assert counted["connect_rate"] == 4
    assert counted["acknowledged_rate"] == 10
    assert counted["lost"] == 10
    assert counted["clean"] is False
    assert 0.099 <= counted["answering"]["p99"] <= 0.1
    assert counted["closes"] == {"1006": 2, "4409 a newer one": 1}


def test_it_says_when_the_generator_was_the_slow_one() -> None:
    late = tally()
    late.behind_s = 0.5

    assert "could not keep to its schedule" in as_text(late)
    assert "could not keep to its schedule" not in as_text(tally())


def test_nothing_measured_divides_by_nothing() -> None:
    assert "nothing to measure" in as_text(Tally(sessions=1))
