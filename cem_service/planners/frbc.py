"""Plans a store by dynamic programming over its operation modes and a grid of fill levels.

The state is (active mode, fill level) at each edge between two quarter hours; the choice is a mode with a factor. All
choices of all steps and levels are laid out as one array (step, level, candidate) first; what is left for the backward
pass is to look up the cost that follows and to take the smallest.

The candidate factors matter more than the fineness of the grid. Beside a few even ones, each mode gets the factor that
brings the site to a net power of zero and those that bring it exactly to its limits. A candidate that would carry the
level over a bound is used for a part of the step only, so that landing on a bound is always among the choices.

The way from one mode to another costs a little, and is closed where the description has no transition. Timers are left
to the reactive layer, which knows when they end: they are mostly shorter than a quarter hour.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cem_service.domain.frbc import Actuator, FRBCResource, Mode
from cem_service.domain.series import Array
from cem_service.planners.horizon import Horizon
from cem_service.planners.plan import DevicePlan, ValueTable
from cem_service.planners.power_cost import PowerCost
from cem_service.planners.store import OUT_OF_RANGE_EUR, drain_rates, edge_cost_eur, leftover_eur_per_unit, own_cost

LEVELS = 41
EVEN_FACTORS = (0.0, 0.25, 0.5, 0.75, 1.0)
ENDS_ONLY = (0.0, 1.0)
MANY_MODES = 12  # Beyond this many, modes take the place of factors, and the way between them is left open.

# Each switch wears something. Half a cent is less than any plan gains by a switch that is worth it.
SWITCH_EUR = 0.005
NO_WAY_EUR = 1e3

# Edges of the value table: the reactive layer looks 15 minutes ahead, and a plan may be an hour old.
VALUE_EDGES = 6


@dataclass(frozen=True, slots=True)
class FRBCPlan:
    """One actuator's part: mean power in W and mean fill rate per step, the level after it, the modes used.

    `cost_to_go_eur[k, n]` is the expected cost from edge k on, when the level is `grid[n]` there.
    """

    power_w: Array
    rates: Array
    levels: Array
    mode_ids: tuple[str, ...]
    grid: Array
    cost_to_go_eur: Array


@dataclass(frozen=True, slots=True)
class _Candidates:
    """What each choice does; arrays over (level, candidate), `factor` over (step, level, candidate)."""

    modes: tuple[Mode, ...]
    mode_of: NDArray[np.intp]
    first_of_mode: NDArray[np.intp]
    usable: NDArray[np.bool_]
    power_at_0_w: Array
    power_span_w: Array
    rate_at_0: Array
    rate_span: Array
    running_eur_per_s: Array
    factor: Array


@dataclass(frozen=True, slots=True)
class _Outcomes:
    """What each choice leads to; arrays over (step, level, candidate)."""

    share: Array  # of the step in which the mode is used, below 1 only where a bound is reached before its end
    cost_eur: Array
    position: NDArray[np.intp]  # of the next level in the grid
    weight: Array  # of the grid level after it


def plan_store(resource: FRBCResource, cost: PowerCost, horizon: Horizon) -> DevicePlan | None:
    """The plan of a ready resource; None where its store has no room, so that there is nothing to plan.

    Several actuators are planned one after the other, each against the latest plan of the others.
    """
    level = resource.fill_level
    if level is None or not resource.actuators or not _has_room(resource):
        return None
    plans: dict[str, FRBCPlan] = {}
    rounds = 1 if len(resource.actuators) == 1 else 2
    last = resource.actuators[-1].actuator_id
    for _ in range(rounds):
        for actuator in resource.actuators:
            others = [plan for actuator_id, plan in plans.items() if actuator_id != actuator.actuator_id]
            other_w, other_rates = np.zeros(horizon.steps), np.zeros(horizon.steps)
            for other in others:
                other_w, other_rates = other_w + other.power_w, other_rates + other.rates
            if actuator.usable_modes:
                plans[actuator.actuator_id] = plan_actuator(
                    resource, actuator, other_rates=other_rates, cost=cost.beside(other_w), horizon=horizon
                )
                last = actuator.actuator_id
    decisive = plans[last]
    values = ValueTable(horizon.start, decisive.grid, decisive.cost_to_go_eur[:VALUE_EDGES])
    power_w = np.sum([plan.power_w for plan in plans.values()], axis=0)
    own = own_cost(resource, horizon, cost, decisive.levels)
    return DevicePlan(resource.link_id, power_w, decisive.levels, values, own=own)


def _has_room(resource: FRBCResource) -> bool:
    room = resource.highest_level - resource.lowest_level
    return room > 1e-9 * max(1.0, abs(resource.lowest_level), abs(resource.highest_level))


def plan_actuator(
    resource: FRBCResource,
    actuator: Actuator,
    *,
    other_rates: Array,
    cost: PowerCost,
    horizon: Horizon,
    level_count: int = LEVELS,
) -> FRBCPlan:
    """The best modes and factors of one actuator; `other_rates` is what the others do to the level, per second."""
    level = resource.fill_level if resource.fill_level is not None else resource.lowest_level
    grid = np.linspace(min(resource.lowest_level, level), max(resource.highest_level, level), level_count)
    drift = other_rates[:, None] - drain_rates(resource, horizon, grid)
    candidates = _lay_out(resource, actuator, grid, cost)
    outcomes = _foresee(resource, candidates, grid, drift, cost, horizon)
    switching = _switching_eur(actuator, candidates.modes)
    leftover = leftover_eur_per_unit(resource, cost)
    edges_eur = edge_cost_eur(resource, horizon, grid)
    edges_eur[-1] -= leftover * grid
    totals, cost_to_go = _backwards(candidates, outcomes, switching, edges_eur)
    return _forwards(actuator, level, grid, drift, candidates, outcomes, switching, totals, cost_to_go, horizon)


def _lay_out(resource: FRBCResource, actuator: Actuator, grid: Array, cost: PowerCost) -> _Candidates:
    modes = actuator.usable_modes
    even = EVEN_FACTORS if len(modes) <= MANY_MODES else ENDS_ONLY
    inside = np.clip(grid, resource.lowest_level, resource.highest_level)
    columns: list[Array] = []  # per candidate: usable, powers, rates, running cost; each over the grid
    mode_of: list[int] = []
    factors: list[Array] = []
    for index, mode in enumerate(modes):
        elements = [mode.element_at(float(level)) for level in inside]
        table = np.array(
            [
                (1.0, e.power_at_0_w, e.power_at_1_w, e.rate_at_0, e.rate_at_1, e.running_cost_eur_per_s)
                if e
                else (0.0,) * 6
                for e in elements
            ]
        )
        fixed = all(element is None or element.is_fixed for element in elements)
        own = _factors(table[:, 1], table[:, 2], cost.at_w, even) if not fixed else [np.zeros((1, 1))]
        columns += [table] * len(own)
        mode_of += [index] * len(own)
        factors += own
    layout = np.stack(columns, axis=1)
    shape = (cost.steps, grid.size)
    return _Candidates(
        modes=modes,
        mode_of=np.array(mode_of),
        first_of_mode=np.searchsorted(np.array(mode_of), np.arange(len(modes))),
        usable=layout[:, :, 0] > 0,
        power_at_0_w=layout[:, :, 1],
        power_span_w=layout[:, :, 2] - layout[:, :, 1],
        rate_at_0=layout[:, :, 3],
        rate_span=layout[:, :, 4] - layout[:, :, 3],
        running_eur_per_s=layout[:, :, 5],
        factor=np.stack([np.broadcast_to(factor, shape) for factor in factors], axis=2),
    )


def _factors(power_at_0_w: Array, power_at_1_w: Array, aims_w: Array, even: tuple[float, ...]) -> list[Array]:
    """The even factors and those that reach each aim; arrays that broadcast to (step, level)."""
    span = power_at_1_w - power_at_0_w
    safe_span = np.where(span == 0, 1.0, span)
    aimed = [np.clip((aims_w[:, [aim]] - power_at_0_w) / safe_span, 0.0, 1.0) for aim in range(aims_w.shape[1])]
    idle = np.clip(-power_at_0_w / safe_span, 0.0, 1.0)[None, :]
    return [*(np.full((1, 1), factor) for factor in even), idle, *aimed]


def _foresee(
    resource: FRBCResource,
    candidates: _Candidates,
    grid: Array,
    drift: Array,
    cost: PowerCost,
    horizon: Horizon,
) -> _Outcomes:
    durations = horizon.durations_s[:, None, None]
    lowest, highest = resource.lowest_level, resource.highest_level
    resting = (grid + drift * horizon.durations_s[:, None])[:, :, None]
    moved = (candidates.rate_at_0 + candidates.factor * candidates.rate_span) * durations
    wanted = np.clip(resting + moved, lowest, highest) - resting
    moves = np.abs(moved) > 1e-12 * max(1.0, abs(lowest), abs(highest))
    share = np.where(moves, np.clip(wanted / np.where(moves, moved, 1.0), 0.0, 1.0), 1.0)
    reached = resting + share * moved
    power_w = share * (candidates.power_at_0_w + candidates.factor * candidates.power_span_w)
    cost_eur = cost.eur(power_w, horizon.durations_s)
    cost_eur += share * durations * candidates.running_eur_per_s
    # Not to be had from the levels of the grid: a level beyond its ends is looked up at the end.
    outside = np.maximum(grid[0] - reached, 0.0) + np.maximum(reached - grid[-1], 0.0)
    cost_eur += OUT_OF_RANGE_EUR * resource.kwh_per_unit * outside
    cost_eur += np.where(candidates.usable, 0.0, NO_WAY_EUR)
    place = np.clip((reached - grid[0]) * ((grid.size - 1) / (grid[-1] - grid[0])), 0.0, grid.size - 1)
    position = np.minimum(place.astype(np.intp), grid.size - 2)
    return _Outcomes(share, cost_eur, position, place - position)


def _switching_eur(actuator: Actuator, modes: tuple[Mode, ...]) -> Array | None:
    """EUR for going from each mode (row) to each (column); None where there are too many modes to tell apart.

    A way over a third mode counts as two switches: the reactive layer goes it one hop at a time (R-63).
    """
    if len(modes) > MANY_MODES:
        return None
    count = len(modes)
    direct = np.full((count, count), NO_WAY_EUR)
    for row, start in enumerate(modes):
        direct[row, row] = 0.0
        for column, end in enumerate(modes):
            if row != column and actuator.allows(start.mode_id, end.mode_id):
                transition = actuator.transitions[start.mode_id, end.mode_id]
                direct[row, column] = SWITCH_EUR + max(transition.cost_eur, 0.0)
    over_one = (direct[:, :, None] + direct[None, :, :]).min(axis=1)
    cheapest: Array = np.minimum(direct, over_one)
    return cheapest


def _backwards(
    candidates: _Candidates, outcomes: _Outcomes, switching: Array | None, edges_eur: Array
) -> tuple[Array, Array]:
    """(cost of each choice with all that follows, cost to go by edge and level, best over modes)."""
    steps, level_count, _ = outcomes.cost_eur.shape
    mode_count = len(candidates.modes)
    totals = np.empty_like(outcomes.cost_eur)
    cost_to_go = np.empty((steps + 1, level_count))
    following = np.broadcast_to(edges_eur[-1], (mode_count, level_count)).copy()
    cost_to_go[-1] = edges_eur[-1]
    offset = candidates.mode_of * level_count
    for step in range(steps - 1, -1, -1):
        flat = following.reshape(-1)
        index = outcomes.position[step] + offset
        near = flat[index]
        total = near + outcomes.weight[step] * (flat[index + 1] - near)
        total += outcomes.cost_eur[step]
        totals[step] = total
        best = np.minimum.reduceat(total, candidates.first_of_mode, axis=1).T  # (mode, level)
        if switching is None:
            following = np.broadcast_to(best.min(axis=0) + edges_eur[step], best.shape).copy()
        else:
            following = (switching[:, :, None] + best[None, :, :]).min(axis=1) + edges_eur[step]
        cost_to_go[step] = following.min(axis=0)
    return totals, cost_to_go


def _forwards(
    actuator: Actuator,
    level: float,
    grid: Array,
    drift: Array,
    candidates: _Candidates,
    outcomes: _Outcomes,
    switching: Array | None,
    totals: Array,
    cost_to_go: Array,
    horizon: Horizon,
) -> FRBCPlan:
    """Follow the best choices from the present level; each is judged at the nearest level of the grid."""
    steps = horizon.steps
    power_w, rates, levels, mode_ids = np.zeros(steps), np.zeros(steps), np.zeros(steps), []
    ids = [mode.mode_id for mode in candidates.modes]
    mode = ids.index(actuator.active_mode_id) if actuator.active_mode_id in ids else None
    scale = (grid.size - 1) / (grid[-1] - grid[0])
    for step in range(steps):
        nearest = int(min(max(round((level - grid[0]) * scale), 0), grid.size - 1))
        total = totals[step, nearest]
        if switching is not None and mode is not None:
            total = total + switching[mode][candidates.mode_of]
        choice = int(total.argmin())
        mode = int(candidates.mode_of[choice])
        factor, share = candidates.factor[step, nearest, choice], outcomes.share[step, nearest, choice]
        power_w[step] = share * (
            candidates.power_at_0_w[nearest, choice] + factor * candidates.power_span_w[nearest, choice]
        )
        rates[step] = share * (candidates.rate_at_0[nearest, choice] + factor * candidates.rate_span[nearest, choice])
        level += (rates[step] + drift[step, nearest]) * horizon.durations_s[step]
        level = min(max(level, grid[0]), grid[-1])
        levels[step] = level
        mode_ids.append(ids[mode])
    return FRBCPlan(power_w, rates, levels, tuple(mode_ids), grid, cost_to_go)
