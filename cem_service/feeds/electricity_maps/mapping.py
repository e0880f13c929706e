"""Grid carbon out of the JSON of Electricity Maps. Pure.

`forecast` is a list of hours, each with `datetime`, its beginning, and `carbonIntensity` in g CO2 equivalent per kWh.
Asked for a zone that it does not know, it may answer for where the hub is, so the zone is compared.

Source: https://portal.electricitymaps.com/developer-hub/api/reference, /v3/carbon-intensity/forecast.
"""

from __future__ import annotations

from datetime import timedelta

from cem_service.domain.feed import SeriesKind
from cem_service.feeds.sdk import Empty, Place, Series, repeated

_HOUR = timedelta(hours=1)


def grid_carbon(document: bytes, zone: str) -> Series:
    """g/kWh of this zone. Raises Empty and Malformed."""
    answer = Place.of(document)
    (answer / "zone").word(zone)
    if (answer / "temporalGranularity").value is not None:
        (answer / "temporalGranularity").word("hourly")
    hours = list((answer / "forecast").items())
    values = [_value(hour / "carbonIntensity") for hour in hours]
    if all(value is None for value in values):
        raise Empty("the provider has no values for this time")
    starts = [(hour / "datetime").moment() for hour in hours]
    return Series.of(SeriesKind.GRID_CARBON, repeated(zip(starts, values, strict=True), _HOUR), field="forecast")


def _value(place: Place) -> float | None:
    value = place.number_or_none()
    if value is not None and value < 0:
        raise place.malformed("should not be below 0")
    return value
