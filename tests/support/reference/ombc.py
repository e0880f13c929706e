"""The reference for devices under OMBC: one machine, and nothing to supply."""

from __future__ import annotations

from cem_service.domain.ombc import OMBCResource
from cem_service.planners.horizon import Horizon
from cem_service.planners.kernels.modes import Demand
from cem_service.planners.power_cost import PowerCost
from tests.support.reference.modes import Reference, solve


def best_plan(resource: OMBCResource, cost: PowerCost, horizon: Horizon) -> Reference:
    assert resource.machine is not None
    return solve((resource.machine,), cost, Demand.none(horizon.steps), horizon)
