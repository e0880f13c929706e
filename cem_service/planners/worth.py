"""What the fill level of a store is worth in the coming minutes: from the plan, or by rule where there is none."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from cem_service.domain.frbc import FRBCResource
from cem_service.domain.site import SiteState
from cem_service.planners.horizon import Horizon
from cem_service.planners.plan import STEP, SitePlan, ValueTable
from cem_service.planners.store import BELOW_TARGET_EUR, edge_cost_eur

# Constant, whatever is left of the quarter hour: with a shrinking one, the same state would be judged anew each minute.
LOOKAHEAD = timedelta(minutes=15)

# Without a plan: start filling when this much more time than needed is left, and keep so much of a buffer in reserve.
TIME_RESERVE = 1.25
BUFFER_RESERVE = 0.15

RULE_LEVELS = 41


def value_table(resource: FRBCResource, site: SiteState, plan: SitePlan | None) -> ValueTable:
    device = plan.devices.get(resource.link_id) if plan else None
    table = device.values if device else None
    if table is not None and site.now + LOOKAHEAD <= table.start + len(table.cost_eur) * STEP:
        return table
    return value_by_rule(resource, site)


def value_by_rule(resource: FRBCResource, site: SiteState) -> ValueTable:
    """A stored kWh is worth something between what it costs and what it earns, so that the site's own power is stored
    before it is sold, and used before any is bought. Below the level that a target or comfort needs, it is worth more.
    """
    horizon = Horizon(site.now, steps=1)
    buy, sell = site.prices(horizon.start, horizon.steps, STEP)
    middle = max(0.0, float(buy[0] + sell[0]) / 2)
    level = resource.fill_level if resource.fill_level is not None else resource.lowest_level
    lowest, highest = min(resource.lowest_level, level), max(resource.highest_level, level)
    levels = np.linspace(lowest, max(highest, lowest + 1e-9 * max(1.0, abs(lowest))), RULE_LEVELS)
    row = edge_cost_eur(resource, horizon, levels)[0]
    row = row - middle * resource.kwh_per_unit * levels
    row = row + BELOW_TARGET_EUR * resource.kwh_per_unit * np.maximum(_needed_level(resource, site) - levels, 0.0)
    return ValueTable(horizon.start, levels, row[None, :])


def _needed_level(resource: FRBCResource, site: SiteState) -> float:
    """The level to have when the look-ahead ends, so that no target is missed."""
    lowest, highest = resource.lowest_level, resource.highest_level
    needed = lowest
    if resource.drains and not resource.can_discharge:
        needed = lowest + BUFFER_RESERVE * (highest - lowest)
    if resource.target_lower is None:
        return needed
    then = (site.now + LOOKAHEAD).timestamp()
    fastest = _fastest_filling(resource)
    for start, end, target in zip(
        resource.target_lower.edges[:-1], resource.target_lower.edges[1:], resource.target_lower.values, strict=True
    ):
        if end > then:
            needed = max(needed, min(target, highest) - fastest * max(start - then, 0.0) / TIME_RESERVE)
    return needed


def _fastest_filling(resource: FRBCResource) -> float:
    """The highest net fill rate in units per second that all actuators reach together."""
    rates = [
        max(
            (rate for mode in one.usable_modes for e in mode.elements for rate in (e.rate_at_0, e.rate_at_1)),
            default=0.0,
        )
        for one in resource.actuators
    ]
    return max(sum(rates), 0.0)
