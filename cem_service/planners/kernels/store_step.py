"""One step of a store: which factors are worth trying, and what each leads to. Compiled with the kernels that call it.

`bands` are rows of (level from, level to, power in W at factor 0, by how much more at factor 1, fill rate in units per
second at factor 0, by how much more at factor 1, running cost in EUR per second). `room` holds the lowest and the
highest level, and what a unit beyond the levels of the grid costs in EUR.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cem_service.planners.kernels import part_of_kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

J_PER_KWH = 3.6e6
# What it costs to be in a mode that cannot be used at a level: more than anything that another mode could cost.
NO_WAY_EUR = 1e3
# More levels of the grid than this are not landed on within one step; every second one then, or every third.
MOST_LANDINGS = 10
# No grid has more levels.
MOST_LEVELS = 1e4

# Columns of `bands`.
LEVEL_FROM, LEVEL_TO, POWER, POWER_SPAN, RATE, RATE_SPAN, RUNNING_EUR = range(7)
# Places in `room`.
LOWEST, HIGHEST, OUTSIDE_EUR = range(3)


@part_of_kernel
def most_factors(hinges: int) -> int:
    """Two ends, zero power, the hinges, the landings."""
    return 3 + hinges + MOST_LANDINGS + 1


@part_of_kernel
def corners(
    at_0_w: float,
    span_w: float,
    climbed_at_0: float,
    climbed_span: float,
    spacing: float,
    at_w: Floats,
    factors: Floats,
) -> int:
    """Fill in the factors worth trying; how many they are.

    Power and the level that is reached are both linear in the factor: what they are at 0, and by how much more at 1.
    The level is counted from one of the grid, whose levels are `spacing` apart.
    """
    factors[0] = 0.0
    if span_w == 0.0 and climbed_span == 0.0:
        return 1
    factors[1], count = 1.0, 2
    if span_w != 0.0:
        per_watt = 1.0 / span_w
        count = add(-at_0_w * per_watt, factors, count)
        for k in range(at_w.size):
            count = add((at_w[k] - at_0_w) * per_watt, factors, count)
    if climbed_span != 0.0:
        per_unit, end = 1.0 / climbed_span, climbed_at_0 + climbed_span
        first = np.ceil(max(min(climbed_at_0, end) / spacing, -MOST_LEVELS))
        last = np.floor(min(max(climbed_at_0, end) / spacing, MOST_LEVELS))
        stride = 1.0 if last - first < MOST_LANDINGS else np.ceil((last - first + 1.0) / MOST_LANDINGS)
        while first <= last:
            count = add((first * spacing - climbed_at_0) * per_unit, factors, count)
            first += stride
    return count


@part_of_kernel
def add(factor: float, factors: Floats, count: int) -> int:
    if 0.0 < factor < 1.0:
        factors[count] = factor
        return count + 1
    return count


@part_of_kernel
def band_in_step(
    bands: Floats, b: int, share: float, fixed_w: float, fixed_rate: float, duration_s: float
) -> tuple[float, float, float, float, float]:
    """(power at factor 0, by how much more at 1, what it moves the level by, by how much more, EUR beside the power).

    A mode that has no band, `b` below 0, does nothing of its own.
    """
    if b < 0:
        return fixed_w, 0.0, fixed_rate * duration_s, 0.0, NO_WAY_EUR
    return (
        fixed_w + share * bands[b, POWER],
        share * bands[b, POWER_SPAN],
        (fixed_rate + share * bands[b, RATE]) * duration_s,
        share * bands[b, RATE_SPAN] * duration_s,
        share * duration_s * bands[b, RUNNING_EUR],
    )


@part_of_kernel
def used_share(resting: float, moved: float, lowest: float, highest: float) -> float:
    """The share of the step after which a device that moves the level by `moved` in all of it is full or empty."""
    reached = resting + moved
    if lowest <= reached <= highest or abs(moved) <= 1e-12 * max(1.0, abs(lowest), abs(highest)):
        return 1.0
    wanted = min(max(reached, lowest), highest) - resting
    return min(max(wanted / moved, 0.0), 1.0)


@part_of_kernel
def power_eur(power_w: float, slope: float, at_w: Floats, weight: Floats) -> float:
    """EUR/kWh times W."""
    eur = slope * power_w
    for k in range(at_w.size):
        if power_w > at_w[k]:
            eur += weight[k] * (power_w - at_w[k])
    return eur


@part_of_kernel
def place_of(level: float, first: float, per_level: float, size: int) -> tuple[int, float]:
    """The last level of the grid at or below `level`, and how far it is to the next; an end for what is beyond it."""
    place = min(max((level - first) * per_level, 0.0), size - 1.0)
    index = min(int(place), size - 2)
    return index, place - index


@part_of_kernel
def fixed_part(
    a: int,
    n: int,
    parts_of: Ints,
    part_combination: Ints,
    part_share: Floats,
    bands: Floats,
    bands_at: Ints,
    variants_of: Ints,
) -> tuple[float, float]:
    """(power, rate) of all parts of an act but its last, spread over the whole step."""
    power, rate = 0.0, 0.0
    for p in range(parts_of[a], parts_of[a + 1] - 1):
        b = bands_at[variants_of[part_combination[p]], n]
        if b >= 0:
            power += part_share[p] * bands[b, POWER]
            rate += part_share[p] * bands[b, RATE]
    return power, rate


@part_of_kernel
def find_bands(levels: Floats, room: Floats, bands: Floats, bands_of: Ints) -> Ints:
    """The band of each variant at each level; -1 where there is none. Of two that meet the upper one counts (R-134)."""
    found = np.full((bands_of.size - 1, levels.size), -1, np.int64)
    for n in range(levels.size):
        level = min(max(levels[n], room[LOWEST]), room[HIGHEST])
        for v in range(bands_of.size - 1):
            for b in range(bands_of[v], bands_of[v + 1]):
                slack = 1e-9 * max(abs(bands[b, LEVEL_FROM]), abs(bands[b, LEVEL_TO]), 1.0)
                if bands[b, LEVEL_FROM] - slack <= level <= bands[b, LEVEL_TO] + slack:
                    found[v, n] = b
    return found


@part_of_kernel
def leakage_at(level: float, leakage: Floats) -> float:
    """The nearest band counts outside all bands."""
    rate = 0.0
    for b in range(leakage.shape[0]):
        if leakage[b, 0] <= level or leakage[b, 0] == leakage[0, 0]:
            rate = leakage[b, 1]
    return rate


@part_of_kernel
def edge_cost(level: float, below: Floats, above: Floats) -> float:
    eur = 0.0
    for k in range(below.shape[0]):
        if level < below[k, 0]:
            eur += below[k, 1] * (below[k, 0] - level)
    for k in range(above.shape[0]):
        if level > above[k, 0]:
            eur += above[k, 1] * (level - above[k, 0])
    return eur
