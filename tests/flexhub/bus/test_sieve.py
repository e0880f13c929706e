from __future__ import annotations

from collections.abc import Sequence

import pytest

from flexhub.bus.sieve import sift


class Shelf:
    """Takes numbers, all of a call or none: negative ones are refused, and 13 breaks it."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.calls = 0

    def store(self, numbers: Sequence[int]) -> int:
        self.calls += 1
        if 13 in numbers:
            raise OSError
        if any(number < 0 for number in numbers):
            raise ValueError(min(numbers))
        self.numbers += numbers
        return len(numbers)


def test_good_rows_are_stored_in_one_call() -> None:
    shelf = Shelf()

    sifted = sift([1, 2, 3], shelf.store, (ValueError,))

    assert (sifted.stored, sifted.refused, shelf.calls) == (3, [], 1)


def test_a_bad_row_holds_up_no_good_one() -> None:
    shelf, rows = Shelf(), [-1 if number == 321 else number + 100 for number in range(500)]

    sifted = sift(rows, shelf.store, (ValueError,))

    assert shelf.numbers == [number for number in rows if number > 0]
    assert sifted.stored == 499
    assert [(row, str(error)) for row, error in sifted.refused] == [(-1, "-1")]
    assert shelf.calls < 25


def test_all_rows_may_be_bad() -> None:
    shelf = Shelf()

    sifted = sift([-1, -2, -3], shelf.store, (ValueError,))

    assert [row for row, _ in sifted.refused] == [-1, -2, -3]
    assert shelf.numbers == []


def test_nothing_is_stored_with_no_call() -> None:
    shelf = Shelf()

    assert sift([], shelf.store, (ValueError,)).stored == shelf.calls == 0


def test_other_errors_are_no_fault_of_the_rows() -> None:
    with pytest.raises(OSError):  # noqa: PT011 - The shelf's own.
        sift([1, 13, -1], Shelf().store, (ValueError,))


def test_when_too_many_are_refused_they_are_not_at_fault() -> None:
    with pytest.raises(ValueError, match="-3"):
        sift([-1, -2, -3], Shelf().store, (ValueError,), most=2)
