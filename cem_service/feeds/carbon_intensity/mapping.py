"""Grid carbon out of the JSON of the Carbon Intensity API. Pure.

`data` is a list of half hours, each with `from`, `to` and `intensity.forecast` in g/kWh; in an answer about a region it
is one level deeper. What is behind us may have an `actual` value too, an estimate from metered generation, and that is
the better one. Source: https://carbon-intensity.github.io/api-definitions/.
"""

from __future__ import annotations

from cem_service.domain.feed import SeriesKind
from cem_service.feeds.sdk import Empty, Piece, Place, Series


def grid_carbon(document: bytes) -> Series:
    """g/kWh. Raises Empty and Malformed."""
    data = Place.of(document) / "data"
    if isinstance(data.value, dict):
        data = data / "data"
    pieces = [_piece(each) for each in data.items()]
    if all(value is None for _, _, value in pieces):
        raise Empty("the provider has no values for this time")
    return Series.of(SeriesKind.GRID_CARBON, pieces, field=data.path)


def _piece(entry: Place) -> Piece:
    intensity = entry / "intensity"
    value = (intensity / "actual").number_or_none()
    if value is None:
        value = (intensity / "forecast").number_or_none()
    if value is not None and value < 0:
        raise (intensity / "forecast").malformed("should not be below 0")
    return (entry / "from").moment(), (entry / "to").moment(), value
