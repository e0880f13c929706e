from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from cem_service.feeds.open_meteo.mapping import forecast
from cem_service.feeds.sdk import Empty, Malformed

TEN = int(datetime(2026, 4, 21, 10, 0, tzinfo=UTC).timestamp())


def _document(**changes: Any) -> bytes:
    series = {"time": [TEN, TEN + 900], "shortwave_radiation": [500.0, 600.0], "temperature_2m": [11.0, 12.5]} | changes
    units = {"shortwave_radiation": "W/m²", "global_tilted_irradiance": "W/m²", "temperature_2m": "°C"}
    return json.dumps({"minutely_15_units": units, "minutely_15": series}).encode()


def test_radiation_is_of_the_quarter_hour_before_and_temperature_of_the_one_that_begins() -> None:
    irradiance, temperature = forecast(_document())

    assert irradiance.as_dict() == {"edges_s": [TEN - 900, TEN, TEN + 900], "values": [500.0, 600.0]}
    assert temperature.as_dict() == {"edges_s": [TEN, TEN + 900, TEN + 1800], "values": [11.0, 12.5]}


def test_on_a_tilted_surface_its_own_radiation_counts() -> None:
    irradiance, _ = forecast(_document(global_tilted_irradiance=[700.0, None]))

    assert irradiance.as_dict()["values"] == [700.0, None]


def test_no_value_at_all_is_nothing() -> None:
    with pytest.raises(Empty, match="no temperature_2m"):
        forecast(_document(temperature_2m=[None, None]))


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (b'{"error": true, "reason": "no"}', "minutely_15: should be an object"),
        (_document(time=["10:00", "10:15"]), "minutely_15.time[0]: should be a number"),
        (_document(temperature_2m=[11.0]), "minutely_15.temperature_2m: should have 2 values"),
        (_document(shortwave_radiation=[500.0, "much"]), "minutely_15.shortwave_radiation[1]: should be a number"),
        (_document(time=[TEN, TEN]), "minutely_15.shortwave_radiation: has two values for 2026-04-21T09:45Z"),
    ],
)
def test_a_malformed_document_is_refused_by_the_name_of_its_field(document: bytes, problem: str) -> None:
    with pytest.raises(Malformed) as caught:
        forecast(document)

    assert problem in str(caught.value)


def test_other_units_are_refused() -> None:
    document = json.loads(_document())
    document["minutely_15_units"]["temperature_2m"] = "°F"

    with pytest.raises(Malformed, match=r"minutely_15_units\.temperature_2m: should be °C"):
        forecast(json.dumps(document).encode())
