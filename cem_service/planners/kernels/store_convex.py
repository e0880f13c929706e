"""Plans a store exactly whose every choice is convex, by the slopes of its value function.

The cost from an edge on is a convex, piecewise linear function of the fill level. It is kept as its breakpoints and the
slopes between them, which ascend. One step back is an infimal convolution with the cost of moving the level, which is
convex too: the pieces of both are merged by slope, as a sort merges two lists. Then the domain is cut to the store's
bounds, and what the edge itself costs is added, hinge by hinge. Nothing is rounded, so the plan is the optimum; it
takes some microseconds because few pieces survive the cut (the "slope trick").

What the store can do is one curve of power over fill rate, along which each further unit takes more power than the one
before. With prices below zero the cost along it is not convex where the store is lossy: burning energy would pay. Then,
and where no plan stays within the bounds, nothing is planned here and the status says why.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cem_service.planners.kernels import filling_kernel, kernel, part_of_kernel
from cem_service.planners.kernels.store_convex_walk import (
    J_PER_KWH,
    ConvexStores,
    Floats,
    Ints,
    Moves,
    Values,
    go_on,
    moves_of_steps,
    value_functions,
)

# By how much slopes may descend: hinges of limits weigh millions, beside which a price has few digits.
ROUNDING = 1e-7
# Room for the pieces of one value function; where it is not enough, four times as much.
PIECES = 256

# Statuses.
DONE, NOT_CONVEX, OUT_OF_BOUNDS, TOO_MANY_PIECES = range(4)


class ConvexPlans(NamedTuple):
    """Mean power in W of each step, the level after it, EUR in all, those of them for the levels, and the status.

    `at[d, k, :pieces[d, k] + 1]` are the breakpoints of the cost from edge k on, `slopes` the EUR per unit between
    them.
    """

    power_w: Floats
    levels: Floats
    eur: Floats
    edges_eur: Floats
    status: Ints
    at: Floats
    slopes: Floats
    pieces: Ints


def plan_all(
    stores: ConvexStores, durations_s: Floats, slope: Floats, at_w: Floats, weight: Floats, edges: int
) -> ConvexPlans:
    """The optimum of each store against its own cost, each a `PowerCost` without its offset.

    `slope` has shape (stores, steps), `at_w` and `weight` (stores, steps, hinges). Breakpoints are given for the first
    `edges` edges.
    """
    pieces = PIECES
    while True:
        plans = _plan_all(stores, durations_s, slope, at_w, weight, edges, pieces)
        if not (plans.status == TOO_MANY_PIECES).any():
            return plans
        pieces *= 4


@kernel
def _plan_all(
    stores: ConvexStores,
    durations_s: Floats,
    slope: Floats,
    at_w: Floats,
    weight: Floats,
    edges: int,
    most_pieces: int,
) -> ConvexPlans:
    count, steps, hinges = slope.shape[0], durations_s.size, at_w.shape[2]
    power_w, levels, eur, edges_eur = (
        np.zeros((count, steps)),
        np.zeros((count, steps)),
        np.zeros(count),
        np.zeros(count),
    )
    kept_at, kept_slopes = np.zeros((count, edges, most_pieces + 1)), np.zeros((count, edges, most_pieces))
    status, counts = np.zeros(count, np.int64), np.zeros((count, edges), np.int64)
    # One set of these serves all stores: fresh memory would cost more than the plans.
    values, moves = value_functions(steps, most_pieces), moves_of_steps(steps, stores.rates.shape[1] + hinges)
    sorted_hinges = np.empty((2, hinges))
    for d in range(count):
        status[d] = _go_back(d, stores, durations_s, slope[d], at_w[d], weight[d], values, moves, sorted_hinges)
        if status[d] == DONE and not values.at[0, 0] <= stores.level[d] <= values.at[0, values.pieces[0]]:
            status[d] = OUT_OF_BOUNDS
        if status[d] != DONE:
            continue
        eur[d], edges_eur[d] = go_on(
            d, stores, durations_s, slope[d], at_w[d], weight[d], values, moves, power_w[d], levels[d]
        )
        for t in range(edges):
            pieces = values.pieces[t]
            counts[d, t] = pieces
            kept_at[d, t, : pieces + 1] = values.at[t, : pieces + 1]
            kept_slopes[d, t, :pieces] = values.slopes[t, :pieces]
    return ConvexPlans(power_w, levels, eur, edges_eur, status, kept_at, kept_slopes, counts)


@filling_kernel
def _go_back(
    d: int,
    stores: ConvexStores,
    durations_s: Floats,
    slope: Floats,
    at_w: Floats,
    weight: Floats,
    values: Values,
    moves: Moves,
    sorted_hinges: Floats,
) -> int:
    """Fill in the value function of each edge, and the cost of moving the level in each step. Returns the status."""
    steps, at, slopes, pieces = durations_s.size, values.at, values.slopes, values.pieces
    rates, powers_w, drift, room = stores.rates[d], stores.powers_w[d], stores.drift[d], stores.room[d]
    below, above = stores.below[d], stores.above[d]
    at[steps, 0], at[steps, 1], slopes[steps, 0] = room[0], room[1], -stores.leftover_eur[d]
    pieces[steps] = _with_hinges(at[steps], slopes[steps], 1, below[steps], above[steps])
    for t in range(steps - 1, -1, -1):
        length, move_slope = moves.length[t], moves.slope[t]
        found = _moves(rates, powers_w, durations_s[t], slope[t], at_w[t], weight[t], length, move_slope, sorted_hinges)
        if found < 0:
            return NOT_CONVEX
        moves.pieces[t] = found
        if pieces[t + 1] + found + 2 * (below.shape[1] + above.shape[1]) + 2 > slopes.shape[1]:
            return TOO_MANY_PIECES
        furthest = (rates[-1] + drift[t]) * durations_s[t]
        pieces[t] = _merged(
            at[t + 1], slopes[t + 1], pieces[t + 1], length, move_slope, found, furthest, room, at[t], slopes[t]
        )
        if pieces[t] == 0:
            return OUT_OF_BOUNDS
        pieces[t] = _with_hinges(at[t], slopes[t], pieces[t], below[t], above[t])
    return DONE


@part_of_kernel
def _moves(
    rates: Floats,
    powers_w: Floats,
    duration_s: float,
    slope: float,
    at_w: Floats,
    weight: Floats,
    length: Floats,
    slopes: Floats,
    hinges: Floats,
) -> int:
    """Fill in the pieces of what it costs to move the level in one step; how many, or -1 where their slopes descend."""
    marginal, count = _sort_hinges(powers_w[0], slope, at_w, weight, hinges)
    passed, found = 0, 0
    for i in range(rates.size - 1):
        span = rates[i + 1] - rates[i]
        if span <= 0.0:
            continue
        watts_per_rate, power = (powers_w[i + 1] - powers_w[i]) / span, powers_w[i]
        while power < powers_w[i + 1]:
            end, passes = powers_w[i + 1], passed < count and hinges[0, passed] < powers_w[i + 1]
            if passes:
                end = max(hinges[0, passed], power)
            if end > power:
                length[found] = (end - power) / watts_per_rate * duration_s
                slopes[found] = marginal * watts_per_rate / J_PER_KWH
                if found > 0 and slopes[found] < slopes[found - 1] - ROUNDING * (1.0 + abs(slopes[found])):
                    return -1
                found += 1
            if passes:
                marginal += hinges[1, passed]
                passed += 1
            power = end
    return found


@part_of_kernel
def _sort_hinges(lowest_w: float, slope: float, at_w: Floats, weight: Floats, hinges: Floats) -> tuple[float, int]:
    """Fill in (at, weight) of those above the lowest power, ascending; (what a watt costs there, how many they are)."""
    count = 0
    for k in range(at_w.size):
        if at_w[k] <= lowest_w:
            slope += weight[k]
            continue
        place = count
        while place > 0 and hinges[0, place - 1] > at_w[k]:
            hinges[0, place], hinges[1, place] = hinges[0, place - 1], hinges[1, place - 1]
            place -= 1
        hinges[0, place], hinges[1, place] = at_w[k], weight[k]
        count += 1
    return slope, count


@part_of_kernel
def _merged(
    at: Floats,
    slopes: Floats,
    pieces: int,
    move_length: Floats,
    move_slope: Floats,
    moves: int,
    furthest: float,
    room: Floats,
    new_at: Floats,
    new_slopes: Floats,
) -> int:
    """Fill in the value function one step earlier, cut to the room; how many pieces it has, 0 where nothing is left.

    A move by `m` that costs `g(m)` counts from the level that it leads to as one back, so its pieces are taken from
    the last to the first with their slopes turned round. `furthest` is the longest move up.
    """
    level, found = at[0] - furthest, 0
    i, j = 0, moves - 1
    new_at[0] = room[0]
    while i < pieces or j >= 0:
        if j < 0 or (i < pieces and slopes[i] <= -move_slope[j]):
            slope, length = slopes[i], at[i + 1] - at[i]
            i += 1
        else:
            slope, length = -move_slope[j], move_length[j]
            j -= 1
        start, level = level, level + length
        if level <= room[0]:
            continue
        if start >= room[1]:
            break
        if found == 0:
            new_at[0] = max(start, room[0])
        if found > 0 and slope == new_slopes[found - 1]:
            new_at[found] = min(level, room[1])
            continue
        new_slopes[found] = slope
        found += 1
        new_at[found] = min(level, room[1])
    return found


@part_of_kernel
def _with_hinges(at: Floats, slopes: Floats, pieces: int, below: Floats, above: Floats) -> int:
    """Add what the edge costs to its value function; how many pieces it has then."""
    for k in range(below.shape[0]):
        if below[k, 1] > 0.0 and below[k, 0] > at[0]:
            pieces, place = _cut(at, slopes, pieces, below[k, 0])
            for i in range(place):
                slopes[i] -= below[k, 1]
    for k in range(above.shape[0]):
        if above[k, 1] > 0.0 and above[k, 0] < at[pieces]:
            pieces, place = _cut(at, slopes, pieces, above[k, 0])
            for i in range(place, pieces):
                slopes[i] += above[k, 1]
    return pieces


@part_of_kernel
def _cut(at: Floats, slopes: Floats, pieces: int, level: float) -> tuple[int, int]:
    """Make `level` a breakpoint if it lies inside; (how many pieces there are then, how many lie below it)."""
    place = 0
    while place < pieces and at[place + 1] <= level:
        place += 1
    if place == pieces or level <= at[place]:
        return pieces, place
    for i in range(pieces, place, -1):
        at[i + 1], slopes[i] = at[i], slopes[i - 1]
    at[place + 1] = level
    return pieces + 1, place + 1


def warm_up() -> None:
    """A step of a store that can be filled, and has no reason to be."""
    store = ConvexStores(
        level=np.array([0.5]),
        rates=np.array([[0.0, 0.001]]),
        powers_w=np.array([[0.0, 1000.0]]),
        drift=np.zeros((1, 1)),
        room=np.array([[0.0, 1.0]]),
        below=np.zeros((1, 2, 1, 2)),
        above=np.zeros((1, 2, 1, 2)),
        leftover_eur=np.zeros(1),
    )
    plan_all(store, np.array([900.0]), np.ones((1, 1)), np.zeros((1, 1, 1)), np.zeros((1, 1, 1)), 1)
