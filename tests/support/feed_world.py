"""A household whose site follows one feed, whose provider is a simulator on loopback."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from cem_service import services
from cem_service.domain.feed import SiteFeeds
from cem_service.feeds import fetching
from cem_service.feeds.models import Feed, StoredSeries
from cem_service.feeds.runtime import Tools
from cem_service.feeds.services import create_feed
from cem_service.loading import load_site
from cem_service.models import PlanRun
from cem_service.objectives import create_tariff, follow_feeds, set_objectives
from tenants.scope import tenant_scope
from tests.simulators.feed_server import Fault, FeedServer
from tests.support.cem_world import World

TARIFF_EUR = 0.5
# Real seconds that a provider may be silent; a right answer of a simulator takes some milliseconds.
STEP_TIMEOUT_S = 3.0
# The same where it is known to be silent.
SILENCE_S = 0.2


@dataclass
class FeedWorld:
    """`fetches` are the fetches that a sweep asked for, by feed; `woken` whose followers were woken."""

    world: World
    server: FeedServer
    feed: Feed
    tools: Tools
    fetches: list[tuple[UUID, UUID]] = field(default_factory=list)
    woken: list[tuple[UUID, UUID]] = field(default_factory=list)

    def put_out_of_order(self, fault: Fault) -> None:
        self.server.fault = fault
        if fault is Fault.SILENT:
            self.tools = replace(self.tools, step_timeout_s=SILENCE_S)

    def fetch(self) -> Feed:
        """What the task does; the feed as it is then."""
        with tenant_scope(self.feed.tenant_id):
            Feed.objects.filter(pk=self.feed.pk).update(next_at=self.world.clock.now())
        fetching.fetch(self.feed.tenant_id, self.feed.pk, tools=self.tools)
        return self.reloaded()

    def reloaded(self) -> Feed:
        with tenant_scope(self.feed.tenant_id):
            return Feed.objects.get(pk=self.feed.pk)

    def stored(self) -> dict[str, StoredSeries]:
        with tenant_scope(self.feed.tenant_id):
            return {row.kind: row for row in StoredSeries.objects.filter(feed=self.feed)}

    def feeds(self) -> SiteFeeds:
        loaded = load_site(*self.world.ids, bus=self.world.bus, now=self.world.clock.now())
        assert loaded is not None
        return loaded.state.feeds

    def plan(self) -> PlanRun:
        """The plan that the CEM makes now."""
        self.world.connect()
        self.world.describe()
        run = self.world.run(services.plan_site, *self.world.ids)
        assert isinstance(run, PlanRun)
        return run


def make_feed_world(
    world: World,
    server: FeedServer,
    provider: str,
    followed_as: str,
    *,
    endpoint: str = "",
    settings: Mapping[str, Any] | None = None,
    credential: str = "",
) -> FeedWorld:
    """The site follows the feed as `followed_as`, a column of its objectives, and has a flat tariff beside it."""
    tenant, site = world.household.tenant, world.household.site
    prices = [TARIFF_EUR] * 24
    tariff = create_tariff(tenant=tenant, name="flat", import_eur_per_kwh=prices, export_eur_per_kwh=prices)
    set_objectives(site=site, tariff=tariff)
    feed = create_feed(
        tenant=tenant,
        provider=provider,
        name="the feed",
        settings=settings or {},
        credential=credential,
        now=world.clock.now(),
    )
    follow_feeds(site=site, feeds={followed_as: feed})
    fetches: list[tuple[UUID, UUID]] = []
    woken: list[tuple[UUID, UUID]] = []
    tools = Tools(
        bus=world.bus,
        clock=world.clock,
        send_fetch=lambda *ids: fetches.append(ids),
        wake_followers=lambda *ids: woken.append(ids),
        endpoints={provider: {"api": f"{server.url}{endpoint}"}},
        local=True,
        step_timeout_s=STEP_TIMEOUT_S,
    )
    return FeedWorld(world, server, feed, tools, fetches, woken)
