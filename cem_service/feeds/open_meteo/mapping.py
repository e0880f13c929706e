"""Irradiance and temperature out of Open-Meteo's JSON. Pure.

`minutely_15` holds a list of times, each a quarter hour after the one before, and one of values for each variable, null
where there is none. Radiation is the mean of the quarter hour *before* its time; temperature is that of the moment, and
taken for the quarter hour that begins with it. Source: https://open-meteo.com/en/docs, "15-Minutely Parameter
Definition".
"""

from __future__ import annotations

from datetime import datetime, timedelta

from cem_service.domain.feed import SeriesKind
from cem_service.feeds.sdk import Empty, Malformed, Place, Series, repeated

FLAT = "shortwave_radiation"
TILTED = "global_tilted_irradiance"
TEMPERATURE = "temperature_2m"
_QUARTER = timedelta(minutes=15)


def forecast(document: bytes) -> tuple[Series, Series]:
    """Irradiance in W/m² and temperature in °C. Raises Empty and Malformed."""
    answer = Place.of(document)
    times = [each.epoch() for each in (answer / "minutely_15" / "time").items()]
    radiation = TILTED if TILTED in ((answer / "minutely_15").value or {}) else FLAT
    before = [time - _QUARTER for time in times]
    return (
        _series(answer, SeriesKind.IRRADIANCE, radiation, "W/m²", before),
        _series(answer, SeriesKind.TEMPERATURE, TEMPERATURE, "°C", times),
    )


def _series(answer: Place, kind: SeriesKind, name: str, unit: str, starts: list[datetime]) -> Series:
    (answer / "minutely_15_units" / name).word(unit)
    place = answer / "minutely_15" / name
    values = [each.number_or_none() for each in place.items()]
    if len(values) != len(starts):
        raise Malformed(place.path, f"should have {len(starts)} values, one for each time")
    if all(value is None for value in values):
        raise Empty(f"the provider has no {name} for this time")
    return Series.of(kind, repeated(zip(starts, values, strict=True), _QUARTER), field=place.path)
