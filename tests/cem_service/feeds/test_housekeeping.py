from __future__ import annotations

from datetime import timedelta

import pytest

from cem_service.feeds import fetching
from cem_service.feeds.catalogue import manifest_of
from cem_service.feeds.housekeeping import forget_old_series, wake_due
from cem_service.feeds.models import Feed, StoredSeries
from cem_service.feeds.sdk import Transient
from cem_service.feeds.services import create_feed
from tenants.deactivation import deactivate, reactivate
from tenants.scope import tenant_scope
from tests.simulators.feed_server import FeedServer
from tests.support.cem_world import World
from tests.support.feed_world import FeedWorld, make_feed_world


@pytest.fixture
def here(world: World) -> FeedWorld:
    """Nobody is asked: the provider listens nowhere."""
    server = FeedServer()
    server.url = "http://127.0.0.1:1"
    return make_feed_world(
        world,
        server,
        "entsoe",
        "import_price_feed",
        settings={"bidding_zone": "10YNL----------L"},
        credential="secret",
    )


def test_what_is_due_is_fetched_once(here: FeedWorld) -> None:
    later = create_feed(
        tenant=here.world.household.tenant,
        provider="entsoe",
        name="later",
        settings={"bidding_zone": "10YBE----------2"},
        credential="secret",
        now=here.world.clock.now() + timedelta(minutes=1),
    )

    assert wake_due(here.tools) == 1
    assert wake_due(here.tools) == 1
    assert here.fetches == [(here.feed.tenant_id, here.feed.pk)]

    here.world.clock.advance(60)
    wake_due(here.tools)
    assert here.fetches[1:] == [(later.tenant_id, later.pk)]


def test_a_provider_that_is_not_there_is_a_failure_with_a_next_try(here: FeedWorld) -> None:
    feed = here.fetch()

    assert feed.last_error == "Transient: the provider cannot be reached (ConnectError)"
    assert here.world.clock.now() < feed.next_at <= here.world.clock.now() + timedelta(seconds=66)

    feed = here.fetch()
    assert feed.failures == 2
    assert feed.next_at > here.world.clock.now() + timedelta(seconds=66)


def test_a_task_that_comes_too_late_asks_nobody(here: FeedWorld) -> None:
    here.fetch()

    fetching.fetch(here.feed.tenant_id, here.feed.pk, tools=here.tools)

    assert here.reloaded().failures == 1


def test_two_tasks_do_not_ask_at_once(here: FeedWorld) -> None:
    with here.world.bus.site_lock(here.feed.pk, 10.0) as ours:
        assert ours
        fetching.fetch(here.feed.tenant_id, here.feed.pk, tools=here.tools)

    assert here.reloaded().failures == 0


def test_a_failure_of_a_feed_that_was_changed_meanwhile_is_not_its_own(here: FeedWorld) -> None:
    stale = here.reloaded()
    with tenant_scope(here.feed.tenant_id):
        Feed.objects.filter(pk=here.feed.pk).update(revision=stale.revision + 1)

    fetching._fail(stale, Transient("late"), timedelta(hours=1), here.world.clock.now())
    fetching._keep(stale, [], manifest_of("entsoe"), here.world.clock.now())

    assert (here.reloaded().failures, here.reloaded().fetched_at) == (0, None)


def test_series_of_the_past_are_forgotten(here: FeedWorld) -> None:
    now = here.world.clock.now()
    with tenant_scope(here.feed.tenant_id):
        for kind, days in (("price", 8), ("grid_carbon", 6)):
            StoredSeries.objects.create(
                tenant_id=here.feed.tenant_id,
                feed=here.feed,
                kind=kind,
                fetched_at=now,
                ends_at=now - timedelta(days=days),
                series={"edges_s": [], "values": []},
            )

    assert forget_old_series(now) == 1
    assert list(here.stored()) == ["grid_carbon"]


def test_a_feed_of_a_deactivated_tenant_is_not_asked(here: FeedWorld) -> None:
    tenant = here.world.household.tenant
    deactivate(tenant, now=here.world.clock.now())

    assert wake_due(here.tools) == 0
    assert here.fetch().failures == 0

    reactivate(tenant)
    assert wake_due(here.tools) == 1
