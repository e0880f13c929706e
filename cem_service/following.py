"""Sites and the feeds that they follow: what a feed says becomes a part of what the site pursues."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from operator import or_
from uuid import UUID

from django.db.models import Q

from cem_service.domain.feed_limits import feed_limits
from cem_service.domain.site import SiteState
from cem_service.models import SiteObjectives
from cem_service.objectives import FOLLOWED
from cem_service.runtime import Tools
from tenants.scope import tenant_scope


def with_feed_limits(state: SiteState) -> SiteState:
    """The same site, which also obeys the limits that its feed tells."""
    limits = feed_limits(state.feeds, state.now)
    if not limits:
        return state
    objectives = replace(state.objectives, grid_limits=(*state.objectives.grid_limits, *limits))
    return replace(state, objectives=objectives)


def wake_followers(tenant_id: UUID, feed_id: UUID, *, tools: Tools) -> int:
    """Have every site looked at that follows this feed; returns how many. Raises BusUnavailable."""
    follows = reduce(or_, (Q(**{name: feed_id}) for name in FOLLOWED))
    with tenant_scope(tenant_id):
        sites = list(SiteObjectives.objects.filter(follows).values_list("site_id", flat=True))
    for site_id in sites:
        tools.wake(tenant_id, site_id)
    return len(sites)
