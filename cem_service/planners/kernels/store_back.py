"""Goes back over the steps of a store: the least cost from each level of a grid and each state on. For `store_grid`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cem_service.planners.kernels import filling_kernel, kernel, part_of_kernel
from cem_service.planners.kernels.store_step import (
    Costs,
    Effect,
    Floats,
    Ints,
    Landing,
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


class Lattice(NamedTuple):
    """What holds at each level: the band of each variant, what leaks, and up to where both are alike by variant."""

    bands: Ints
    leaks: Floats
    alike: Ints


@kernel
def costs_to_go(grid: StoreGrid, costs: Costs, levels: Levels, top: float) -> Floats:
    """Shape (steps + 1, states, levels). What lies above `top` costs there what `top` costs."""
    steps, states, size = grid.durations_s.size, grid.moves_of.size - 1, levels.size
    value, best = np.empty((steps + 1, states, size)), np.empty((grid.cell_to.size, size))
    lattice, factors = _lattice(grid, levels.lattice), room_for_factors(costs.at_w.shape[1])
    _go_back(grid, costs, levels, top, lattice, np.empty(size), factors, best, value)
    return value


@filling_kernel
def _go_back(
    grid: StoreGrid,
    costs: Costs,
    levels: Levels,
    top: float,
    lattice: Lattice,
    edge_eur: Floats,
    factors: Floats,
    best: Floats,
    value: Floats,
) -> None:
    """Fill in `value`, edge by edge from the last. The other arrays are room for what one edge needs."""
    steps, size = grid.durations_s.size, levels.size
    for t in range(steps, -1, -1):
        here = levels.lattice[levels.begins[t] : levels.begins[t] + size]
        if t == steps or levels.begins[t] != levels.begins[t + 1] or _differs(t, grid.below) or _differs(t, grid.above):
            for n in range(size):
                edge_eur[n] = edge_cost(min(here[n], top), grid.below[t], grid.above[t])
        if t == steps:
            for s in range(value.shape[1]):
                for n in range(size):
                    value[t, s, n] = edge_eur[n] - costs.leftover_eur * here[n]
            continue
        best[:] = np.inf
        _try_all(t, grid, costs, levels, lattice, value[t + 1], factors, best)
        _take_best(grid, best, edge_eur, value[t])


@part_of_kernel
def _differs(t: int, hinges: Floats) -> bool:
    """Whether an edge costs something else than the next one."""
    for k in range(hinges.shape[1]):
        if hinges[t, k, 0] != hinges[t + 1, k, 0] or hinges[t, k, 1] != hinges[t + 1, k, 1]:
            return True
    return False


@kernel
def _lattice(grid: StoreGrid, levels: Floats) -> Lattice:
    size = levels.size
    bands = np.empty((grid.bands_of.size - 1, size), np.int64)
    find_bands(levels, grid, bands)
    leaks, alike = np.empty(size), np.full(bands.shape, size)
    for n in range(size - 1, -1, -1):
        leaks[n] = leakage_at(levels[n], grid.leakage)
        for v in range(bands.shape[0]):
            if n < size - 1:
                same = bands[v, n] == bands[v, n + 1] and leaks[n] == leaks[n + 1]
                alike[v, n] = alike[v, n + 1] if same else n + 1
    return Lattice(bands, leaks, alike)


@part_of_kernel
def _take_best(grid: StoreGrid, best: Floats, edge_eur: Floats, value: Floats) -> None:
    """The least cost of each state over its moves, whose cells cost `best`, and what the edge itself costs."""
    moves_of, move_cell, move_eur = grid.moves_of, grid.move_cell, grid.move_eur
    value[:] = np.inf
    for s in range(value.shape[0]):
        least = value[s]
        for m in range(moves_of[s], moves_of[s + 1]):
            cell, eur = best[move_cell[m]], move_eur[m]
            for n in range(least.size):
                least[n] = min(least[n], eur + edge_eur[n] + cell[n])


@part_of_kernel
def _try_all(
    t: int,
    grid: StoreGrid,
    costs: Costs,
    levels: Levels,
    lattice: Lattice,
    follows: Floats,
    factors: Floats,
    best: Floats,
) -> None:
    """Lower `best`, the cost of each cell from each level on, to what the corners cost with what `follows`."""
    parts_of, cells_of, begins = grid.parts_of, grid.cells_of, levels.begins[t]
    landing, duration_s = landing_at(t + 1, levels, grid.room), grid.durations_s[t]
    here = levels.lattice[begins : begins + levels.size]
    for a in range(cells_of.size - 1):
        combination, many = grid.part_combination[parts_of[a + 1] - 1], parts_of[a + 1] - parts_of[a] > 1
        cells = grid.cell_to[cells_of[a] : cells_of[a + 1]]
        mine = best[cells_of[a] : cells_of[a + 1]]
        for v in range(grid.variants_of[combination], grid.variants_of[combination + 1]):
            end = 0
            while end < here.size:
                # What a mode can do is the same at most levels, and is worked out once for all of them.
                begin, end = end, end + 1 if many else min(lattice.alike[v, begins + end] - begins, here.size)
                effect = effect_of(a, v, begins + begin, grid, lattice.bands, duration_s)
                drifted = (grid.drift[t] - lattice.leaks[begins + begin]) * duration_s
                count = corners(effect, drifted + effect.moved, landing.spacing, costs.at_w[t], factors)
                for i in range(count):
                    _try_corner(
                        factors[i], begin, end, here, drifted, effect, landing, t, costs, duration_s, cells, follows,
                        mine,
                    )  # fmt: skip


@part_of_kernel
def _try_corner(
    factor: float,
    begin: int,
    end: int,
    here: Floats,
    drifted: float,
    effect: Effect,
    landing: Landing,
    t: int,
    costs: Costs,
    duration_s: float,
    cells: Ints,
    follows: Floats,
    best: Floats,
) -> None:
    moved, power_w = effect.moved + factor * effect.moved_span, effect.power_w + factor * effect.power_span_w
    eur = energy_eur(power_w, t, costs, duration_s) + effect.own_eur
    to = (here[0] + drifted + moved - landing.first) / landing.spacing
    low, high = _within(to, begin, end, landing)
    for c in range(cells.size if low < high else 0):
        _lower(best[c], follows[cells[c]], low, high, to, eur)
    n = begin if begin < low else high
    while n < end:
        resting = here[n] + drifted
        used = used_share(resting, moved, landing)
        place, part, beyond_eur = place_of(resting + used * moved, landing)
        paid = energy_eur(used * power_w, t, costs, duration_s) + used * effect.own_eur + beyond_eur
        for c in range(cells.size):
            near, far = follows[cells[c], place], follows[cells[c], place + 1]
            best[c, n] = min(best[c, n], paid + near + part * (far - near))
        n = high if n == low - 1 else n + 1


@part_of_kernel
def _within(to: float, begin: int, end: int, landing: Landing) -> tuple[int, int]:
    """The levels from which one move leads to two neighbours of the grid within the store's bounds: from, up to.

    `to` is where it leads from the lowest level, in spaces from the first one that it can land on.
    """
    size = landing.size
    lowest = max((landing.lowest - landing.first) / landing.spacing, 0.0)
    highest = min((landing.highest - landing.first) / landing.spacing - to, size - 2.0 - np.floor(to))
    low = max(begin, min(end, int(np.ceil(min(max(lowest - to, -1.0), size)))))
    return low, max(low, min(end, int(np.floor(min(max(highest, -1.0), size))) + 1))


@part_of_kernel
def _lower(best: Floats, follows: Floats, low: int, high: int, to: float, eur: float) -> None:
    """From level `low` up to `high`. They are slices, because the compiler then works on several levels at once."""
    place = int(np.floor(to))
    part = to - place
    mine, near = best[low:high], follows[low + place : high + place + 1]
    for n in range(mine.size):
        mine[n] = min(mine[n], eur + near[n] + part * (near[n + 1] - near[n]))
