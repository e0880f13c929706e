from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cem_service.domain.feed import SeriesKind
from cem_service.feeds.sdk import Malformed, Piece, Place, Series
from cem_service.feeds.sdk.values import MOST_PIECES

NOW = datetime(2026, 4, 21, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def _series(*pieces: Piece) -> Series:
    return Series.of(SeriesKind.PRICE, pieces, field="data")


def test_between_two_pieces_nothing_is_known() -> None:
    series = _series(
        (NOW + 2 * HOUR, NOW + 3 * HOUR, 2.0), (NOW, NOW + HOUR, 1.0), (NOW + 3 * HOUR, NOW + 4 * HOUR, None)
    )

    assert series.as_dict() == {
        "edges_s": [int(NOW.timestamp()) + 3600 * hour for hour in range(5)],
        "values": [1.0, None, 2.0, None],
    }
    assert series.ends_at == NOW + 3 * HOUR


def test_no_pieces_are_a_series_without_end() -> None:
    assert _series().as_dict() == {"edges_s": [], "values": []}
    assert _series().ends_at is None


@pytest.mark.parametrize(
    ("pieces", "problem"),
    [
        ([(NOW, NOW + 2 * HOUR, 1.0), (NOW + HOUR, NOW + 3 * HOUR, 2.0)], "data: has two values for 2026-04-21T11:00Z"),
        ([(NOW, NOW, 1.0)], "data: has a value that ends before it begins"),
        (
            [(NOW + n * HOUR, NOW + (n + 1) * HOUR, 1.0) for n in range(MOST_PIECES + 1)],
            "data: has more than 1000 values",
        ),
    ],
)
def test_pieces_that_cannot_be_are_refused(pieces: list[Piece], problem: str) -> None:
    with pytest.raises(Malformed, match=problem):
        _series(*pieces)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4), st.none() | st.integers(-900, 900)), max_size=20))
def test_what_is_stored_is_read_as_it_was(gaps_lengths_values: list[tuple[int, int, int | None]]) -> None:
    pieces: list[Piece] = []
    at = NOW
    for gap, length, value in gaps_lengths_values:
        start = at + gap * HOUR
        at = start + length * HOUR
        pieces.append((start, at, None if value is None else value / 7))

    stored = _series(*pieces).as_dict()

    assert Series.from_dict(SeriesKind.PRICE, stored).as_dict() == stored


@pytest.mark.parametrize("stored", [{}, {"edges_s": [1], "values": [1.0]}, {"edges_s": [2, 1], "values": [1.0]}])
def test_what_does_not_belong_together_is_not_read(stored: dict[str, list[float]]) -> None:
    with pytest.raises((KeyError, ValueError)):
        Series.from_dict(SeriesKind.PRICE, stored)


class TestPlace:
    DOCUMENT = Place.of(b'{"data": [{"at": "2026-04-21T12:00+02:00", "value": 1}, {"at": "noon", "value": "1"}]}')

    def test_values_are_found_by_their_path(self) -> None:
        first, _ = (self.DOCUMENT / "data").items()

        assert ((first / "at").moment(), (first / "value").number()) == (NOW, 1.0)
        assert (first / "missing").number_or_none() is None

    def test_what_is_wrong_is_named_by_its_path(self) -> None:
        _, second = (self.DOCUMENT / "data").items()

        with pytest.raises(Malformed, match=r"data\[1\]\.at: should be a time with its zone"):
            (second / "at").moment()
        with pytest.raises(Malformed, match=r"data\[1\]\.value: should be a number"):
            (second / "value").number()
        with pytest.raises(Malformed, match="data: should be an object"):
            self.DOCUMENT / "data" / "value"
        with pytest.raises(Malformed, match=r"data\[1\]\.unit: should be W or kW"):
            (second / "unit").word("W", "kW")

    @pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000])
    def test_what_is_not_json_is_named_so(self, body: bytes) -> None:
        with pytest.raises(Malformed, match="answer: is not JSON"):
            Place.of(body)

    @pytest.mark.parametrize("text", [b"NaN", b"1e999", b"true", b'"1"', b"null"])
    def test_only_a_finite_number_is_a_number(self, text: bytes) -> None:
        with pytest.raises(Malformed, match="answer: should be a number"):
            Place.of(text).number()
