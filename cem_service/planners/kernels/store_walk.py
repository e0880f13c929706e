"""Goes on through the steps of a store, from its present level: the best choices at the levels that are really reached.

For `store_grid`, which knows what follows from each level of a grid on.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cem_service.planners.kernels import filling_kernel, kernel, part_of_kernel
from cem_service.planners.kernels.store_step import (
    HIGHEST,
    Costs,
    Floats,
    Ints,
    Levels,
    StoreGrid,
    corners,
    edge_cost,
    effect_of,
    energy_eur,
    find_bands,
    landing_at,
    leakage_at,
    place_of,
    room_for_factors,
    used_share,
)


class Steps(NamedTuple):
    """What was chosen in each step; see `GridWalk`."""

    power_w: Floats
    levels: Floats
    edges_eur: Floats
    running_eur: Floats
    rates: Floats
    moves: Ints
    variants: Ints
    factors: Floats


@kernel
def walk_on(grid: StoreGrid, costs: Costs, levels: Levels, value: Floats, level: float) -> tuple[Steps, float]:
    """(the walk from `level` and state 0, what it costs)."""
    count = grid.durations_s.size
    power_w, after, edges_eur = np.zeros(count), np.zeros(count), np.zeros(count)
    running_eur, rates = np.zeros(count), np.zeros(count)
    moves, variants, factors = np.zeros(count, np.int64), np.zeros(count, np.int64), np.zeros(count)
    steps = Steps(power_w, after, edges_eur, running_eur, rates, moves, variants, factors)
    bands_here, act_of = np.empty((grid.bands_of.size - 1, 1), np.int64), _act_of_cells(grid)
    tried, here = room_for_factors(costs.at_w.shape[1]), np.array([level])
    return steps, _walk(grid, costs, levels, value, here, bands_here, act_of, tried, steps)


@filling_kernel
def _walk(
    grid: StoreGrid,
    costs: Costs,
    levels: Levels,
    value: Floats,
    here: Floats,
    bands_here: Ints,
    act_of: Ints,
    tried: Floats,
    steps: Steps,
) -> float:
    """Fill in the steps from the level `here` and state 0; returns what they cost."""
    state, total, level = 0, 0.0, here[0]
    top = max(grid.room[HIGHEST], level)
    for t in range(grid.durations_s.size):
        here[0] = level
        find_bands(here, grid, bands_here)
        landed, eur = _best_step(t, grid, costs, levels, value[t + 1], level, state, bands_here, act_of, tried, steps)
        level = min(landed, top)
        steps.levels[t], steps.edges_eur[t] = level, edge_cost(level, grid.below[t + 1], grid.above[t + 1])
        state = grid.cell_to[grid.move_cell[steps.moves[t]]]
        total += eur + steps.edges_eur[t]
    return float(total - costs.leftover_eur * level)


@kernel
def _act_of_cells(grid: StoreGrid) -> Ints:
    act_of = np.empty(grid.cell_to.size, np.int64)
    for a in range(grid.cells_of.size - 1):
        act_of[grid.cells_of[a] : grid.cells_of[a + 1]] = a
    return act_of


@part_of_kernel
def _best_step(
    t: int,
    grid: StoreGrid,
    costs: Costs,
    levels: Levels,
    follows: Floats,
    level: float,
    state: int,
    bands_here: Ints,
    act_of: Ints,
    factors: Floats,
    steps: Steps,
) -> tuple[float, float]:
    """Fill in the choice that costs least with all that `follows`; (the level that it leads to, what it costs)."""
    duration_s, landing = grid.durations_s[t], landing_at(t + 1, levels, grid.room)
    resting = level + (grid.drift[t] - leakage_at(level, grid.leakage)) * duration_s
    place, part, _ = place_of(resting, landing)
    above = resting - landing.first - place * landing.spacing
    least, landed, paid = np.inf, level, 0.0
    for m in range(grid.moves_of[state], grid.moves_of[state + 1]):
        a, to = act_of[grid.move_cell[m]], grid.cell_to[grid.move_cell[m]]
        combination = grid.part_combination[grid.parts_of[a + 1] - 1]
        for v in range(grid.variants_of[combination], grid.variants_of[combination + 1]):
            effect = effect_of(a, v, 0, grid, bands_here, duration_s)
            count = corners(effect, above + effect.moved, landing.spacing, costs.at_w[t], factors)
            for i in range(count):
                moved = effect.moved + factors[i] * effect.moved_span
                used = used_share(resting, moved, landing)
                mean_w = used * (effect.power_w + factors[i] * effect.power_span_w)
                eur = grid.move_eur[m] + energy_eur(mean_w, t, costs, duration_s) + used * effect.own_eur
                place, part, beyond_eur = place_of(resting + used * moved, landing)
                near, far = follows[to, place], follows[to, place + 1]
                total = eur + beyond_eur + near + part * (far - near)
                if total < least:
                    least, landed, paid = total, resting + used * moved, eur
                    steps.power_w[t], steps.rates[t] = mean_w, used * moved / duration_s
                    steps.running_eur[t] = used * effect.own_eur
                    steps.moves[t], steps.variants[t], steps.factors[t] = m, v, factors[i]
    return landed, paid
