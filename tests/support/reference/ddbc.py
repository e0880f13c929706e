"""The reference for devices under DDBC: all actuators, and the demand with the planner's prices for missing it."""

from __future__ import annotations

from cem_service.domain.ddbc import DDBCResource
from cem_service.planners.ddbc import demand_of
from cem_service.planners.horizon import Horizon
from cem_service.planners.power_cost import PowerCost
from tests.support.reference.modes import Reference, solve


def best_plan(resource: DDBCResource, cost: PowerCost, horizon: Horizon) -> Reference:
    return solve(resource.actuators, cost, demand_of(resource, horizon), horizon)
