"""The one question that every planner answers: what is best for the site, given what each watt of mine costs it?

Whatever plans more than one device (a building, a pool) is a loop around this. It knows nothing of control types.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cem_service.domain.ddbc import DDBCResource
from cem_service.domain.frbc import FRBCResource
from cem_service.domain.ombc import OMBCResource
from cem_service.domain.pebc import PEBCResource
from cem_service.domain.ppbc import PPBCResource
from cem_service.domain.resource import Resource
from cem_service.planners.ddbc import plan_supply
from cem_service.planners.frbc import draft_store, plan_store
from cem_service.planners.horizon import Horizon
from cem_service.planners.ombc import plan_device
from cem_service.planners.pebc import plan_envelope
from cem_service.planners.plan import DevicePlan
from cem_service.planners.power_cost import PowerCost
from cem_service.planners.ppbc import plan_profile

Planner = Callable[[Any, PowerCost, Horizon], DevicePlan | None]

PLANNERS: dict[type[Resource], Planner] = {
    FRBCResource: plan_store,
    PPBCResource: plan_profile,
    OMBCResource: plan_device,
    DDBCResource: plan_supply,
    PEBCResource: plan_envelope,
}

# Those that have a faster way to a plan that is nearly as good.
DRAFTERS: dict[type[Resource], Planner] = {FRBCResource: draft_store}


def best_response(resource: Resource, cost: PowerCost, horizon: Horizon) -> DevicePlan | None:
    """The best plan of one ready resource; None where it has nothing to choose."""
    planner = PLANNERS.get(type(resource))
    return None if planner is None else planner(resource, cost, horizon)


def draft_response(resource: Resource, cost: PowerCost, horizon: Horizon) -> DevicePlan | None:
    """A rough answer to the same question."""
    drafter = DRAFTERS.get(type(resource))
    return best_response(resource, cost, horizon) if drafter is None else drafter(resource, cost, horizon)
