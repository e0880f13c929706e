"""Resources under a power envelope: production that can be cut, and consumption that can."""

from __future__ import annotations

import numpy as np

from cem_service.domain.pebc import PEBCResource
from cem_service.domain.quantities import LARGEST
from cem_service.domain.series import Array
from cem_service.planners.horizon import Horizon


def envelope_room(resource: PEBCResource, forecast_w: Array, horizon: Horizon) -> tuple[Array, Array]:
    """(up, down) in W against the forecast of a ready resource, by the tightest limits that it allows.

    A limit narrows what the device does by itself; it cannot make the sun shine. So production can be cut (up) to the
    highest lower limit and consumption (down) to the lowest upper limit, neither beyond zero. Nothing is offered after
    the constraints end.
    """
    none = np.zeros(horizon.steps)
    if not resource.ready:
        return none, none
    least_production_w = min(sum(one.lower_limit_for(LARGEST) for one in resource.limits), 0.0)
    least_consumption_w = max(sum(one.upper_limit_for(-LARGEST) for one in resource.limits), 0.0)
    up = np.where(forecast_w < 0, np.maximum(least_production_w - forecast_w, 0.0), 0.0)
    down = np.where(forecast_w > 0, np.maximum(forecast_w - least_consumption_w, 0.0), 0.0)
    if resource.valid_until is not None:
        in_force = horizon.edges[1:] <= resource.valid_until.timestamp()
        up, down = np.where(in_force, up, 0.0), np.where(in_force, down, 0.0)
    return up, down
