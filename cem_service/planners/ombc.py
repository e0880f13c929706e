"""Plans a device under OMBC: when to be in which mode, and how far up.

Nothing is stored, so all that joins one step to the next are transitions: what they cost and take, and their timers.
"""

from __future__ import annotations

from cem_service.domain.ombc import OMBCResource
from cem_service.planners.horizon import Horizon
from cem_service.planners.kernels.modes import Demand
from cem_service.planners.mode_plan import plan_modes
from cem_service.planners.plan import DevicePlan
from cem_service.planners.power_cost import PowerCost


def plan_device(resource: OMBCResource, cost: PowerCost, horizon: Horizon) -> DevicePlan | None:
    """The plan of a ready resource; None where it has nothing to choose."""
    if resource.machine is None:
        return None
    plan = plan_modes((resource.machine,), cost, Demand.none(horizon.steps), horizon)
    if plan is None:
        return None
    return DevicePlan(resource.link_id, plan.power_w, mode_values=plan.values(horizon), own=plan.own)
