"""Every provider, from its simulator to a plan that says what it had to do without.

What only one of them can do has a test in its own folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from pytest_django import Settings

from cem_service.domain.feed import FeedSeries, SeriesKind
from cem_service.feeds.catalogue import manifests
from cem_service.models import PlanRun
from tests.simulators import carbon_intensity, electricity_maps, energy_charts, entsoe, open_meteo, openadr
from tests.simulators.feed_server import Fault, FeedServer, running
from tests.support.cem_world import World
from tests.support.feed_world import FeedWorld, make_feed_world

NOW = datetime(2026, 4, 21, 10, 0, tzinfo=UTC)
HOUR, QUARTER = timedelta(hours=1), timedelta(minutes=15)


@dataclass(frozen=True)
class Case:
    """How a provider is set up, and what its simulator says of a moment. `{url}` stands for the simulator's."""

    provider: str
    server: type[FeedServer]
    follows: str
    series: str
    value: Callable[[datetime], float]
    settings: Mapping[str, Any] = field(default_factory=dict)
    credential: str = ""
    endpoint: str = ""


CASES = [
    Case(
        "entsoe",
        entsoe.EntsoeServer,
        "import_price_feed",
        "import_price",
        lambda moment: entsoe.price_eur_per_mwh(moment) / 1000,
        settings={"bidding_zone": entsoe.ZONE},
        credential=entsoe.TOKEN,
        endpoint="/api",
    ),
    Case(
        "energy_charts",
        energy_charts.EnergyChartsServer,
        "export_price_feed",
        "export_price",
        energy_charts.price_eur_per_kwh,
        settings={"bidding_zone": "NL"},
    ),
    Case(
        "carbon_intensity",
        carbon_intensity.CarbonIntensityServer,
        "carbon_feed",
        "grid_carbon",
        carbon_intensity.grams_per_kwh,
    ),
    Case(
        "electricity_maps",
        electricity_maps.ElectricityMapsServer,
        "carbon_feed",
        "grid_carbon",
        electricity_maps.grams_per_kwh,
        settings={"zone": "NL"},
        credential=electricity_maps.TOKEN,
    ),
    Case(
        "open_meteo",
        open_meteo.OpenMeteoServer,
        "weather_feed",
        "irradiance",
        open_meteo.irradiance_w_per_m2,
        settings={"latitude": 52.370216, "longitude": 4.895168},
    ),
    Case(
        "openadr",
        openadr.OpenADRServer,
        "import_price_feed",
        "import_price",
        openadr.price_eur_per_kwh,
        settings={"vtn": "{url}", "client_id": openadr.CLIENT_ID},
        credential=openadr.SECRET,
    ),
]


@pytest.fixture(scope="module")
def servers() -> Iterator[Mapping[str, FeedServer]]:
    with ExitStack() as stack:
        yield {case.provider: stack.enter_context(running(case.server())) for case in CASES}


@pytest.fixture(params=CASES, ids=lambda case: case.provider)
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


@pytest.fixture
def here(case: Case, world: World, servers: Mapping[str, FeedServer], settings: Settings) -> FeedWorld:
    settings.FEEDS_LOCAL = True
    server = servers[case.provider]
    server.reset()
    # Holes have to be holes: a document that leaves out what repeats has none.
    vars(server).update({"curve": "A01"} if case.provider == "entsoe" else {})
    return make_feed_world(
        world,
        server,
        case.provider,
        case.follows,
        endpoint=case.endpoint,
        settings={
            name: value.format(url=server.url) if isinstance(value, str) else value
            for name, value in case.settings.items()
        },
        credential=case.credential,
    )


def _series(here: FeedWorld, case: Case) -> FeedSeries:
    series = getattr(here.feeds(), case.series)
    assert isinstance(series, FeedSeries)
    return series


def _told(here: FeedWorld, case: Case, start: datetime, steps: int = 96) -> list[float]:
    edges = start.timestamp() + 900.0 * np.arange(steps + 1, dtype=np.float64)
    return [float(value) for value in _series(here, case).usable_means(edges, here.world.clock.now())]


