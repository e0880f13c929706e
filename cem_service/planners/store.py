"""What a store costs apart from its energy: comfort, its target profile, its range, and what is left at the end.

All of these are soft. A plan is never "infeasible"; it breaks what costs least, which the amounts below decide. They
lie far above any price of energy and far below the price of a broken limit, so that comfort yields to the fuse only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from cem_service.domain.frbc import FRBCResource
from cem_service.domain.series import Array
from cem_service.planners.horizon import Horizon
from cem_service.planners.power_cost import PowerCost
from cem_service.planners.same import Same

# EUR for each kWh that the store is off at an edge between two quarter hours.
BELOW_TARGET_EUR = 10.0
ABOVE_TARGET_EUR = 1.0
OUT_OF_RANGE_EUR = 25.0

# A store that empties by itself is kept a little above its lowest level: its usage is a forecast, and a heat pump that
# is held by its timer cannot start at once.
COMFORT_SHARE = 0.05
COMFORT_EUR = 0.3

# Energy left at the end of the horizon saves buying it in the cheapest hours of another day, and from a battery, which
# gives it back when that pays best, in hours like any other: with less than that, each plan would have it empty by the
# same hour of the next day. A little less is counted, so that nothing is bought merely to be kept, and half of it where
# the store neither gives back nor drains.
LEFTOVER_SHARE = 0.9
CHEAPEST_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class EdgeCost:
    """What each edge between two quarter hours costs by the fill level at it.

    `below` and `above` hold (level, EUR for each unit below or above it), shape (steps + 1, hinges, 2).
    """

    below: Array
    above: Array

    def eur(self, levels: Array) -> Array:
        """EUR for having each of `levels` at each edge, shape (steps + 1, levels)."""
        short = np.maximum(self.below[:, :, :1] - levels, 0.0) * self.below[:, :, 1:]
        over = np.maximum(levels - self.above[:, :, :1], 0.0) * self.above[:, :, 1:]
        cost: Array = short.sum(axis=1) + over.sum(axis=1)
        return cost

    def eur_along(self, levels: Array) -> Array:
        """EUR for the level after each step, both of shape (steps,)."""
        short = np.maximum(self.below[1:, :, 0] - levels[:, None], 0.0) * self.below[1:, :, 1]
        over = np.maximum(levels[:, None] - self.above[1:, :, 0], 0.0) * self.above[1:, :, 1]
        cost: Array = short.sum(axis=1) + over.sum(axis=1)
        return cost


def edge_cost(resource: FRBCResource, horizon: Horizon) -> EdgeCost:
    """A target counts at the edge before it begins, so that it is reached in time wherever it begins in a quarter."""
    return _edge_cost(Same(resource), horizon)


@lru_cache(maxsize=256)
def _edge_cost(same: Same, horizon: Horizon) -> EdgeCost:
    resource = same.one
    lowest, highest, unit = resource.lowest_level, resource.highest_level, resource.kwh_per_unit
    below: list[_Hinge] = [(lowest, OUT_OF_RANGE_EUR * unit)]
    above: list[_Hinge] = [(highest, OUT_OF_RANGE_EUR * unit)]
    if resource.drains and not resource.can_discharge:
        comfortable = lowest + COMFORT_SHARE * (highest - lowest)
        below.append((comfortable, COMFORT_EUR * unit))
    lower, upper = targets(resource, horizon)
    if resource.target_lower is not None:
        below.append((lower, BELOW_TARGET_EUR * unit))
    if resource.target_upper is not None:
        above.append((upper, ABOVE_TARGET_EUR * unit))
    return EdgeCost(_at_each_edge(below, horizon), _at_each_edge(above, horizon))


_Hinge = tuple[Array | float, float]  # level at each edge, or at all; EUR for each unit beyond


def _at_each_edge(hinges: list[_Hinge], horizon: Horizon) -> Array:
    result = np.empty((horizon.steps + 1, len(hinges), 2))
    for index, (at, eur) in enumerate(hinges):
        result[:, index, 0], result[:, index, 1] = at, eur
    return result


def edge_cost_eur(resource: FRBCResource, horizon: Horizon, levels: Array) -> Array:
    """EUR for having each of `levels` at each edge of the horizon, shape (steps + 1, levels)."""
    return edge_cost(resource, horizon).eur(levels)


def targets(resource: FRBCResource, horizon: Horizon) -> tuple[Array, Array]:
    """(lower, upper) level wanted at each edge; the store's own bounds where there is no target."""
    lowest, highest = resource.lowest_level, resource.highest_level
    edges = np.append(horizon.edges, horizon.edges[-1] + 1.0)
    lower, upper = np.full(horizon.steps + 1, lowest), np.full(horizon.steps + 1, highest)
    if resource.target_lower is not None:
        lower = np.clip(resource.target_lower.extremes(edges, -np.inf, highest=True), lowest, highest)
    if resource.target_upper is not None:
        upper = np.clip(resource.target_upper.extremes(edges, np.inf, highest=False), lowest, highest)
    return lower, np.maximum(upper, lower)


def usage_rates(resource: FRBCResource, horizon: Horizon) -> Array:
    """How fast the level falls by what is drawn from the store, in units per second, shape (steps,)."""
    return np.zeros(horizon.steps) if resource.usage is None else resource.usage.means(horizon.edges, 0.0)


def leftover_eur_per_unit(resource: FRBCResource, cost: PowerCost) -> float:
    """What a unit of fill level at the end of the horizon is worth, in EUR."""
    told = cost.returned_eur_per_kwh if resource.can_discharge else cost.leftover_eur_per_kwh
    if told is None:
        marginal = np.sort(cost.marginal_eur_per_kwh(np.zeros(cost.steps)))
        told = float((marginal if resource.can_discharge else marginal[: _cheapest_count(marginal.size)]).mean())
    share = LEFTOVER_SHARE if resource.can_discharge or resource.drains else LEFTOVER_SHARE / 2
    return max(0.0, share * told) * resource.kwh_per_unit


def _cheapest_count(steps: int) -> int:
    return max(1, int(CHEAPEST_SHARE * steps))
