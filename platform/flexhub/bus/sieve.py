"""Storing many rows at once although some of them cannot be stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from flexhub.bus.ports import POISON_LIMIT

Row = TypeVar("Row")


@dataclass(slots=True)
class Sifted(Generic[Row]):
    """How many rows are new, and which were refused, each with the error."""

    stored: int = 0
    refused: list[tuple[Row, Exception]] = field(default_factory=list)


def sift(
    rows: Sequence[Row],
    store: Callable[[Sequence[Row]], int],
    refusals: tuple[type[Exception], ...],
    *,
    most: int = POISON_LIMIT,
) -> Sifted[Row]:
    """Store all rows in one call of `store`, or the halves of those that are refused, down to single rows.

    `store` returns how many were new, takes all or nothing, and keeps the order of what one instruction or one link
    is told, since the halves follow each other. One bad row among 500 costs it some twenty calls.

    More than `most` refusals are not the fault of rows but of whoever stores them. The error is raised then, and
    everything stays where it came from; so it does after any error that is not of `refusals`.
    """
    sifted: Sifted[Row] = Sifted()
    _sift(rows, store, refusals, most, sifted)
    return sifted


def _sift(
    rows: Sequence[Row],
    store: Callable[[Sequence[Row]], int],
    refusals: tuple[type[Exception], ...],
    most: int,
    sifted: Sifted[Row],
) -> None:
    if not rows:
        return
    try:
        sifted.stored += store(rows)
        return
    except refusals as error:
        if len(rows) == 1:
            if len(sifted.refused) >= most:
                raise
            sifted.refused.append((rows[0], error))
            return
    middle = len(rows) // 2
    _sift(rows[:middle], store, refusals, most, sifted)
    _sift(rows[middle:], store, refusals, most, sifted)
