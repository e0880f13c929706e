"""From ENTSO-E's answer to a plan that says what it had to do without."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from cem_service.feeds.services import change_feed
from tests.simulators.entsoe import TOKEN, ZONE, EntsoeServer, price_eur_per_mwh
from tests.simulators.feed_server import Fault, running
from tests.support.cem_world import World
from tests.support.feed_world import TARIFF_EUR, FeedWorld, make_feed_world

NOW = datetime(2026, 4, 21, 10, 0, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


@pytest.fixture(scope="module")
def server() -> Iterator[EntsoeServer]:
    simulator = EntsoeServer()
    with running(simulator):
        yield simulator


@pytest.fixture
def here(world: World, server: EntsoeServer) -> FeedWorld:
    server.reset()
    settings = {"bidding_zone": ZONE}
    return make_feed_world(
        world, server, "entsoe", "import_price_feed", endpoint="/api", settings=settings, credential=TOKEN
    )


def _prices(here: FeedWorld, start: datetime = NOW, steps: int = 96) -> list[float]:
    series = here.feeds().import_price
    assert series is not None
    edges = start.timestamp() + 900.0 * np.arange(steps + 1, dtype=np.float64)
    return [float(price) for price in series.means(edges)]


def _right(start: datetime = NOW, steps: int = 96) -> list[float]:
    return [price_eur_per_mwh(start + index * QUARTER) / 1000 for index in range(steps)]


@pytest.mark.parametrize(("curve", "step_min"), [("A03", 60), ("A01", 60), ("A03", 15), ("A01", 15)])
def test_prices_reach_the_plan(here: FeedWorld, server: EntsoeServer, curve: str, step_min: int) -> None:
    server.curve, server.step_min = curve, step_min

    feed = here.fetch()
    run = here.plan()

    assert (feed.failures, feed.last_error, feed.fetched_at) == (0, "", NOW)
    assert NOW + timedelta(hours=1) <= feed.next_at <= NOW + timedelta(hours=1, minutes=6)
    assert _prices(here) == pytest.approx(_right())
    assert run.inputs["planned_buy_eur_per_kwh"] == pytest.approx(_right(), abs=1e-5)
    assert run.inputs["feeds"] == [
        {"source": "the feed", "kind": "price", "fetched_at": NOW.isoformat(), "age_s": 0, "usable": True}
    ]
    assert "the feed" not in run.summary


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.BROKEN, "Transient: the provider answers with status 503"),
        (Fault.MOVED, "Refused: the provider answers with status 302"),
        (Fault.EMPTY, "Empty: the provider has no prices for this time"),
    ],
    ids=str,
)
def test_a_failure_says_what_was_wrong(here: FeedWorld, server: EntsoeServer, fault: Fault, error: str) -> None:
    server.fault = fault

    feed = here.fetch()

    assert (feed.failures, feed.failing_since, feed.last_error) == (1, NOW, error)


def test_missing_hours_are_the_tariffs_and_named_in_local_time(here: FeedWorld, server: EntsoeServer) -> None:
    server.curve = "A01"
    server.holes = {NOW + timedelta(hours=2)}

    here.fetch()
    run = here.plan()

    assert "Prices of 14:00-15:00 are missing from the feed; the tariff's are used." in run.summary
    expected = _right()
    expected[8:12] = [TARIFF_EUR] * 4
    assert run.inputs["planned_buy_eur_per_kwh"] == pytest.approx(expected, abs=1e-5)


def test_under_a03_a_missing_position_is_the_price_before(here: FeedWorld, server: EntsoeServer) -> None:
    server.holes = {NOW + timedelta(hours=2)}

    here.fetch()

    expected = _right()
    expected[8:12] = expected[4:8]
    assert _prices(here) == pytest.approx(expected)


def test_before_the_auction_tomorrow_is_missing(here: FeedWorld, server: EntsoeServer) -> None:
    server.known_until = datetime(2026, 4, 21, 22, 0, tzinfo=UTC)

    here.fetch()
    run = here.plan()

    assert "Prices of 00:00-12:00 are missing from the feed; the tariff's are used." in run.summary


@pytest.mark.parametrize("noon", [datetime(2026, 3, 28, 11, 0, tzinfo=UTC), datetime(2026, 10, 24, 10, 0, tzinfo=UTC)])
def test_days_of_23_and_25_hours_are_whole_in_quarter_hours(
    here: FeedWorld, server: EntsoeServer, noon: datetime
) -> None:
    server.step_min = 15
    here.world.clock.advance((noon - NOW).total_seconds())

    here.fetch()

    assert _prices(here, noon, 140) == pytest.approx(_right(noon, 140))


def test_a_wrong_token_waits_for_a_person(here: FeedWorld, server: EntsoeServer) -> None:
    here.feed = change_feed(here.feed, credential="wrong", now=NOW)

    feed = here.fetch()

    assert feed.last_error == "AuthGone: the provider does not accept the credential"
    assert feed.next_at >= NOW + timedelta(hours=1)


def test_asking_again_waits_as_long_as_the_provider_says(here: FeedWorld, server: EntsoeServer) -> None:
    server.fault, server.retry_after = Fault.BUSY, "5400"

    feed = here.fetch()

    assert feed.next_at == NOW + timedelta(seconds=5400)
