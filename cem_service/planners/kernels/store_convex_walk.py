"""Follows the value functions of a convex store forwards: the best move of each step. Compiled with `store_convex`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cem_service.planners.kernels import filling_kernel, kernel, part_of_kernel
from cem_service.planners.kernels.store_step import edge_cost

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

J_PER_KWH = 3.6e6
# Slopes in EUR per unit that differ by less are alike.
TIE_EUR = 1e-12


class ConvexStores(NamedTuple):
    """Stores that are planned at once; the first axis of all arrays is the store.

    `rates` and `powers_w` are the corners of the curve, ascending, in units per second and W; a corner may be said
    twice. `drift` is what the level does by itself in each step, in units per second. `room` holds the bounds that no
    plan leaves. `below` and `above` hold (at, EUR per unit) for each edge and hinge: what it costs to be below or above
    a level. `leftover_eur` is what a unit is worth at the end.
    """

    level: Floats
    rates: Floats
    powers_w: Floats
    drift: Floats
    room: Floats
    below: Floats
    above: Floats
    leftover_eur: Floats


class Values(NamedTuple):
    """The cost from each edge on, as `ConvexPlans` has it: `pieces[t]` of them, between the breakpoints `at[t]`."""

    at: Floats
    slopes: Floats
    pieces: Ints


class Moves(NamedTuple):
    """What it costs to move the level in each step: so many pieces, from the lowest rate up."""

    length: Floats
    slope: Floats
    pieces: Ints


@kernel
def value_functions(steps: int, most_pieces: int) -> Values:
    at, slopes = np.empty((steps + 1, most_pieces + 1)), np.empty((steps + 1, most_pieces))
    return Values(at, slopes, np.empty(steps + 1, np.int64))


@kernel
def moves_of_steps(steps: int, most_pieces: int) -> Moves:
    return Moves(np.empty((steps, most_pieces)), np.empty((steps, most_pieces)), np.empty(steps, np.int64))


@filling_kernel
def go_on(
    d: int,
    stores: ConvexStores,
    durations_s: Floats,
    slope: Floats,
    at_w: Floats,
    weight: Floats,
    values: Values,
    moves: Moves,
    power_w: Floats,
    levels: Floats,
) -> tuple[float, float]:
    """Follow the value functions from the present level on: fill in powers and levels.

    Returns what they cost in all, and the part of it that is for the levels at the edges.
    """
    rates, powers_w, drift = stores.rates[d], stores.powers_w[d], stores.drift[d]
    below, above = stores.below[d], stores.above[d]
    level, eur, edges_eur = stores.level[d], 0.0, 0.0
    for t in range(durations_s.size):
        resting = level + drift[t] * durations_s[t]
        lowest = resting + rates[0] * durations_s[t]
        least, most = _best_landings(
            lowest, values.at[t + 1], values.slopes[t + 1], values.pieces[t + 1], moves.length[t], moves.slope[t],
            moves.pieces[t],
        )  # fmt: skip
        # Of landings that cost the same the furthest one: what has to be done is done early.
        if least >= resting:
            level = most
        elif most <= resting:
            level = least
        else:
            level = resting
        rate = min(max((level - resting) / durations_s[t], rates[0]), rates[-1])
        power_w[t], levels[t] = _power_of(rate, rates, powers_w), level
        eur += _energy_eur(power_w[t], slope[t], at_w[t], weight[t]) * durations_s[t] / J_PER_KWH
        edges_eur += edge_cost(level, below[t + 1], above[t + 1])
    return eur + edges_eur - stores.leftover_eur[d] * level, edges_eur


@part_of_kernel
def _energy_eur(power_w: float, slope: float, at_w: Floats, weight: Floats) -> float:
    """EUR/kWh times W."""
    eur = slope * power_w
    for k in range(at_w.size):
        if power_w > at_w[k]:
            eur += weight[k] * (power_w - at_w[k])
    return eur


@part_of_kernel
def _best_landings(
    lowest: float, at: Floats, slopes: Floats, pieces: int, length: Floats, move_slope: Floats, moves: int
) -> tuple[float, float]:
    """(lowest, highest) of the levels at which moving there and all that follows cost least together."""
    level, i, j = lowest, 0, 0
    rest = length[0] if moves > 0 else 0.0
    # What follows knows no level below its domain, so the move up to there is not a choice.
    while i < moves and level + rest <= at[0]:
        level += rest
        i += 1
        rest = length[i] if i < moves else 0.0
    if level < at[0]:
        rest -= at[0] - level
        level = at[0]
    while j < pieces - 1 and at[j + 1] <= level:
        j += 1
    least = level
    while i < moves and level < at[pieces]:
        total = move_slope[i] + slopes[j]
        if total > TIE_EUR:
            break
        step = min(rest, at[j + 1] - level)
        level += step
        rest -= step
        if total < -TIE_EUR:
            least = level
        if rest <= 0.0:
            i += 1
            rest = length[i] if i < moves else 0.0
        if j < pieces - 1 and at[j + 1] <= level:
            j += 1
        elif step <= 0.0 and rest > 0.0:
            break
    return least, level


@part_of_kernel
def _power_of(rate: float, rates: Floats, powers_w: Floats) -> float:
    for i in range(rates.size - 1):
        if rate <= rates[i + 1] and rates[i + 1] > rates[i]:
            share = (rate - rates[i]) / (rates[i + 1] - rates[i])
            return float(powers_w[i] + (powers_w[i + 1] - powers_w[i]) * share)
    return float(powers_w[-1])
