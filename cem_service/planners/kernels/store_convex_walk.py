"""Follows the value functions of a convex store forwards: the best move of each step. Compiled with `store_convex`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cem_service.planners.kernels import kernel, part_of_kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

J_PER_KWH = 3.6e6
# Slopes in EUR per unit that differ by less are alike.
TIE_EUR = 1e-12


@kernel
def go_on(
    level: float,
    rates: Floats,
    powers_w: Floats,
    drift: Floats,
    below: Floats,
    above: Floats,
    leftover_eur: float,
    durations_s: Floats,
    slope: Floats,
    at_w: Floats,
    weight: Floats,
    at: Floats,
    slopes: Floats,
    pieces: Ints,
    move_length: Floats,
    move_slope: Floats,
    move_count: Ints,
    power_w: Floats,
    levels: Floats,
) -> float:
    """Follow the value functions from the present level on: fill in powers and levels, and return what they cost."""
    eur = 0.0
    for t in range(durations_s.size):
        resting = level + drift[t] * durations_s[t]
        lowest = resting + rates[0] * durations_s[t]
        least, most = _best_landings(
            lowest, at[t + 1], slopes[t + 1], pieces[t + 1], move_length[t], move_slope[t], move_count[t]
        )
        # Of landings that cost the same the furthest one: what has to be done is done early.
        if least >= resting:
            landed = most
        elif most <= resting:
            landed = least
        else:
            landed = resting
        rate = min(max((landed - resting) / durations_s[t], rates[0]), rates[-1])
        power_w[t], levels[t] = _power_of(rate, rates, powers_w), landed
        cost = slope[t] * power_w[t]
        for k in range(at_w.shape[1]):
            if power_w[t] > at_w[t, k]:
                cost += weight[t, k] * (power_w[t] - at_w[t, k])
        eur += cost * durations_s[t] / J_PER_KWH
        for k in range(below.shape[1]):
            eur += below[t + 1, k, 1] * max(below[t + 1, k, 0] - landed, 0.0)
        for k in range(above.shape[1]):
            eur += above[t + 1, k, 1] * max(landed - above[t + 1, k, 0], 0.0)
        level = landed
    return eur - leftover_eur * level


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
