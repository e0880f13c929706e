"""Devices behind one grid connection, and the sum over the connections of a pool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from cem_service.domain.frbc import FRBCResource
from cem_service.domain.pebc import PEBCResource
from cem_service.domain.ppbc import PPBCResource
from cem_service.domain.resource import MEASUREMENT_VALID_FOR, Resource
from cem_service.domain.series import Array
from cem_service.domain.site import SiteState
from cem_service.planners.forecast import forecast_base, forecast_resource
from cem_service.planners.horizon import Horizon
from cem_service.planners.placed import expected_power_w
from cem_service.planners.plan import SitePlan
from flexhub.flexibility.pooling.envelopes import envelope_room
from flexhub.flexibility.pooling.planned import Alignment
from flexhub.flexibility.pooling.profiles import profile_room
from flexhub.flexibility.pooling.reading import read_store
from flexhub.flexibility.pooling.stores import StoreRow, Stores, room


@dataclass(frozen=True, slots=True)
class SiteOutlook:
    """What one site expects, before stores are looked at: arrays in W over quarter hours.

    `expected_w` holds everything but the stores. `up_w` and `down_w` are what its other devices can do.
    """

    fuse_limit_w: float
    export_limit_w: float
    curtailable: bool
    expected_w: Array
    up_w: Array
    down_w: Array
    stores: tuple[StoreRow, ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """W over quarter hours; `up_w` and `down_w` are at least 0 and hold in each quarter hour by itself."""

    baseline_w: Array
    up_w: Array
    down_w: Array


@dataclass
class _Sum:
    """Collects what the resources of a site add."""

    horizon: Horizon
    expected_w: Array
    up_w: Array = field(init=False)
    down_w: Array = field(init=False)
    stores: list[StoreRow] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.up_w, self.down_w = np.zeros(self.horizon.steps), np.zeros(self.horizon.steps)

    def add(self, rooms: tuple[Array, Array]) -> None:
        self.up_w = self.up_w + rooms[0]
        self.down_w = self.down_w + rooms[1]


def is_stale(resource: Resource, now: datetime) -> bool:
    """Its last measurement is too old to rely on; a device that never measured is known by its statuses alone."""
    return resource.measured_at is not None and now - resource.measured_at > MEASUREMENT_VALID_FOR


def outlook(site: SiteState, plan: SitePlan | None, horizon: Horizon) -> SiteOutlook:
    """The site along its plan, or with everything as it is now where it has none that still counts.

    A stale device keeps its place in the baseline and offers nothing.
    """
    alignment = Alignment.of(plan, horizon) if plan is not None else None
    if plan is None or alignment is None:
        plan = alignment = None
        total = _Sum(horizon, forecast_base(site, horizon))
    else:
        total = _Sum(horizon, alignment.base(plan.base_w))
        present = {resource.link_id for resource in site.resources}
        for link_id, device in plan.devices.items():
            # A device that has gone since still draws what the house is expected to draw.
            if link_id not in present:
                total.expected_w = total.expected_w + alignment.device(device.power_w)
    for resource in site.resources:
        _add(total, site, resource, plan, alignment)
    curtailable = any(isinstance(one, PEBCResource) and one.ready and one.can_produce for one in site.resources)
    # The fuse works in both directions; a contract may allow less to go out.
    export_limit_w = site.fuse_limit_w if site.export_limit_w is None else min(site.export_limit_w, site.fuse_limit_w)
    return SiteOutlook(
        fuse_limit_w=site.fuse_limit_w,
        export_limit_w=export_limit_w,
        curtailable=curtailable,
        expected_w=total.expected_w,
        up_w=total.up_w,
        down_w=total.down_w,
        stores=tuple(total.stores),
    )


def _add(total: _Sum, site: SiteState, resource: Resource, plan: SitePlan | None, alignment: Alignment | None) -> None:
    horizon = total.horizon
    device = plan.devices.get(resource.link_id) if plan else None
    offers = not is_stale(resource, site.now)
    if isinstance(resource, FRBCResource) and offers:
        row = read_store(resource, device, alignment, horizon)
        if row is not None:
            total.stores.append(row)
            return
    if device is not None and alignment is not None:
        total.expected_w = total.expected_w + alignment.device(device.power_w)
    elif alignment is None:
        total.expected_w = total.expected_w + _without_plan(site, resource, horizon)
    # What is in a plan but not planned for by itself is in its base already.
    if offers and isinstance(resource, PPBCResource):
        total.add(profile_room(resource, device, horizon))
    elif offers and isinstance(resource, PEBCResource):
        if device is not None and alignment is not None:
            expected_w = alignment.device(device.power_w)
        else:
            expected_w = forecast_resource(site, resource, horizon)
        total.add(envelope_room(resource, expected_w, horizon))


def _without_plan(site: SiteState, resource: Resource, horizon: Horizon) -> Array:
    if isinstance(resource, FRBCResource):
        return np.full(horizon.steps, resource.power_w(site.now) or 0.0)
    if isinstance(resource, PPBCResource):
        return expected_power_w(resource, (), horizon)
    return forecast_resource(site, resource, horizon)


def pool(sites: Sequence[SiteOutlook], horizon: Horizon) -> Offer:
    """The sum over sites, each within the limits of its grid connection."""
    if not sites:
        return Offer(*(np.zeros(horizon.steps) for _ in range(3)))
    expected_w, up_w, down_w = (np.stack([getattr(site, name) for site in sites]) for name in _PARTS)
    rows = [row for site in sites for row in site.stores]
    if rows:
        owner = np.repeat(np.arange(len(sites)), [len(site.stores) for site in sites])
        stores = Stores.of(rows)
        store_up, store_down = room(stores, horizon.durations_s)
        for target, addend in ((expected_w, stores.planned_w), (up_w, store_up), (down_w, store_down)):
            np.add.at(target, owner, addend)
    fuse_w, export_w = (np.array([[getattr(site, name)] for site in sites]) for name in _LIMITS)
    highest_w, lowest_w = expected_w + up_w, expected_w - down_w
    curtailable = np.array([[site.curtailable] for site in sites])
    # Production beyond the export limit is cut anyway, so it is not expected either.
    cut_w = np.minimum(np.maximum(expected_w, -export_w), highest_w)
    baseline_w = np.where(curtailable, cut_w, expected_w)
    up_w = np.maximum(np.minimum(highest_w, fuse_w) - baseline_w, 0.0)
    down_w = np.maximum(baseline_w - np.maximum(lowest_w, -export_w), 0.0)
    return Offer(baseline_w.sum(axis=0), up_w.sum(axis=0), down_w.sum(axis=0))


_PARTS = ("expected_w", "up_w", "down_w")
_LIMITS = ("fuse_limit_w", "export_limit_w")
