"""Plans a store over a grid of fill levels and the states of its machines: what is not convex.

Backwards over the steps, each state gets the least cost from each level of the grid on. Between two of these levels the
cost is taken as linear. The cost of a step is piecewise linear in the factor, and so is what follows, so the best
factor is at a corner: one of its ends, a power where the cost has a hinge or is zero, a level of the grid or a bound of
the store. All of these are tried, so that nothing is lost but between the levels. Forwards, from the present level on,
the same corners are tried at the level that the store really has then.

What is tried in a step is an *act*: parts of the step in which one combination of modes holds after the other. In all
but the last part the factor is 0, since a machine that is still leaving a mode heeds no factor. A combination has
*variants*, each of which leaves one factor free and has the others at an end; a variant has bands of fill levels.

A mode that would carry the store over a bound is used for a share of the step: the device stops by itself when it is
full or empty. A mode that cannot be used at a level does nothing there and costs dearly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cem_service.planners.kernels import kernel
from cem_service.planners.kernels.store_step import (
    HIGHEST,
    J_PER_KWH,
    LOWEST,
    OUTSIDE_EUR,
    band_in_step,
    corners,
    edge_cost,
    find_bands,
    fixed_part,
    leakage_at,
    most_factors,
    place_of,
    power_eur,
    used_share,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class StoreGrid:
    """What a plan is made of apart from its costs.

    `levels` are evenly spaced. `drift` is what the level does by itself in each step, in units per second, but for the
    leakage, whose bands begin at `leakage[:, 0]` and have the rate `leakage[:, 1]`. `room` holds the lowest and the
    highest level and the EUR for a unit beyond them. `below` and `above` hold (at, EUR per unit) for each edge and
    hinge: what it costs to be below or above a level. Rows of `bands` are those of variant `v` from `bands_of[v]` on;
    variants of combination `c` from `variants_of[c]` on; an act `a` has the parts from `parts_of[a]` on, each a
    combination with its share of the step. A state `s` has the moves from `moves_of[s]` on; each leads to a state by a
    cell, and costs EUR; a cell is an act and the state after it, sorted by act, those of act `a` from `cells_of[a]` on.
    """

    levels: Floats
    durations_s: Floats
    drift: Floats
    leakage: Floats
    room: Floats
    below: Floats
    above: Floats
    bands: Floats
    bands_of: Ints
    variants_of: Ints
    parts_of: Ints
    part_combination: Ints
    part_share: Floats
    cells_of: Ints
    cell_to: Ints
    moves_of: Ints
    move_cell: Ints
    move_eur: Floats


@dataclass(frozen=True, slots=True)
class GridWalk:
    """Per step: mean power in W, the level after it, running cost in EUR, mean fill rate, and what was chosen.

    That is the move, and the variant and the factor of its last part. `cost_eur[k, n]` is the cost from edge k on at
    `levels[n]`, in the state in which it is least.
    """

    power_w: Floats
    levels: Floats
    running_eur: Floats
    rates: Floats
    moves: Ints
    variants: Ints
    factors: Floats
    cost_eur: Floats


def plan_on_grid(
    grid: StoreGrid, level: float, slope: Floats, at_w: Floats, weight: Floats, leftover_eur: float, edges: int
) -> GridWalk:
    """The best walk from `level` and state 0; `cost_eur` for the first `edges` edges. Costs are those of PowerCost."""
    return GridWalk(
        *_plan(
            grid.levels,
            grid.durations_s,
            grid.drift,
            grid.leakage,
            grid.room,
            grid.below,
            grid.above,
            grid.bands,
            grid.bands_of,
            grid.variants_of,
            grid.parts_of,
            grid.part_combination,
            grid.part_share,
            grid.cells_of,
            grid.cell_to,
            grid.moves_of,
            grid.move_cell,
            grid.move_eur,
            slope,
            at_w,
            weight,
            level,
            leftover_eur,
            edges,
        )
    )


@kernel
def _plan(
    levels: Floats,
    durations_s: Floats,
    drift: Floats,
    leakage: Floats,
    room: Floats,
    below: Floats,
    above: Floats,
    bands: Floats,
    bands_of: Ints,
    variants_of: Ints,
    parts_of: Ints,
    part_combination: Ints,
    part_share: Floats,
    cells_of: Ints,
    cell_to: Ints,
    moves_of: Ints,
    move_cell: Ints,
    move_eur: Floats,
    slope: Floats,
    at_w: Floats,
    weight: Floats,
    level: float,
    leftover_eur: float,
    edges: int,
) -> tuple[Floats, Floats, Floats, Floats, Ints, Ints, Floats, Floats]:
    steps, states, size = durations_s.size, moves_of.size - 1, levels.size
    # A step needs what follows it as (level, state), so that the states of one landing lie side by side.
    value = np.empty((steps + 1, size, states))
    for n in range(size):
        value[steps, n, :] = edge_cost(levels[n], below[steps], above[steps]) - leftover_eur * levels[n]
    best = np.empty((cell_to.size, size))
    factors = np.empty(most_factors(at_w.shape[1]))
    options = np.empty((3, factors.size))
    bands_at = find_bands(levels, room, bands, bands_of)
    leaks = np.empty(size)
    for n in range(size):
        leaks[n] = leakage_at(levels[n], leakage)
    for t in range(steps - 1, -1, -1):
        _try_all(
            t, levels, durations_s, drift, leaks, room, bands, bands_at, variants_of, parts_of, part_combination,
            part_share, cells_of, cell_to, slope, at_w, weight, value, factors,
            options[0], options[1], options[2], best,
        )  # fmt: skip
        for n in range(size):
            edge_eur = edge_cost(levels[n], below[t], above[t])
            for s in range(states):
                least = np.inf
                for m in range(moves_of[s], moves_of[s + 1]):
                    least = min(least, move_eur[m] + best[move_cell[m], n])
                value[t, n, s] = least + edge_eur
    cost_eur = np.empty((min(edges, steps + 1), size))
    for t in range(cost_eur.shape[0]):
        for n in range(size):
            cost_eur[t, n] = value[t, n].min()
    power_w, after, running, rates = np.zeros(steps), np.zeros(steps), np.zeros(steps), np.zeros(steps)
    moves, variants, chosen = np.zeros(steps, np.int64), np.zeros(steps, np.int64), np.zeros(steps)
    _walk_on(
        level, levels, durations_s, drift, leakage, room, bands, bands_of, variants_of, parts_of, part_combination,
        part_share, cells_of, cell_to, moves_of, move_cell, move_eur, slope, at_w, weight, value, factors,
        power_w, after, running, rates, moves, variants, chosen,
    )  # fmt: skip
    return power_w, after, running, rates, moves, variants, chosen, cost_eur


@kernel
def _try_all(
    t: int,
    levels: Floats,
    durations_s: Floats,
    drift: Floats,
    leaks: Floats,
    room: Floats,
    bands: Floats,
    bands_at: Ints,
    variants_of: Ints,
    parts_of: Ints,
    part_combination: Ints,
    part_share: Floats,
    cells_of: Ints,
    cell_to: Ints,
    slope: Floats,
    at_w: Floats,
    weight: Floats,
    value: Floats,
    factors: Floats,
    moves: Floats,
    powers: Floats,
    costs: Floats,
    best: Floats,
) -> None:
    """The least cost of each cell from each level of the grid on, with all that follows, into `best`."""
    best[:] = np.inf
    duration_s, hinges, weights, follows = durations_s[t], at_w[t], weight[t], value[t + 1]
    lowest, highest, first, end = room[LOWEST], room[HIGHEST], levels[0], levels[-1]
    spacing = (end - first) / (levels.size - 1)
    per_level = 1.0 / spacing
    for a in range(cells_of.size - 1):
        last = parts_of[a + 1] - 1
        combination, share = part_combination[last], part_share[last]
        for v in range(variants_of[combination], variants_of[combination + 1]):
            count = 0
            for n in range(levels.size):
                # What a mode can do is the same at most levels, and is worked out once for all of them.
                if n == 0 or bands_at[v, n] != bands_at[v, n - 1] or leaks[n] != leaks[n - 1] or last > parts_of[a]:
                    fixed_w, fixed_rate = fixed_part(
                        a, n, parts_of, part_combination, part_share, bands, bands_at, variants_of
                    )
                    drifted = (drift[t] - leaks[n]) * duration_s
                    at_0_w, span_w, moved_at_0, moved_span, own_eur = band_in_step(
                        bands, bands_at[v, n], share, fixed_w, fixed_rate, duration_s
                    )
                    count = corners(at_0_w, span_w, drifted + moved_at_0, moved_span, spacing, hinges, factors)
                    for i in range(count):
                        moves[i] = moved_at_0 + factors[i] * moved_span
                        powers[i] = at_0_w + factors[i] * span_w
                        costs[i] = power_eur(powers[i], slope[t], hinges, weights) * duration_s / J_PER_KWH + own_eur
                resting = levels[n] + drifted
                for i in range(count):
                    reached, eur = resting + moves[i], costs[i]
                    if reached < lowest or reached > highest:
                        used = used_share(resting, moves[i], lowest, highest)
                        reached = resting + used * moves[i]
                        eur = power_eur(used * powers[i], slope[t], hinges, weights) * duration_s / J_PER_KWH
                        eur += used * own_eur + room[OUTSIDE_EUR] * max(first - reached, reached - end, 0.0)
                    place, part = place_of(reached, first, per_level, levels.size)
                    for c in range(cells_of[a], cells_of[a + 1]):
                        near = follows[place, cell_to[c]]
                        total = eur + near + part * (follows[place + 1, cell_to[c]] - near)
                        if total < best[c, n]:
                            best[c, n] = total


@kernel
def _walk_on(
    level: float,
    levels: Floats,
    durations_s: Floats,
    drift: Floats,
    leakage: Floats,
    room: Floats,
    bands: Floats,
    bands_of: Ints,
    variants_of: Ints,
    parts_of: Ints,
    part_combination: Ints,
    part_share: Floats,
    cells_of: Ints,
    cell_to: Ints,
    moves_of: Ints,
    move_cell: Ints,
    move_eur: Floats,
    slope: Floats,
    at_w: Floats,
    weight: Floats,
    value: Floats,
    factors: Floats,
    power_w: Floats,
    after: Floats,
    running: Floats,
    rates: Floats,
    moves: Ints,
    variants: Ints,
    chosen: Floats,
) -> None:
    """The same choices at the levels that are really reached, each weighed with what was found to follow."""
    here, state = np.empty(1), 0
    lowest, highest, first, end = room[LOWEST], room[HIGHEST], levels[0], levels[-1]
    spacing = (end - first) / (levels.size - 1)
    for t in range(durations_s.size):
        here[0], duration_s = level, durations_s[t]
        bands_here = find_bands(here, room, bands, bands_of)
        resting = level + (drift[t] - leakage_at(level, leakage)) * duration_s
        beyond = level - (first + spacing * place_of(level, first, 1.0 / spacing, levels.size)[0])
        drifted, least, landed = resting - level, np.inf, level
        for m in range(moves_of[state], moves_of[state + 1]):
            a = np.searchsorted(cells_of, move_cell[m], side="right") - 1
            last = parts_of[a + 1] - 1
            combination, share, to = part_combination[last], part_share[last], cell_to[move_cell[m]]
            fixed_w, fixed_rate = fixed_part(
                a, 0, parts_of, part_combination, part_share, bands, bands_here, variants_of
            )
            for v in range(variants_of[combination], variants_of[combination + 1]):
                at_0_w, span_w, moved_at_0, moved_span, own_eur = band_in_step(
                    bands, bands_here[v, 0], share, fixed_w, fixed_rate, duration_s
                )
                climbed = beyond + drifted + moved_at_0
                count = corners(at_0_w, span_w, climbed, moved_span, spacing, at_w[t], factors)
                for i in range(count):
                    moved = moved_at_0 + factors[i] * moved_span
                    used = used_share(resting, moved, lowest, highest)
                    reached, mean_w = resting + used * moved, used * (at_0_w + factors[i] * span_w)
                    eur = power_eur(mean_w, slope[t], at_w[t], weight[t]) * duration_s / J_PER_KWH + used * own_eur
                    eur += room[OUTSIDE_EUR] * max(first - reached, reached - end, 0.0)
                    place, part = place_of(reached, first, 1.0 / spacing, levels.size)
                    near = value[t + 1, place, to]
                    total = move_eur[m] + eur + near + part * (value[t + 1, place + 1, to] - near)
                    if total < least:
                        least, landed = total, reached
                        power_w[t], rates[t], running[t] = mean_w, used * moved / duration_s, used * own_eur
                        moves[t], variants[t], chosen[t] = m, v, factors[i]
        level = min(max(landed, first), end)
        after[t] = level
        state = cell_to[move_cell[moves[t]]]


def warm_up() -> None:
    """A step in which one machine stays in its only mode."""
    one, first = np.array([0, 1]), np.array([0])
    grid = StoreGrid(
        levels=np.array([0.0, 1.0]),
        durations_s=np.array([900.0]),
        drift=np.zeros(1),
        leakage=np.zeros((0, 2)),
        room=np.array([0.0, 1.0, 1.0]),
        below=np.zeros((2, 1, 2)),
        above=np.zeros((2, 1, 2)),
        bands=np.array([[0.0, 1.0, 0.0, 1000.0, 0.0, 0.001, 0.0]]),
        bands_of=one,
        variants_of=one,
        parts_of=one,
        part_combination=first,
        part_share=np.ones(1),
        cells_of=one,
        cell_to=first,
        moves_of=one,
        move_cell=first,
        move_eur=np.zeros(1),
    )
    plan_on_grid(grid, 0.5, np.ones(1), np.zeros((1, 1)), np.zeros((1, 1)), 0.0, 1)
