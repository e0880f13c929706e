"""Day-ahead prices out of the JSON of Energy-Charts. Pure.

`unix_seconds` holds the beginning of each step and `price` its price, null where there is none. The steps have the
length that their beginnings are apart; a day may change from hours to quarter hours, and where a step is missing its
neighbour is not any longer for it. Source: https://api.energy-charts.info, schema PriceResponse.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from cem_service.domain.feed import SeriesKind
from cem_service.feeds.sdk import Empty, Malformed, Piece, Place, Series

_UNITS = ("EUR / MWh", "EUR/MWh")
_KWH_PER_MWH = 1000.0
_HOUR = timedelta(hours=1)


def prices(document: bytes) -> Series:
    """Prices in EUR/kWh. Raises Empty and Malformed."""
    answer = Place.of(document)
    (answer / "unit").word(*_UNITS)
    starts = [each.epoch() for each in (answer / "unix_seconds").items()]
    values = [each.number_or_none() for each in (answer / "price").items()]
    if len(starts) != len(values):
        raise Malformed("price", f"should have {len(starts)} values, one for each of unix_seconds")
    if all(value is None for value in values):
        raise Empty("the provider has no prices for this time")
    return Series.of(SeriesKind.PRICE, _pieces(starts, values), field="unix_seconds")


def _pieces(starts: list[datetime], values: list[float | None]) -> Iterator[Piece]:
    """A step is as long as the shorter of the gaps to its neighbours, and an hour at most: so none fills a hole."""
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    if any(gap <= timedelta() for gap in gaps):
        raise Malformed("unix_seconds", "should ascend")
    for index, (start, value) in enumerate(zip(starts, values, strict=True)):
        step = min([_HOUR, *gaps[max(index - 1, 0) : index + 1]])
        if value is not None:
            yield start, start + step, value / _KWH_PER_MWH
