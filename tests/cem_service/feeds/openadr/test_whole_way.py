"""Limits from a grid operator's VTN, as far as the site's state."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import numpy as np
import pytest
from django.core.exceptions import ValidationError
from pytest_django import Settings

from cem_service.domain.objectives import GridLimit
from cem_service.feeds.services import change_feed
from cem_service.following import wake_followers
from cem_service.loading import load_site
from tests.simulators.feed_server import running
from tests.simulators.openadr import CLIENT_ID, SECRET, OpenADRServer, event
from tests.support.cem_world import World
from tests.support.feed_world import FeedWorld, make_feed_world

NOW = datetime(2026, 4, 21, 10, 0, tzinfo=UTC)
LIMIT = "IMPORT_CAPACITY_LIMIT"


@pytest.fixture(scope="module")
def server() -> Iterator[OpenADRServer]:
    simulator = OpenADRServer()
    with running(simulator):
        yield simulator


@pytest.fixture
def here(world: World, server: OpenADRServer, settings: Settings) -> FeedWorld:
    settings.FEEDS_LOCAL = True
    server.reset()
    server.prices = False
    wanted = {"vtn": server.url, "client_id": CLIENT_ID, "program": "dynamic"}
    return make_feed_world(world, server, "openadr", "limits_feed", settings=wanted, credential=SECRET)


def _limits_w(here: FeedWorld) -> list[float]:
    series = here.feeds().import_limit
    assert series is not None
    return [float(limit) for limit in series.lowest(NOW.timestamp() + 900.0 * np.arange(9, dtype=np.float64))]


def test_a_limit_holds_for_its_time_and_no_longer_than_it_is_said(here: FeedWorld, server: OpenADRServer) -> None:
    server.extra = [event(LIMIT, (NOW + timedelta(minutes=20), "PT40M", 4.2))]

    here.fetch()

    assert _limits_w(here) == [np.inf, 4200, 4200, 4200, np.inf, np.inf, np.inf, np.inf]
    assert "the feed" not in here.plan().summary

    server.extra = []
    here.fetch()

    assert _limits_w(here) == [np.inf] * 8


def test_a_limit_that_is_new_or_taken_back_wakes_the_site_and_no_other_answer_does(
    here: FeedWorld, server: OpenADRServer
) -> None:
    for extra, woken in (
        ([], 0),
        ([event(LIMIT, (NOW, "PT2H", 3.0))], 1),
        ([event(LIMIT, (NOW, "PT2H", 3.0))], 1),
        ([], 2),
    ):
        server.extra = extra
        here.world.clock.advance(60)

        here.fetch()

        assert here.woken == [(here.feed.tenant_id, here.feed.pk)] * woken


def test_a_limit_that_begins_or_ends_between_quarter_hours_wakes_the_site(
    here: FeedWorld, server: OpenADRServer
) -> None:
    server.extra = [event(LIMIT, (NOW + timedelta(minutes=5), "PT5M", 3.0))]
    here.fetch()
    woken = []

    for _ in range(12):
        here.woken.clear()
        here.world.clock.advance(60)
        here.fetch()
        woken.append(len(here.woken))

    assert woken == [0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0]


def test_a_limit_is_obeyed(here: FeedWorld, server: OpenADRServer) -> None:
    server.extra = [event(LIMIT, (NOW, "PT2H", 3.0)), event("EXPORT_CAPACITY_LIMIT", (NOW, "PT1H", 0.0))]

    here.fetch()
    loaded = load_site(*here.world.ids, bus=here.world.bus, now=NOW)

    assert loaded is not None
    assert loaded.state.objectives.grid_limits == (
        GridLimit(source="the feed", import_w=3000.0, start=NOW, end=NOW + timedelta(hours=2)),
        GridLimit(source="the feed", export_w=0.0, start=NOW, end=NOW + timedelta(hours=1)),
    )


def test_the_sites_that_follow_are_woken(here: FeedWorld) -> None:
    assert wake_followers(here.feed.tenant_id, here.feed.pk, tools=here.world.tools) == 1
    assert wake_followers(here.feed.tenant_id, uuid4(), tools=here.world.tools) == 0
    assert [task[:2] for task in here.world.sent.reactions] == [here.world.ids]


def test_no_event_is_an_answer_too(here: FeedWorld) -> None:
    feed = here.fetch()

    assert (feed.failures, feed.fetched_at) == (0, NOW)
    assert "the feed" not in here.plan().summary


def test_every_page_is_read(here: FeedWorld, server: OpenADRServer) -> None:
    server.prices = True
    server.extra = [event(LIMIT, (NOW, "PT2H", 3.0))]

    here.fetch()

    assert _limits_w(here) == [3000.0] * 8
    assert [call.query["skip"] for call in server.calls if call.path == "/events"] == ["0", "50", "100"]
    assert {call.query["programID"] for call in server.calls if call.path == "/events"} == {"program-1"}


def test_a_wrong_secret_waits_for_a_person(here: FeedWorld) -> None:
    here.feed = change_feed(here.feed, credential="wrong", now=NOW)

    feed = here.fetch()

    assert feed.last_error == "AuthGone: the provider does not accept the credential"


def test_the_secret_is_not_shown_to_another_server(here: FeedWorld, server: OpenADRServer) -> None:
    elsewhere = {**here.feed.settings, "vtn": "https://vtn.example"}

    with pytest.raises(ValidationError, match="Another server needs a credential of its own"):
        change_feed(here.feed, settings=elsewhere, now=NOW)
    assert change_feed(here.feed, settings=elsewhere, credential="its own", now=NOW).settings == elsewhere


def test_a_vtn_that_is_open_to_all_is_asked_without_a_token(here: FeedWorld, server: OpenADRServer) -> None:
    here.feed = change_feed(here.feed, credential="", now=NOW)

    feed = here.fetch()

    # This one is not open.
    assert feed.last_error.startswith("AuthGone: ")
    assert [call.path for call in server.calls] == ["/programs"]
