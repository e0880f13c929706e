"""Reading a pool: its sites from PostgreSQL and Redis, put together for `pooling`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cem_service.loading import LoadedSite, load_site, read_plan
from cem_service.models import PlanRun, PlanRunKind
from cem_service.planners.horizon import Horizon
from cem_service.planners.plan import SitePlan
from flexhub.bus.ports import WorkerBus
from flexhub.devices.models import Link
from flexhub.flexibility.errors import PoolTooSmall, TooFewConnected
from flexhub.flexibility.models import Enrolment, Pool
from flexhub.flexibility.pooling.planned import VALID_FOR
from flexhub.flexibility.pooling.site import Offer, is_stale, outlook, pool
from tenants.scope import platform_scope


@dataclass(frozen=True, slots=True)
class DeviceCount:
    """`total` are paired; `available` are connected and known well enough to count on; `stale` are connected only."""

    total: int
    available: int
    stale: int


@dataclass(frozen=True, slots=True)
class PoolFlexibility:
    pool: Pool
    horizon: Horizon
    sites_enrolled: int
    sites_available: int
    devices: DeviceCount
    offer: Offer


@dataclass(frozen=True, slots=True)
class _Enrolled:
    sites: Sequence[tuple[UUID, UUID]]  # (tenant, site)
    devices: int
    plans: Mapping[UUID, SitePlan]


def pool_flexibility(pool_row: Pool, *, bus: WorkerBus, now: datetime, minimum_sites: int) -> PoolFlexibility:
    """What the pool expects and what it could do else. The caller has made sure that the pool is the client's.

    Raises PoolTooSmall, TooFewConnected and BusUnavailable. A site without any connected device does not count: nobody
    would hear an order.
    """
    enrolled = _enrolled(pool_row, now, minimum_sites)
    horizon = Horizon.at(now)
    loaded = [load_site(tenant_id, site_id, bus=bus, now=now, to_act=False) for tenant_id, site_id in enrolled.sites]
    present = [site for site in loaded if site is not None and site.snapshots]
    if len(present) < minimum_sites:
        raise TooFewConnected(len(present), minimum_sites)
    outlooks = [outlook(site.state, enrolled.plans.get(site.state.site_id), horizon) for site in present]
    return PoolFlexibility(
        pool=pool_row,
        horizon=horizon,
        sites_enrolled=len(enrolled.sites),
        sites_available=len(present),
        devices=_count(enrolled.devices, present),
        offer=pool(outlooks, horizon),
    )


def _enrolled(pool_row: Pool, now: datetime, minimum_sites: int) -> _Enrolled:
    # The sites are other tenants' rows; only sums over them leave this module.
    with platform_scope("sum up the flexibility of a pool"):
        sites = list(Enrolment.objects.filter(pool=pool_row).order_by("site_id").values_list("tenant_id", "site_id"))
        if len(sites) < minimum_sites:
            raise PoolTooSmall(len(sites), minimum_sites)
        site_ids = [site_id for _, site_id in sites]
        devices = Link.objects.filter(rm_node__site_id__in=site_ids, cem_node__hosted=True).count()
        return _Enrolled(sites, devices, _latest_plans(site_ids, now))


def _latest_plans(site_ids: Iterable[UUID], now: datetime) -> dict[UUID, SitePlan]:
    runs = PlanRun.objects.filter(
        site_id__in=list(site_ids), kind=PlanRunKind.PLAN, at__lte=now, at__gte=now - 2 * VALID_FOR, plan__isnull=False
    )
    latest = runs.order_by("site_id", "-at").distinct("site_id").values_list("site_id", "plan")
    plans = {site_id: read_plan(site_id, stored) for site_id, stored in latest}
    return {site_id: plan for site_id, plan in plans.items() if plan is not None}


def _count(total: int, sites: Iterable[LoadedSite]) -> DeviceCount:
    connected = stale = 0
    for site in sites:
        state = site.state
        connected += len(site.snapshots)
        stale += sum(is_stale(resource, state.now) for resource in state.resources)
        stale += state.main_meter_at is not None and not state.main_meter_is_recent
    return DeviceCount(total=total, available=connected - stale, stale=stale)
