"""Sites for the tests of the hosted CEM."""

from __future__ import annotations

from datetime import datetime

from cem_service.domain.feed import NO_FEEDS, SiteFeeds
from cem_service.domain.resource import Resource
from cem_service.domain.site import SiteState
from cem_service.domain.tariff import Tariff
from tests.support.resources import NOON, link_id

EVENING_PEAK = Tariff(
    tuple(0.40 if 17 <= hour < 21 else 0.15 if hour < 6 else 0.25 for hour in range(24)), (0.05,) * 24
)
FLAT = Tariff.flat(0.30, 0.05)


def site_with(
    *resources: Resource,
    meter_w: float | None = 0.0,
    now: datetime = NOON,
    fuse_limit_w: float = 17_000.0,
    export_limit_w: float | None = None,
    tariff: Tariff = FLAT,
    feeds: SiteFeeds = NO_FEEDS,
) -> SiteState:
    return SiteState(
        site_id=link_id("site"),
        now=now,
        timezone="UTC",
        fuse_limit_w=fuse_limit_w,
        export_limit_w=export_limit_w,
        tariff=tariff,
        feeds=feeds,
        resources=resources,
        main_meter_w=meter_w,
        main_meter_at=None if meter_w is None else now,
    )
