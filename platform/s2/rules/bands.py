"""Arithmetic on bands of fill levels that more than one rule of FRBC needs.

Bands that were computed may miss each other by rounding, and a level may miss its band; neither is held against anyone
(R-134).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator

from s2.messages import FRBCOperationMode, FRBCOperationModeElement, NumberRange

#: Relative to the larger number, or in the unit of the fill level where both are below 1.
TOLERANCE = 1e-9


def seams(bands: Iterable[NumberRange]) -> Iterator[tuple[float, float]]:
    """Where one band ends and where the next one starts. The standard does not ask for an order."""
    ordered = sorted(bands, key=lambda band: band.start_of_range)
    for lower, upper in itertools.pairwise(ordered):
        yield lower.end_of_range, upper.start_of_range


def meets(end: float, start: float) -> bool:
    return math.isclose(end, start, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def covers(band: NumberRange, level: float) -> bool:
    start, end = band.start_of_range, band.end_of_range
    return start <= level <= end or meets(start, level) or meets(level, end)


def element_at(mode: FRBCOperationMode, level: float) -> FRBCOperationModeElement | None:
    """The element that holds at `level`; None where the mode cannot be used (R-130).

    A level on the boundary of two bands belongs to the upper one (R-134).
    """
    found = [element for element in mode.elements if covers(element.fill_level_range, level)]
    return max(found, key=lambda element: element.fill_level_range.start_of_range, default=None)


def fill_rate(element: FRBCOperationModeElement, factor: float) -> float:
    """In level units per second, linear in the factor (R-57)."""
    start, end = element.fill_rate.start_of_range, element.fill_rate.end_of_range
    return start + factor * (end - start)
