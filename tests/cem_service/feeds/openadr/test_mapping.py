"""What events mean to a site: whose they are, how long they hold, and which of two counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cem_service.domain.feed import SeriesKind
from cem_service.feeds.openadr.mapping import chosen_programs, series
from cem_service.feeds.sdk import Empty, Malformed, Place, Refused
from tests.simulators.openadr import descriptor, event

NOW = datetime(2026, 4, 21, 10, 0, tzinfo=UTC)
END = NOW + timedelta(hours=8)
HOUR = timedelta(hours=1)
IMPORT, EXPORT, PRICE = "IMPORT_CAPACITY_LIMIT", "EXPORT_CAPACITY_LIMIT", "PRICE"
PROGRAM = {
    "id": "program-1",
    "programName": "dynamic",
    "payloadDescriptors": [descriptor(IMPORT, "KW"), descriptor(EXPORT, "KW"), descriptor(PRICE, "KWH", "EUR")],
}

PERIOD = {"start": "2026-04-21T10:00:00Z", "duration": "PT1H"}
BARE = {"id": 0, "payloads": [{"type": PRICE, "values": [0.1]}]}
# In hours after NOW, as all below.
FOR_EVER = (datetime(2300, 1, 1, tzinfo=UTC) - NOW) / HOUR

Known = list[tuple[float, float, float]]


def _read(kind: SeriesKind, *events: dict[str, Any], names: str = "", program: dict[str, Any] = PROGRAM) -> Known:
    """(from, to, value) of what is known, in hours after NOW."""
    programs = chosen_programs(Place([program], "programs").items(), None)
    found = series(programs, Place(list(events), "events").items(), frozenset(names.split()), NOW, END)
    (steps,) = (each.steps for each in found if each.kind is kind)
    hours = [(edge - NOW.timestamp()) / 3600 for edge in steps.edges]
    pieces = zip(hours[:-1], hours[1:], steps.values.tolist(), strict=True)
    return [piece for piece in pieces if piece[2] == piece[2]]


def test_intervals_with_periods_of_their_own_may_leave_gaps() -> None:
    limits = event(IMPORT, (NOW + 3 * HOUR, "PT30M", 2.0), (NOW, "PT1H", 4.0))

    assert _read(SeriesKind.IMPORT_LIMIT, limits) == [(0, 1, 4000.0), (3, 3.5, 2000.0)]


def test_intervals_without_follow_each_other_from_the_events_start() -> None:
    period = {"start": "2026-04-21T11:00:00Z", "duration": "PT15M", "randomizeStart": "PT5M"}

    prices = event(PRICE, (None, "", 0.1), (None, "", -0.2), intervalPeriod=period)

    assert _read(SeriesKind.PRICE, prices) == [(1, 1.25, 0.1), (1.25, 1.5, -0.2)]


def test_what_an_interval_leaves_out_of_its_period_is_that_of_the_event() -> None:
    limits = event(IMPORT, *[(None, "", value) for value in (4.0, 3.0, 2.0)], intervalPeriod=PERIOD)
    limits["intervals"][1]["intervalPeriod"] = {"duration": "PT2H"}
    limits["intervals"][2]["intervalPeriod"] = {"start": f"{NOW + 5 * HOUR:%Y-%m-%dT%H:%M:%SZ}"}

    assert _read(SeriesKind.IMPORT_LIMIT, limits) == [(0, 1, 4000.0), (1, 3, 3000.0), (5, 6, 2000.0)]


@pytest.mark.parametrize("start", ["0001-01-01", "0001-01-01T00:00:00", "0001-01-01T00:00:00Z", "0000-00-00"])
def test_a_start_at_the_beginning_of_time_means_at_once_or_right_after_the_interval_before(start: str) -> None:
    at_once = event(IMPORT, (None, "", 4.0), intervalPeriod={"start": start, "duration": "P9999Y"})
    long_over = event(IMPORT, (None, "", 3.0), intervalPeriod={"start": start, "duration": "PT1H"}, priority=0)
    in_a_row = event(IMPORT, (NOW, "PT1H", 2.0), (NOW, "PT1H", 1.0), priority=1)
    in_a_row["intervals"][1]["intervalPeriod"]["start"] = start

    pieces = _read(SeriesKind.IMPORT_LIMIT, at_once, long_over, in_a_row)

    assert [(begins, value) for begins, _, value in pieces[1:]] == [(0, 2000.0), (1, 1000.0), (2, 4000.0)]
    assert pieces[0][2] == 4000.0


@pytest.mark.parametrize(
    ("duration", "hours"), [("PT0S", FOR_EVER), ("P9999Y", FOR_EVER), ("P1W", 168), ("PT90M", 1.5)]
)
def test_until_further_notice_has_no_end_and_nothing_is_cut_off(duration: str, hours: float) -> None:
    assert _read(SeriesKind.EXPORT_LIMIT, event(EXPORT, (NOW, duration, 0.0))) == [(0, hours, 0.0)]


def test_what_began_long_ago_until_further_notice_still_holds() -> None:
    limits = event(EXPORT, (datetime(2001, 1, 1, tzinfo=UTC), "P9999Y", 0.0))

    assert [piece[1:] for piece in _read(SeriesKind.EXPORT_LIMIT, limits)] == [(FOR_EVER, 0.0)]


@pytest.mark.parametrize(
    ("lasts", "pieces"),
    [
        ("PT90M", [(0, 1, 4000.0), (1, 1.5, 3000.0)]),
        ("PT2H", [(0, 1, 4000.0), (1, 2, 3000.0)]),
        ("PT0S", [(0, 1, 4000.0), (1, 2, 3000.0)]),
        ("PT4H30M", [(0, 1, 4000.0), (1, 2, 3000.0), (2, 3, 4000.0), (3, 4, 3000.0), (4, 4.5, 4000.0)]),
    ],
)
def test_an_event_may_last_shorter_or_longer_than_its_intervals(lasts: str, pieces: Known) -> None:
    limits = event(IMPORT, (None, "", 4.0), (None, "", 3.0), intervalPeriod=PERIOD, duration=lasts)

    assert _read(SeriesKind.IMPORT_LIMIT, limits) == pieces


@pytest.mark.parametrize("start", ["2026-04-10T09:00:00Z", "0001-01-01"])
def test_a_day_that_repeats_for_ever_holds_today(start: str) -> None:
    """Of a day from 9 o'clock on, or from midnight, the window has 8 hours from 10 o'clock on."""
    period = {"start": start, "duration": "PT1H"}
    prices = event(PRICE, *((None, "", hour / 100) for hour in range(24)), intervalPeriod=period, duration="P9999Y")

    first = 1 if start.startswith("2026") else 10
    assert _read(SeriesKind.PRICE, prices) == [(hour, hour + 1, (first + hour) / 100) for hour in range(8)]


def test_what_is_over_or_far_ahead_is_left_out() -> None:
    limits = event(IMPORT, (NOW - 2 * HOUR, "PT1H", 4.0), (END, "PT1H", 4.0))

    assert _read(SeriesKind.IMPORT_LIMIT, limits) == []


def test_many_intervals_until_further_notice_end_with_time_itself() -> None:
    period = {"start": "2026-04-21T10:00:00Z"}
    limits = event(IMPORT, *[(None, "", 4.0)] * 900, intervalPeriod=period)

    assert _read(SeriesKind.IMPORT_LIMIT, limits) == [(0, FOR_EVER, 4000.0)]


def test_the_higher_priority_counts_and_among_equal_limits_the_lower() -> None:
    urgent = event(IMPORT, (NOW + 2 * HOUR, "PT1H", 6.0), priority=0)
    others = [event(IMPORT, (NOW, "PT4H", value), priority=1) for value in (5.0, 3.0)]
    unranked = event(IMPORT, (NOW, "PT5H", 1.0))

    assert _read(SeriesKind.IMPORT_LIMIT, unranked, urgent, *others) == [
        (0, 2, 3000.0),
        (2, 3, 6000.0),
        (3, 4, 3000.0),
        (4, 5, 1000.0),
    ]


def test_among_equals_the_price_that_was_said_last_counts() -> None:
    said = [
        event(PRICE, (NOW, "PT1H", price), modificationDateTime=f"2026-04-2{day}T00:00:00Z")
        for day, price in ((1, 0.3), (0, 0.1))
    ]

    assert _read(SeriesKind.PRICE, *said) == [(0, 1, 0.3)]


@pytest.mark.parametrize(
    ("targets", "counts"),
    [
        (None, True),
        ([], True),
        ([{"type": "GROUP", "values": ["north", "south"]}], True),
        (["south"], True),
        ([{"type": "VEN_NAME", "values": ["another"]}], False),
        (["another"], False),
    ],
)
def test_an_event_for_others_is_none_of_ours(targets: list[Any] | None, counts: bool) -> None:
    limits = event(IMPORT, (NOW, "PT1H", 4.0), targets=targets)

    assert bool(_read(SeriesKind.IMPORT_LIMIT, limits, names="ven-1 south")) is counts


def test_an_event_of_another_program_is_none_of_ours() -> None:
    assert _read(SeriesKind.IMPORT_LIMIT, event(IMPORT, (NOW, "PT1H", 4.0), programID="program-2")) == []


def test_an_event_may_describe_its_payloads_itself() -> None:
    bare = {"id": "program-1", "programName": "bare"}
    prices = event("EXPORT_PRICE", (NOW, "PT1H", 0.04), payloadDescriptors=[descriptor("EXPORT_PRICE", "KWH", "EUR")])

    assert _read(SeriesKind.EXPORT_PRICE, prices, program=bare) == [(0, 1, 0.04)]
    assert _read(SeriesKind.GRID_CARBON, event("GHG", (NOW, "PT1H", 120.0)), program=bare) == [(0, 1, 120.0)]


def test_an_event_that_only_wants_reports_is_passed_over() -> None:
    reports = event(PRICE) | {"intervals": None, "reportDescriptors": [{"payloadType": "USAGE"}]}

    assert _read(SeriesKind.PRICE, reports, event(PRICE, (NOW, "PT1H", 0.1))) == [(0, 1, 0.1)]


def test_types_that_are_not_for_us_are_passed_over() -> None:
    assert _read(SeriesKind.PRICE, event("SIMPLE", (NOW, "PT1H", 2.0)), event("PRICE", (NOW, "PT1H", 0.1))) == [
        (0, 1, 0.1)
    ]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"programID": 7}, "events[0].programID: should be text"),
        ({"intervals": {}}, "events[0].intervals: should be a list"),
        ({"intervals": [{"id": 0, "payloads": []}]}, "events[0].intervals[0]: should have an intervalPeriod"),
        ({"priority": "high"}, "events[0].priority: should be a number"),
        (
            {"payloadDescriptors": [descriptor(PRICE, "KWH", "USD")]},
            "events[0].payloadDescriptors[0].currency: should be EUR",
        ),
        ({"payloadDescriptors": [descriptor(PRICE, "THERMS", "EUR")]}, "payloadDescriptors[0].units: should be KWH"),
        ({"duration": "for ever"}, "events[0].duration: should be a duration such as PT15M"),
        (
            {"duration": "P9999Y", "intervalPeriod": PERIOD | {"duration": "PT0.01S"}, "intervals": [BARE]},
            "events[0].duration: repeats the intervals too often",
        ),
        ({"modificationDateTime": "yesterday"}, "events[0].modificationDateTime: should be a time"),
    ],
)
def test_a_malformed_event_is_refused_by_the_name_of_its_field(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(Malformed) as caught:
        _read(SeriesKind.PRICE, event(PRICE, (NOW, "PT1H", 0.1)) | changes)

    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "duration", "value", "problem"),
    [
        (IMPORT, "PT1H", -1.0, "values[0]: should not be below 0"),
        (IMPORT, "an hour", 1.0, "duration: should be a duration such as PT15M"),
        (IMPORT, "P", 1.0, "duration: should be a duration such as PT15M"),
        (PRICE, "PT1H", "dear", "values[0]: should be a number"),
    ],
)
def test_a_malformed_interval_is_refused_by_the_name_of_its_field(
    kind: str, duration: str, value: Any, problem: str
) -> None:
    with pytest.raises(Malformed) as caught:
        _read(SeriesKind.PRICE, event(kind, (NOW, duration, value)))

    assert problem in str(caught.value)


def test_a_payload_holds_one_number() -> None:
    two = event(PRICE, (NOW, "PT1H", 0.1))
    two["intervals"][0]["payloads"][0]["values"] = [0.1, 0.2]

    with pytest.raises(Malformed, match="should hold one number"):
        _read(SeriesKind.PRICE, two)


def test_a_program_is_chosen_by_its_id_or_name() -> None:
    programs = Place([PROGRAM, PROGRAM | {"id": "program-2", "programName": "other"}], "programs")

    assert list(chosen_programs(programs.items(), None)) == ["program-1", "program-2"]
    assert list(chosen_programs(programs.items(), "other")) == ["program-2"]
    assert list(chosen_programs(programs.items(), "program-1")) == ["program-1"]
    with pytest.raises(Refused, match="no program of this id or name"):
        chosen_programs(programs.items(), "missing")
    with pytest.raises(Empty, match="no program for us"):
        chosen_programs([], None)
