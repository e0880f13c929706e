"""How often a value is worth a message."""

from datetime import UTC, datetime

from flexhub.demo.rm.timing import Reporting, milliseconds, utc


def test_reports_first_then_on_change_then_by_the_clock() -> None:
    reporting = Reporting(every_s=60, change=100)

    assert reporting.due(0, 500)
    assert not reporting.due(5, 599)
    assert reporting.due(10, 601)
    assert not reporting.due(69, 601)
    assert reporting.due(70, 601)


def test_changes_within_the_gap_wait() -> None:
    reporting = Reporting(every_s=60, change=100, gap_s=15)
    reporting.due(0, 0)

    assert not reporting.due(14, 1000)
    assert reporting.due(15, 1000)


def test_after_forgetting_everything_is_news() -> None:
    reporting = Reporting(every_s=60, change=100, gap_s=15)
    reporting.due(0, 0)

    reporting.forget()

    assert reporting.due(1, 0)


def test_instants_and_durations_as_s2_writes_them() -> None:
    assert utc(0) == datetime(1970, 1, 1, tzinfo=UTC)
    assert milliseconds(1.5) == 1500
