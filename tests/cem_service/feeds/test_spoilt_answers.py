"""Whatever a provider answers, its folder makes a series of it or refuses it: nothing else is raised."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cem_service.feeds.carbon_intensity.mapping import grid_carbon as british_carbon
from cem_service.feeds.electricity_maps.mapping import grid_carbon
from cem_service.feeds.energy_charts.mapping import prices as energy_charts_prices
from cem_service.feeds.entsoe.mapping import prices as entsoe_prices
from cem_service.feeds.open_meteo.mapping import forecast
from cem_service.feeds.openadr import mapping as openadr
from cem_service.feeds.sdk import FeedError, Place
from cem_service.feeds.simulator.mapping import market
from tests.simulators.carbon_intensity import CarbonIntensityServer
from tests.simulators.electricity_maps import TOKEN as MAPS_TOKEN
from tests.simulators.electricity_maps import ElectricityMapsServer
from tests.simulators.energy_charts import EnergyChartsServer
from tests.simulators.entsoe import TOKEN, ZONE, EntsoeServer
from tests.simulators.feed_server import Call, FeedServer
from tests.simulators.open_meteo import OpenMeteoServer
from tests.simulators.openadr import descriptor, event

NOW = datetime(2026, 4, 21, 10, 0, tzinfo=UTC)
SOON = NOW + timedelta(hours=2)


def _answer(server: FeedServer, path: str, query: dict[str, str], headers: dict[str, str] | None = None) -> bytes:
    return server.right(Call("GET", path, query, headers or {}, {})).body


def _events() -> bytes:
    limits = event("IMPORT_CAPACITY_LIMIT", (NOW, "PT1H", 4.0), priority=1, targets=["a"])
    period = {"start": NOW.isoformat(), "duration": "PT15M"}
    prices = event("PRICE", (None, "", 0.1), intervalPeriod=period, duration="PT1H")
    described = [descriptor("IMPORT_CAPACITY_LIMIT", "KW"), descriptor("PRICE", "KWH", "EUR")]
    program = {"id": "program-1", "programName": "p", "payloadDescriptors": described}
    return json.dumps({"programs": [program], "events": [limits, prices]}).encode()


def _read_events(body: bytes) -> object:
    document = Place.of(body)
    programs = openadr.chosen_programs((document / "programs").items(), None)
    return openadr.series(programs, (document / "events").items(), frozenset("a"), NOW, SOON)


SECONDS = {"start": str(int(NOW.timestamp())), "end": str(int(SOON.timestamp()))}
WEATHER = {
    "latitude": "52",
    "minutely_15": "shortwave_radiation,temperature_2m",
    "start_minutely_15": "2026-04-21T10:00",
    "end_minutely_15": "2026-04-21T12:00",
}
QUARTER = {"at": NOW.isoformat(), "eur_per_mwh": 1.0, "g_per_kwh": 1.0}
IN_JSON: dict[str, tuple[bytes, Callable[[bytes], object]]] = {
    "energy_charts": (_answer(EnergyChartsServer(), "/price", {"bzn": "NL"} | SECONDS), energy_charts_prices),
    "carbon_intensity": (_answer(CarbonIntensityServer(), "/intensity/2026-04-21T10:00Z/fw48h", {}), british_carbon),
    "electricity_maps": (
        _answer(ElectricityMapsServer(), "/carbon-intensity/forecast", {"zone": "NL"}, {"auth-token": MAPS_TOKEN}),
        lambda body: grid_carbon(body, "NL"),
    ),
    "open_meteo": (_answer(OpenMeteoServer(), "/forecast", WEATHER), forecast),
    "openadr": (_events(), _read_events),
    "simulator": (json.dumps({"quarters": [QUARTER]}).encode(), market),
}
ENTSOE = _answer(
    EntsoeServer(),
    "/api",
    {
        "securityToken": TOKEN,
        "documentType": "A44",
        "in_Domain": ZONE,
        "out_Domain": ZONE,
        "periodStart": "202604211000",
        "periodEnd": "202604211200",
    },
)
# What JSON can hold, and what of it hurts most: numbers beyond sense, times beyond the calendar, wrong kinds.
NUMBERS = (None, True, -1, 0, 1e300, -1e18, 10**400)
TEXTS = (
    "",
    "x",
    "NaN",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00+14:00",
    "P9999999999D",
    "PT",
    "-PT1H",
    "\0",
    "\ud800",
)
HOLDERS: tuple[Any, ...] = ([], [None], [[]], {}, {"values": 3})
SPOILT = (*NUMBERS, *TEXTS, *HOLDERS)


@pytest.mark.parametrize("provider", IN_JSON)
def test_a_spoilt_answer_in_json_is_read_or_refused(provider: str) -> None:
    """Each of these at each place."""
    body, read = IN_JSON[provider]
    for place in _places(json.loads(body)):
        for value in SPOILT:
            document = _changed(json.loads(body), place, value)
            _read_or_refused(read, json.dumps(document).encode())


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, len(ENTSOE) - 1),
    st.integers(0, 40),
    st.sampled_from([b"", b"0", b"-", b"<", b"&", b"\xff", b"9" * 400]),
)
def test_a_spoilt_answer_in_xml_is_read_or_refused(at: int, length: int, put: bytes) -> None:
    _read_or_refused(entsoe_prices, ENTSOE[:at] + put + ENTSOE[at + length :])


def _read_or_refused(read: Callable[[bytes], object], body: bytes) -> None:
    try:
        read(body)
    except FeedError as error:
        assert str(error)  # noqa: PT017 - Anything else that is raised is the failure.


def _places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths to the values of a document; of long lists the first three."""
    yield path
    inner: Iterable[tuple[Any, Any]] = ()
    if isinstance(document, dict):
        inner = document.items()
    elif isinstance(document, list):
        inner = enumerate(document[:3])
    for key, value in inner:
        yield from _places(value, (*path, key))


def _changed(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The document with another value at this place."""
    if not path:
        return value
    holder = document
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return document
