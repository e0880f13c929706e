from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from cem_service.feeds.energy_charts.mapping import prices
from cem_service.feeds.sdk import Empty, Malformed

START = int(datetime(2026, 4, 21, 10, 0, tzinfo=UTC).timestamp())
QUARTER, HOUR = 900, 3600


def _document(starts: list[Any], values: list[Any], unit: str = "EUR / MWh") -> bytes:
    return json.dumps({"unix_seconds": starts, "price": values, "unit": unit}).encode()


def _pieces(starts: list[int], values: list[float | None]) -> list[tuple[float, float | None]]:
    """(length in seconds, value) of each piece, those that are missing included."""
    stored = prices(_document(starts, values)).as_dict()
    edges = stored["edges_s"]
    return [(edges[index + 1] - edges[index], value) for index, value in enumerate(stored["values"])]


def test_a_step_is_as_long_as_the_way_to_the_next() -> None:
    quarters = [START + index * QUARTER for index in range(3)]

    assert _pieces(quarters, [10.0, -20.0, 30.0]) == [(QUARTER, 0.01), (QUARTER, -0.02), (QUARTER, 0.03)]


def test_days_of_hours_and_of_quarter_hours_may_follow_each_other() -> None:
    starts = [START, START + HOUR, START + HOUR + QUARTER]

    assert _pieces(starts, [1000.0, 2000.0, 3000.0]) == [(HOUR, 1.0), (QUARTER, 2.0), (QUARTER, 3.0)]


def test_a_step_that_is_left_out_is_missing() -> None:
    starts = [START, START + QUARTER, START + 3 * QUARTER, START + 4 * QUARTER]

    assert _pieces(starts, [1000.0] * 4) == [
        (QUARTER, 1.0),
        (QUARTER, 1.0),
        (QUARTER, None),
        (QUARTER, 1.0),
        (QUARTER, 1.0),
    ]


@pytest.mark.parametrize("values", [[], [None, None]])
def test_no_price_at_all_is_nothing(values: list[None]) -> None:
    with pytest.raises(Empty):
        prices(_document([START, START + HOUR][: len(values)], values))


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (b"{}", "unit: should be EUR / MWh or EUR/MWh"),
        (_document([START], [1.0], "ct / kWh"), "unit: should be EUR / MWh or EUR/MWh"),
        (_document([START, START], [1.0, 2.0]), "unix_seconds: should ascend"),
        (_document([START], [1.0, 2.0]), "price: should have 1 values"),
        (_document([START], ["1"]), "price[0]: should be a number"),
        (_document([9e11], [1.0]), "unix_seconds[0]: should be a time in seconds"),
        (_document([2e11], [1.0]), "unix_seconds[0]: should be a time from 2000 to 2200"),
        (b"[]", "answer: should be an object"),
    ],
)
def test_a_malformed_document_is_refused_by_the_name_of_its_field(document: bytes, problem: str) -> None:
    with pytest.raises(Malformed) as caught:
        prices(document)

    assert problem in str(caught.value)
