"""From ENTSO-E's answer to a plan that says what it had to do without."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from cem_service.feeds.sdk.http import MOST_BYTES
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
    edges = start.timestamp() + 900.0 * np.arange(steps + 1)
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


def test_before_the_first_answer_the_tariff_counts_and_the_plan_says_so(here: FeedWorld) -> None:
    run = here.plan()

    assert "Prices from the feed have not come yet; the tariff's are used." in run.summary
    assert run.inputs["planned_buy_eur_per_kwh"] == [TARIFF_EUR] * 96


FAULTS = {
    Fault.SILENT: "Transient: the provider did not answer in time",
    Fault.EMPTY: "Empty: the provider has no prices for this time",
    Fault.MALFORMED: "Malformed: answer: is not XML, or of a kind that is not read",
    Fault.BUSY: "Transient: the provider asks us to wait",
    Fault.BROKEN: "Transient: the provider answers with status 503",
    Fault.ENDLESS: f"Transient: the answer has more than {MOST_BYTES} bytes",
    Fault.PACKED: "Transient: the answer is packed, which nobody asked for",
    Fault.MOVED: "Refused: the provider answers with status 302",
}


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_the_last_answer_stays_until_it_is_too_old(here: FeedWorld, server: EntsoeServer, fault: Fault) -> None:
    here.fetch()
    server.fault = fault
    here.world.clock.advance(3 * 3600)

    feed = here.fetch()
    run = here.plan()

    assert (feed.failures, feed.last_error) == (1, FAULTS[fault])
    assert feed.failing_since == here.world.clock.now()
    assert feed.fetched_at == NOW
    assert feed.next_at > here.world.clock.now()
    assert "the feed is late: what it said last is 3 h old." in run.summary
    start = here.world.clock.now()
    assert run.inputs["planned_buy_eur_per_kwh"] == pytest.approx(_right(start), abs=1e-5)

    here.world.clock.advance(46 * 3600)
    run = here.plan()

    assert "Prices from the feed are 49 h old, which is too old; the tariff's are used." in run.summary
    assert run.inputs["planned_buy_eur_per_kwh"] == [TARIFF_EUR] * 96


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


@pytest.mark.parametrize(
    ("noon_before", "hours"),
    [(datetime(2026, 3, 28, 11, 0, tzinfo=UTC), 23), (datetime(2026, 10, 24, 10, 0, tzinfo=UTC), 25)],
    ids=["23 hours", "25 hours"],
)
@pytest.mark.parametrize("step_min", [60, 15])
def test_days_of_23_and_25_hours_have_no_hole(
    here: FeedWorld, server: EntsoeServer, noon_before: datetime, hours: int, step_min: int
) -> None:
    server.step_min = step_min
    here.world.clock.advance((noon_before - NOW).total_seconds())

    here.fetch()

    # To the noon after: half a day before the midnight, the odd day's first half after it.
    assert _prices(here, noon_before, 4 * hours) == pytest.approx(_right(noon_before, 4 * hours))
    assert "missing" not in here.plan().summary


def test_a_wrong_token_waits_for_a_person(here: FeedWorld, server: EntsoeServer) -> None:
    here.feed = change_feed(here.feed, credential="wrong", now=NOW)

    feed = here.fetch()

    assert feed.last_error == "AuthGone: the provider does not accept the credential"
    assert feed.next_at >= NOW + timedelta(hours=1)


def test_asking_again_waits_as_long_as_the_provider_says(here: FeedWorld, server: EntsoeServer) -> None:
    server.fault, server.retry_after = Fault.BUSY, "5400"

    feed = here.fetch()

    assert feed.next_at == NOW + timedelta(seconds=5400)
