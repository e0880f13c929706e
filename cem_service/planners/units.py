"""The units of a resource, by its type: what the reactive layer can give an order to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cem_service.domain.ddbc import DDBCResource
from cem_service.domain.decision import LastInstruction
from cem_service.domain.frbc import FRBCResource
from cem_service.domain.ombc import OMBCResource
from cem_service.domain.pebc import PEBCResource
from cem_service.domain.resource import Resource
from cem_service.domain.site import SiteState
from cem_service.planners.choices import Prices, SteeredUnit
from cem_service.planners.envelope_unit import EnvelopeUnit
from cem_service.planners.forecast import as_loads
from cem_service.planners.horizon import Horizon
from cem_service.planners.mode_unit import ModeUnit
from cem_service.planners.mode_values import ModeValues
from cem_service.planners.oracle import best_response
from cem_service.planners.plan import SitePlan
from cem_service.planners.site_cost import SiteCost
from cem_service.planners.store_unit import StoreUnit
from cem_service.planners.worth import LOOKAHEAD, value_table


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all units of a site have in common; `base_w` is what everything draws that is not steered."""

    site: SiteState
    plan: SitePlan | None
    prices: Prices
    base_w: float


def units_of(resource: Resource, around: Surroundings, last: LastInstruction | None) -> Sequence[SteeredUnit]:
    """None for power profiles: they are told times, not powers."""
    make = _UNITS.get(type(resource))
    return () if make is None else make(resource, around, last)


def _of_store(resource: FRBCResource, around: Surroundings, last: LastInstruction | None) -> Sequence[SteeredUnit]:
    values = value_table(resource, around.site, around.plan)
    return [StoreUnit(resource, one, values, around.prices, around.site.now, last) for one in resource.actuators]


def _of_envelope(resource: PEBCResource, around: Surroundings, last: LastInstruction | None) -> Sequence[SteeredUnit]:
    device = around.plan.devices.get(resource.link_id) if around.plan else None
    planned = device.envelopes if device else ()
    return [EnvelopeUnit(resource, around.prices, around.site.now, last, planned)]


def _of_modes(
    resource: OMBCResource | DDBCResource, around: Surroundings, last: LastInstruction | None
) -> Sequence[SteeredUnit]:
    return [ModeUnit(resource, _mode_values(resource, around), around.prices, around.site.now, last)]


def _mode_values(resource: OMBCResource | DDBCResource, around: Surroundings) -> ModeValues | None:
    """The plan's, while they reach far enough; else those of a plan on the spot, on the power drawn now."""
    now = around.site.now
    device = around.plan.devices.get(resource.link_id) if around.plan else None
    values = device.mode_values if device else None
    if values is not None and now + LOOKAHEAD <= values.ends:
        return values
    horizon = Horizon.at(now)
    loads_w = as_loads(around.site, np.full(horizon.steps, around.base_w))
    cost = SiteCost.of(around.site, horizon).seen_by(loads_w, resource.phase_shares)
    device = best_response(resource, cost, horizon)
    return device.mode_values if device else None


_UNITS: dict[type[Resource], Callable[[Any, Surroundings, LastInstruction | None], Sequence[SteeredUnit]]] = {
    FRBCResource: _of_store,
    PEBCResource: _of_envelope,
    OMBCResource: _of_modes,
    DDBCResource: _of_modes,
}
