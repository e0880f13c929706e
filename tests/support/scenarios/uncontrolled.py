"""What a store does where nobody plans for it: what savings are counted from.

A store with a target is filled at full power, or with what the fuse leaves, until it holds what is wanted. Any other is
kept by its thermostat: filled from a fifth of its range up to four fifths. Both keep to the timers of their modes.
"""

from __future__ import annotations

import numpy as np

from cem_service.domain.frbc import FRBCResource, Mode
from cem_service.domain.series import Array
from cem_service.planners.plan import DevicePlan
from cem_service.planners.store import edge_cost, leftover_eur_per_unit, usage_rates
from tests.support.scenarios.surroundings import Surroundings

LOW_SHARE, HIGH_SHARE = 0.2, 0.8


def uncontrolled_eur(resource: FRBCResource, around: Surroundings) -> float:
    """What the day costs then, with all that a planner counts but wear."""
    cost, horizon = around.cost, around.horizon
    powers_w, levels = uncontrolled(resource, around)
    energy_eur = float(cost.eur(powers_w, horizon.durations_s).sum())
    missed_eur = float(edge_cost(resource, horizon).eur_along(levels[1:]).sum())
    return energy_eur + missed_eur - leftover_eur_per_unit(resource, cost) * float(levels[-1])


def plan_eur(plan: DevicePlan, around: Surroundings) -> float:
    """What a plan costs the site and its resource together, in the terms that a planner minimises."""
    energy_eur = float(around.cost.eur(plan.power_w, around.horizon.durations_s).sum())
    return energy_eur + plan.own.comfort_eur + plan.own.money_eur + plan.own.tidy_eur


def uncontrolled(resource: FRBCResource, around: Surroundings) -> tuple[Array, Array]:
    """(power in W of each step, level at each edge) of a store with one mode that is off and one that fills it."""
    horizon, (actuator,) = around.horizon, resource.actuators
    fills = max(actuator.usable_modes, key=lambda mode: mode.elements[-1].rate_at_1)
    drift = -usage_rates(resource, horizon) - resource.leakage_at(resource.lowest_level)
    held_s = max(actuator.timer_durations_s.values(), default=0.0)
    powers_w, levels = np.zeros(horizon.steps), np.full(horizon.steps + 1, resource.fill_level or 0.0)
    on, since_s = actuator.active_mode_id == fills.mode_id, held_s
    for step, duration_s in enumerate(horizon.durations_s):
        level = float(levels[step])
        if since_s >= held_s and _wants(resource, level, on=on) != on:
            on, since_s = not on, 0.0
        since_s += duration_s
        resting = level + float(drift[step]) * duration_s
        full_w, moved = _filling(fills, level, duration_s) if on else (0.0, 0.0)
        room = max(_end(resource) - resting, 0.0)
        share = min(1.0, room / moved, (around.fuse_w - around.base_w[step]) / full_w) if moved > 0 else 0.0
        powers_w[step], levels[step + 1] = full_w * share, resting + moved * share
    return powers_w, levels


def _end(resource: FRBCResource) -> float:
    return resource.highest_level if resource.target_lower is None else float(resource.target_lower.values.max())


def _wants(resource: FRBCResource, level: float, *, on: bool) -> bool:
    """Whether it is filled on, or begins to be filled, at this level."""
    if resource.target_lower is not None:
        return level < _end(resource)
    share = (level - resource.lowest_level) / (resource.highest_level - resource.lowest_level)
    return share < LOW_SHARE or (on and share < HIGH_SHARE)


def _filling(mode: Mode, level: float, duration_s: float) -> tuple[float, float]:
    element = mode.element_at(level)
    return (0.0, 0.0) if element is None else (element.power_at_1_w, element.rate_at_1 * duration_s)