def _right(case: Case, start: datetime, steps: int = 96) -> list[float]:
    return [case.value(start + index * QUARTER) for index in range(steps)]


def _notes(run: PlanRun) -> list[str]:
    return [line for line in run.summary.splitlines() if "the feed" in line]


def test_none_is_left_out() -> None:
    # The simulated market asks nobody, so nothing can go wrong on the way.
    assert {case.provider for case in CASES} == set(manifests()) - {"simulator"}


def test_what_is_right_reaches_the_site_and_nothing_is_said(here: FeedWorld, case: Case) -> None:
    feed = here.fetch()

    assert (feed.failures, feed.last_error, feed.fetched_at) == (0, "", NOW)
    assert feed.next_at >= NOW + manifests()[case.provider].fetch.every
    assert _told(here, case, NOW) == pytest.approx(_right(case, NOW))
    assert _notes(here.plan()) == []


def test_before_the_first_answer_a_plan_says_so(here: FeedWorld, case: Case) -> None:
    label = _series(here, case).kind.label

    assert any(note.startswith(f"{label} from the feed have not come yet; ") for note in _notes(here.plan()))


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.SILENT, "Transient: "),
        (Fault.EMPTY, "Empty: "),
        (Fault.MALFORMED, "Malformed: answer: "),
        (Fault.BUSY, "Transient: "),
    ],
    ids=["silent", "empty", "malformed", "429"],
)
def test_the_last_answer_stays_until_it_is_too_old(here: FeedWorld, case: Case, fault: Fault, error: str) -> None:
    here.fetch()
    here.put_out_of_order(fault)
    here.world.clock.advance(3 * 3600)
    later = here.world.clock.now()

    feed = here.fetch()

    assert feed.failures == 1
    assert feed.last_error.startswith(error)
    assert feed.next_at >= later + (timedelta(seconds=120) if fault is Fault.BUSY else timedelta(minutes=1))
    assert _told(here, case, later, 80) == pytest.approx(_right(case, later, 80))
    label = _series(here, case).kind.label
    assert f"{label} from the feed are late: what it said last is 3 h old." in _notes(here.plan())

    here.world.clock.advance(48 * 3600)

    assert np.isnan(_told(here, case, here.world.clock.now())).all()
    assert any(note.startswith(f"{label} from the feed are 51 h old") for note in _notes(here.plan()))


def test_missing_hours_are_named_in_local_time(here: FeedWorld, case: Case) -> None:
    here.server.holes = {NOW + 2 * HOUR}

    here.fetch()

    told, right = _told(here, case, NOW), _right(case, NOW)
    assert np.isnan(told[8:12]).all()
    assert told[:8] + told[12:] == pytest.approx(right[:8] + right[12:])
    label = _series(here, case).kind.label
    assert any(note.startswith(f"{label} of 14:00-15:00 are missing from the feed; ") for note in _notes(here.plan()))


@pytest.mark.parametrize(
    ("noon_before", "hours"),
    [(datetime(2026, 3, 28, 11, 0, tzinfo=UTC), 23), (datetime(2026, 10, 24, 10, 0, tzinfo=UTC), 25)],
    ids=["23 hours", "25 hours"],
)
def test_days_of_23_and_25_hours_have_no_hole(here: FeedWorld, case: Case, noon_before: datetime, hours: int) -> None:
    here.world.clock.advance((noon_before - NOW).total_seconds())
    here.server.day = noon_before.replace(hour=0)

    here.fetch()

    assert _told(here, case, noon_before, 4 * hours) == pytest.approx(_right(case, noon_before, 4 * hours))
    assert _notes(here.plan()) == []


def test_it_tells_what_its_manifest_says(here: FeedWorld, case: Case) -> None:
    here.fetch()

    assert {SeriesKind(kind) for kind in here.stored()} == set(manifests()[case.provider].gives)
