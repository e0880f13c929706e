from __future__ import annotations

import json
from typing import Any

import pytest

from cem_service.feeds.carbon_intensity.mapping import grid_carbon
from cem_service.feeds.sdk import Empty, Malformed
from tests.simulators.carbon_intensity import CarbonIntensityServer
from tests.simulators.feed_server import Call


def _entry(**intensity: Any) -> dict[str, Any]:
    return {"from": "2026-04-21T10:00Z", "to": "2026-04-21T10:30Z", "intensity": intensity}


def _read(*entries: dict[str, Any]) -> list[float | None]:
    return list(grid_carbon(json.dumps({"data": entries}).encode()).as_dict()["values"])


def test_what_was_measured_counts_before_what_was_forecast() -> None:
    assert _read(_entry(forecast=266, actual=263)) == [263.0]
    assert _read(_entry(forecast=266, actual=None)) == [266.0]
    assert _read(_entry(forecast=266)) == [266.0]
    assert _read(_entry(forecast=266, actual=0)) == [0.0]


def test_an_answer_about_a_region_is_read_as_well() -> None:
    call = Call("GET", "/regional/intensity/2026-04-21T10:00Z/fw48h/postcode/RG10", {}, {}, {})

    series = grid_carbon(CarbonIntensityServer().right(call).body)

    assert series.as_dict()["values"][0] == 100.0 + 5 * 10 + 50.0 + 0.0


def test_no_value_at_all_is_nothing() -> None:
    with pytest.raises(Empty):
        _read()
    with pytest.raises(Empty):
        _read(_entry(forecast=None))


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (_entry(forecast="high"), "data[0].intensity.forecast: should be a number"),
        (_entry(forecast=-1), "data[0].intensity.forecast: should not be below 0"),
        ({"from": "2026-04-21T10:00Z", "to": "2026-04-21T10:30Z"}, "data[0].intensity: should be an object"),
        (_entry(forecast=1) | {"from": "10:00"}, "data[0].from: should be a time with its zone"),
        (_entry(forecast=1) | {"to": "2026-04-21T10:00Z"}, "data: has a value that ends before it begins"),
    ],
)
def test_a_malformed_document_is_refused_by_the_name_of_its_field(entry: dict[str, Any], problem: str) -> None:
    with pytest.raises(Malformed) as caught:
        _read(entry)

    assert problem in str(caught.value)
