"""What a day of a home truly costs by the powers alone: one judge for our plans, for the reference and for no plan.

Levels follow from powers by the physics of each store, not from what a plan says of them. Counted are energy, what is
missed of targets and comfort, switches of what is on or off, less what is left in the stores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from cem_service.domain.frbc import FRBCResource
from cem_service.domain.ppbc import Sequence
from cem_service.domain.series import Array, StepSeries
from cem_service.planners.coordination import Problem
from cem_service.planners.horizon import Horizon
from cem_service.planners.plan import STEP
from cem_service.planners.store import LEFTOVER_SHARE, edge_cost, usage_rates
from cem_service.planners.ways import SWITCH_EUR
from tests.support.scenarios.building import LEAST_OFF, LEAST_ON, Building

STEP_S = STEP.total_seconds()
HOURS = STEP_S / 3600.0
ON_W = 1.0
# A buffer that nobody steers is heated from this share of its range on, until it is full.
THERMOSTAT_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Judged:
    """`eur` is the true sum; the others count what must never be: W beyond the fuse, overfilled shares of a store's
    range, runs of a heat pump that are too short.
    """

    eur: float
    over_w: float
    overfilled: float
    short_runs: int

    @property
    def keeps_hard_limits(self) -> bool:
        return self.over_w <= 1.0 and self.overfilled <= 1e-6 and self.short_runs == 0


def judged(home: Building, problem: Problem, powers_w: Mapping[str, Array]) -> Judged:
    net_w = np.atleast_2d(problem.base_w)[0] + np.sum(list(powers_w.values()), axis=0)
    eur = problem.cost.energy_eur(net_w, problem.horizon.durations_s)
    overfilled, short = 0.0, 0
    for store in home.stores:
        power_w = powers_w[store.name]
        levels = levels_of(store, problem.horizon, power_w)
        eur += float(edge_cost(store, problem.horizon).eur_along(levels[1:]).sum())
        eur += switching_eur(store, power_w) - kept_eur_per_unit(store, problem) * float(levels[-1])
        overfilled = max(overfilled, _overfilled(store, levels))
        short += short_runs(power_w) if store.drains else 0
    import_w, export_w = home.limits_w
    return Judged(eur, float(np.maximum(net_w - import_w, -net_w - export_w).max()), overfilled, short)


def levels_of(store: FRBCResource, horizon: Horizon, power_w: Array) -> Array:
    """The level at each edge, shape (steps + 1,)."""
    rates = np.where(power_w > 0, unit_per_joule(store, 1.0), unit_per_joule(store, -1.0)) * power_w
    moves = horizon.durations_s * (rates - losses(store, horizon))
    levels: Array = (store.fill_level or 0.0) + np.concatenate(([0.0], np.cumsum(moves)))
    return levels


def losses(store: FRBCResource, horizon: Horizon) -> Array:
    """Units per second that the store loses by itself, in each step; its leakage is the same at all levels."""
    return usage_rates(store, horizon) + sum(rate for _, _, rate in store.leakage)


def unit_per_joule(store: FRBCResource, sign: float) -> float:
    """What a joule taken (`sign` 1) or given (-1) moves the level by; 0 where there is no such power."""
    ends = [
        (sign * power_w, rate / power_w)
        for mode in store.actuators[0].usable_modes
        for element in mode.elements
        for power_w, rate in ((element.power_at_0_w, element.rate_at_0), (element.power_at_1_w, element.rate_at_1))
        if sign * power_w > 0
    ]
    return max(ends, default=(0.0, 0.0))[1]


def fastest_w(store: FRBCResource) -> float:
    return max(
        max(element.power_at_0_w, element.power_at_1_w)
        for mode in store.actuators[0].usable_modes
        for element in mode.elements
    )


def kept_eur_per_unit(store: FRBCResource, problem: Problem) -> float:
    """What a unit is worth that is left at the end."""
    share = LEFTOVER_SHARE if store.can_discharge or store.drains else LEFTOVER_SHARE / 2
    cost = problem.cost
    told = cost.returned_eur_per_kwh if store.can_discharge else cost.leftover_eur_per_kwh
    return share * max(told or 0.0, 0.0) * store.kwh_per_unit


def switching_eur(store: FRBCResource, power_w: Array) -> float:
    """Of what is on or off; it is off before the plan begins."""
    if store.can_discharge:
        return 0.0
    return SWITCH_EUR * int(np.count_nonzero(np.diff(power_w > ON_W, prepend=False)))


def short_runs(power_w: Array) -> int:
    """Runs that are too short, and pauses; the last one may be cut short by the end of the plan."""
    runs = [(on, len(list(steps))) for on, steps in groupby(power_w > ON_W)]
    # What is off when the plan begins has been so for long.
    whole = runs[1:-1] if not runs[0][0] else runs[:-1]
    return sum(length < (LEAST_ON if on else LEAST_OFF) for on, length in whole)


def _overfilled(store: FRBCResource, levels: Array) -> float:
    """Also counts taking out what is not there, from what does not drain by itself."""
    room = store.highest_level - store.lowest_level
    beyond = float(levels.max()) - store.highest_level
    return max(beyond, 0.0 if store.drains else store.lowest_level - float(levels.min()), 0.0) / room


def without_flexibility(home: Building) -> dict[str, Array]:
    """Powers if nobody steers: the car charges at once, a thermostat heats, the battery rests, the machine starts."""
    steps = home.horizon.steps
    powers = {
        store.name: np.zeros(steps)
        if store.can_discharge
        else _heated(store, home.horizon)
        if store.drains
        else _charged_at_once(store, home.horizon)
        for store in home.stores
    }
    first = home.machine.profiles[0].containers[0].sequences[0]
    powers[home.machine.name] = power_of(first, home).means(home.horizon.edges, 0.0)
    return powers


def _charged_at_once(store: FRBCResource, horizon: Horizon) -> Array:
    """At full power up to the level that it has to have in the end."""
    wanted = float(edge_cost(store, horizon).below[:, -1, 0].max())
    joules = (wanted - (store.fill_level or 0.0)) / unit_per_joule(store, 1.0)
    left = np.maximum(joules - fastest_w(store) * STEP_S * np.arange(horizon.steps), 0.0)
    power_w: Array = np.minimum(fastest_w(store), left / STEP_S)
    return power_w


def _heated(store: FRBCResource, horizon: Horizon) -> Array:
    level, on_for, power_w = store.fill_level or 0.0, 0, np.zeros(horizon.steps)
    start = store.lowest_level + THERMOSTAT_SHARE * (store.highest_level - store.lowest_level)
    warms = fastest_w(store) * unit_per_joule(store, 1.0) * STEP_S
    for step, lost in enumerate(losses(store, horizon) * STEP_S):
        has_room = level + warms - lost <= store.highest_level
        on = has_room and (level < start or on_for > 0)
        on_for = on_for + 1 if on else 0
        power_w[step] = fastest_w(store) if on else 0.0
        level += warms * on - lost
    return power_w


def power_of(sequence: Sequence, home: Building, begins_s: float = 0.0) -> StepSeries:
    """A programme that begins so much later than the plan."""
    pieces = ((round(seconds * 1000), power_w) for seconds, power_w in sequence.elements)
    moved = StepSeries.consecutive(home.horizon.now, pieces)
    return StepSeries(moved.edges + begins_s, moved.values)
