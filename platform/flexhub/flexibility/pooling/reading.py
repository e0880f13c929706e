"""One fill rate based resource as a row of `Stores`."""

from __future__ import annotations

import numpy as np

from cem_service.domain.frbc import FRBCResource
from cem_service.domain.series import Array
from cem_service.planners.horizon import Horizon
from cem_service.planners.plan import DevicePlan
from cem_service.planners.store import COMFORT_SHARE, targets
from flexhub.flexibility.pooling.modes import Points, points_of
from flexhub.flexibility.pooling.planned import Alignment
from flexhub.flexibility.pooling.stores import StoreRow


def read_store(
    resource: FRBCResource, plan: DevicePlan | None, alignment: Alignment | None, horizon: Horizon
) -> StoreRow | None:
    """The row of a ready resource along its plan, or at its present power as long as its store allows; None where no
    mode suits its levels, so that nothing can be said.
    """
    present = resource.fill_level
    if not resource.ready or present is None:
        return None
    if plan is not None and plan.levels is not None and alignment is not None:
        level, planned_w = alignment.level(present, plan.levels), alignment.device(plan.power_w)
        points = points_of(resource.actuators, level[:-1], horizon.edges)
        drain = _drain(resource, level[:-1], horizon)
    else:
        still = np.full(horizon.steps, present)
        points = points_of(resource.actuators, still, horizon.edges)
        drain = _drain(resource, still, horizon)
        if points is None:
            return None
        level, planned_w = _hold(resource, points, drain, horizon)
    if points is None:
        return None
    offered = _offered(resource, horizon)
    lower, upper = _range(resource, horizon)
    return StoreRow(
        planned_w=planned_w,
        level=level,
        bottom_w=np.where(offered, points.bottom_w, planned_w),
        bottom_rate=np.where(offered, points.bottom_rate, 0.0),
        rest_w=np.where(offered, points.rest_w, planned_w),
        rest_rate=np.where(offered, points.rest_rate, 0.0),
        top_w=np.where(offered, points.top_w, planned_w),
        top_rate=np.where(offered, points.top_rate, 0.0),
        drain=np.where(offered, drain, 0.0),
        lower=lower,
        upper=upper,
    )


def _range(resource: FRBCResource, horizon: Horizon) -> tuple[Array, Array]:
    """(lowest, highest) level to keep at each edge: target and range, and a reserve in what empties by itself.

    The reserve is the one that plans keep, because the usage of a buffer is a forecast.
    """
    lower, upper = targets(resource, horizon)
    if resource.drains and not resource.can_discharge:
        reserve = COMFORT_SHARE * (resource.highest_level - resource.lowest_level)
        lower = np.minimum(np.maximum(lower, resource.lowest_level + reserve), upper)
    return lower, upper


def _offered(resource: FRBCResource, horizon: Horizon) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Nothing is offered beyond the target profile of a store that keeps what it has: that is when the car leaves."""
    target = resource.target_lower
    if target is None or target.values.size == 0 or resource.drains:
        return np.ones(horizon.steps, dtype=np.bool_)
    return np.asarray(horizon.edges[1:] <= target.edges[-1] + 1e-6)


def _drain(resource: FRBCResource, level: Array, horizon: Horizon) -> Array:
    """How fast the level falls by itself in each quarter hour, in units per second."""
    usage = np.zeros(horizon.steps) if resource.usage is None else resource.usage.means(horizon.edges, 0.0)
    if not resource.leakage:
        return usage
    bands = np.array(resource.leakage)
    # The nearest band counts outside all bands, as in `FRBCResource.leakage_at`.
    index = np.maximum(np.searchsorted(bands[:, 0], level, side="right") - 1, 0)
    drain: Array = usage + bands[index, 2]
    return drain


def _hold(resource: FRBCResource, points: Points, drain: Array, horizon: Horizon) -> tuple[Array, Array]:
    """(levels, powers) when the present power is held until a bound of the store is reached."""
    level = resource.fill_level if resource.fill_level is not None else resource.lowest_level
    present_w = resource.power_w(horizon.now) or 0.0
    scale = max(1.0, abs(resource.lowest_level), abs(resource.highest_level))
    levels, powers = [level], []
    for step, duration_s in enumerate(horizon.durations_s):
        rest_w, rest_rate = points.rest_w[step], points.rest_rate[step]
        end_w, end_rate = (
            (points.top_w[step], points.top_rate[step])
            if present_w >= rest_w
            else (points.bottom_w[step], points.bottom_rate[step])
        )
        share = 0.0 if end_w == rest_w else min(max((present_w - rest_w) / (end_w - rest_w), 0.0), 1.0)
        resting = level + (rest_rate - drain[step]) * duration_s
        moved = share * (end_rate - rest_rate) * duration_s
        wanted = min(max(resting + moved, resource.lowest_level), resource.highest_level) - resting
        share *= min(max(wanted / moved, 0.0), 1.0) if abs(moved) > 1e-12 * scale else 1.0
        level = resting + share * (end_rate - rest_rate) * duration_s
        levels.append(level)
        powers.append(rest_w + share * (end_w - rest_w))
    return np.array(levels), np.array(powers)
