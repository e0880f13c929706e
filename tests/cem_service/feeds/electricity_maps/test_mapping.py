from __future__ import annotations

import json
from typing import Any

import pytest

from cem_service.feeds.electricity_maps.mapping import grid_carbon
from cem_service.feeds.sdk import Empty, Malformed

HOUR = {"datetime": "2026-04-21T10:00:00.000Z", "carbonIntensity": 326}


def _read(*hours: dict[str, Any], **changes: Any) -> list[float | None]:
    document = {"zone": "NL", "forecast": hours, "temporalGranularity": "hourly"} | changes
    return list(grid_carbon(json.dumps(document).encode(), "NL").as_dict()["values"])


def test_hours_are_hours_and_those_without_a_value_are_missing() -> None:
    later = {"datetime": "2026-04-21T11:00:00.000Z", "carbonIntensity": None}

    assert _read(HOUR, later) == [326.0, None]
    assert _read(HOUR, temporalGranularity=None) == [326.0]


def test_no_value_at_all_is_nothing() -> None:
    with pytest.raises(Empty):
        _read()


@pytest.mark.parametrize(
    ("hours", "changes", "problem"),
    [
        ([HOUR], {"zone": "DE"}, "zone: should be NL"),
        ([HOUR], {"temporalGranularity": "5_minutes"}, "temporalGranularity: should be hourly"),
        ([HOUR | {"carbonIntensity": -1}], {}, "forecast[0].carbonIntensity: should not be below 0"),
        ([HOUR | {"datetime": None}], {}, "forecast[0].datetime: should be text"),
        ([HOUR, HOUR], {}, "forecast: has two values for 2026-04-21T10:00Z"),
    ],
)
def test_a_malformed_document_is_refused_by_the_name_of_its_field(
    hours: list[dict[str, Any]], changes: dict[str, Any], problem: str
) -> None:
    with pytest.raises(Malformed) as caught:
        _read(*hours, **changes)

    assert problem in str(caught.value)
