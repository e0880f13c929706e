"""What a language is made of, and how it writes numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from cem_service.domain.decision import Objective
from cem_service.domain.feed import SeriesKind
from cem_service.domain.forecasts import ForecastSource


@dataclass(frozen=True, slots=True)
class Language:
    """`sentences` by key, with places such as `{from_w:z,.0f}`; `telling` says which key tells which reason.

    `objectives` are named in the middle of a sentence, `kinds` at its beginning. `instead` is what a plan uses where a
    feed says nothing, `forecasts` what a forecast is made from. `pieces` are shorter texts that the core knows in
    English only, by how they begin: what follows that beginning, a moment or a name, is kept. `months` are the twelve
    short names. `marks` stand between thousands and before decimals.
    """

    code: str
    sentences: Mapping[str, str]
    objectives: Mapping[Objective, str]
    kinds: Mapping[SeriesKind, str]
    instead: Mapping[SeriesKind, str]
    forecasts: Mapping[ForecastSource, str]
    months: tuple[str, ...]
    pieces: Mapping[str, str]
    marks: str = ",."

    def number(self, value: float) -> Number:
        return Number(value, self)

    def day(self, moment: datetime) -> str:
        return f"{moment:%d} {self.months[moment.month - 1]}"

    def piece(self, text: str) -> str:
        """The text in this language, as far as it is known."""
        for begins, instead in self.pieces.items():
            if text.startswith(begins):
                return instead + text.removeprefix(begins)
        return text


class Number(float):
    """Formats like any number, and then as the language writes it."""

    language: Language

    def __new__(cls, value: float, language: Language) -> Self:
        number = super().__new__(cls, value)
        number.language = language
        return number

    def __format__(self, spec: str) -> str:
        return super().__format__(spec).translate(str.maketrans(",.", self.language.marks))
