"""One step of a store: which factors are worth trying, and what each leads to. Compiled with the kernels that call it.

`bands` are rows of (level from, level to, power in W at factor 0, by how much more at factor 1, fill rate in units per
second at factor 0, by how much more at factor 1, running cost in EUR per second). `room` holds the lowest and the
highest level, and what a unit beyond the levels of the grid costs in EUR.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cem_service.planners.kernels import kernel, part_of_kernel

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


class StoreGrid(NamedTuple):
    """What a plan is made of apart from its costs.

    `levels` are evenly spaced. `drift` is what the level does by itself in each step, in units per second, but for the
    leakage, whose bands begin at `leakage[:, 0]` and have the rate `leakage[:, 1]`. `below` and `above` hold (at, EUR
    per unit) for each edge and hinge: what it costs to be below or above a level. Rows of `bands` are those of variant
    `v` from `bands_of[v]` on; variants of combination `c` from `variants_of[c]` on; an act `a` has the parts from
    `parts_of[a]` on, each a combination with its share of the step. A state `s` has the moves from `moves_of[s]` on;
    each leads to a state by a cell, and costs EUR; a cell is an act and the state after it, sorted by act, those of act
    `a` from `cells_of[a]` on.
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


class Costs(NamedTuple):
    """A `PowerCost`, and what a unit in the store is worth at the end."""

    offset: Floats
    slope: Floats
    at_w: Floats
    weight: Floats
    leftover_eur: float


class Levels(NamedTuple):
    """Those that are looked at: at edge `t` the levels `lattice[begins[t] :]`, `size` of them, evenly spaced."""

    lattice: Floats
    begins: Ints
    size: int


class Effect(NamedTuple):
    """Power in W, and what it moves the level by: at factor 0, and by how much more at 1; EUR beside the power."""

    power_w: float
    power_span_w: float
    moved: float
    moved_span: float
    own_eur: float


class Landing(NamedTuple):
    """Where a step ends: the first of so many levels of the grid, and the store's bounds."""

    first: float
    spacing: float
    size: int
    lowest: float
    highest: float
    outside_eur: float


@part_of_kernel
def landing_at(edge: int, levels: Levels, room: Floats) -> Landing:
    first, spacing = levels.lattice[levels.begins[edge]], levels.lattice[1] - levels.lattice[0]
    return Landing(first, spacing, levels.size, room[LOWEST], room[HIGHEST], room[OUTSIDE_EUR])


@part_of_kernel
def corners(effect: Effect, climbed: float, spacing: float, at_w: Floats, factors: Floats) -> int:
    """Fill in the factors worth trying; how many they are: two ends, zero power, the hinges, the landings.

    `climbed` is how far above a level of the grid it leads at factor 0.
    """
    factors[0] = 0.0
    if effect.power_span_w == 0.0 and effect.moved_span == 0.0:
        return 1
    factors[1], count = 1.0, 2
    if effect.power_span_w != 0.0:
        per_watt = 1.0 / effect.power_span_w
        count = _add(-effect.power_w * per_watt, factors, count)
        for k in range(at_w.size):
            count = _add((at_w[k] - effect.power_w) * per_watt, factors, count)
    if effect.moved_span != 0.0:
        per_unit, end = 1.0 / effect.moved_span, climbed + effect.moved_span
        first = np.ceil(max(min(climbed, end) / spacing, -MOST_LEVELS))
        last = np.floor(min(max(climbed, end) / spacing, MOST_LEVELS))
        stride = 1.0 if last - first < MOST_LANDINGS else np.ceil((last - first + 1.0) / MOST_LANDINGS)
        while first <= last:
            count = _add((first * spacing - climbed) * per_unit, factors, count)
            first += stride
    return count


@kernel
def room_for_factors(hinges: int) -> Floats:
    """As many as `corners` fills in at most."""
    return np.empty(3 + hinges + MOST_LANDINGS + 1)


@part_of_kernel
def _add(factor: float, factors: Floats, count: int) -> int:
    if 0.0 < factor < 1.0:
        factors[count] = factor
        return count + 1
    return count


@part_of_kernel
def effect_of(a: int, v: int, n: int, grid: StoreGrid, bands_at: Ints, duration_s: float) -> Effect:
    """What variant `v` of act `a` does from the n-th level on; all parts of the act but its last are at factor 0.

    A mode that has no band does nothing of its own.
    """
    bands, last = grid.bands, grid.parts_of[a + 1] - 1
    power_w, rate = 0.0, 0.0
    for p in range(grid.parts_of[a], last):
        b = bands_at[grid.variants_of[grid.part_combination[p]], n]
        if b >= 0:
            power_w += grid.part_share[p] * bands[b, POWER]
            rate += grid.part_share[p] * bands[b, RATE]
    b, share = bands_at[v, n], grid.part_share[last]
    if b < 0:
        return Effect(power_w, 0.0, rate * duration_s, 0.0, NO_WAY_EUR)
    return Effect(
        power_w + share * bands[b, POWER],
        share * bands[b, POWER_SPAN],
        (rate + share * bands[b, RATE]) * duration_s,
        share * bands[b, RATE_SPAN] * duration_s,
        share * duration_s * bands[b, RUNNING_EUR],
    )


@part_of_kernel
def used_share(resting: float, moved: float, landing: Landing) -> float:
    """The share of the step after which a device that moves the level by `moved` in all of it is full or empty."""
    reached, lowest, highest = resting + moved, landing.lowest, landing.highest
    if lowest <= reached <= highest or abs(moved) <= 1e-12 * max(1.0, abs(lowest), abs(highest)):
        return 1.0
    wanted = min(max(reached, lowest), highest) - resting
    return min(max(wanted / moved, 0.0), 1.0)


@part_of_kernel
def energy_eur(power_w: float, t: int, costs: Costs, duration_s: float) -> float:
    eur = costs.slope[t] * power_w
    for k in range(costs.at_w.shape[1]):
        if power_w > costs.at_w[t, k]:
            eur += costs.weight[t, k] * (power_w - costs.at_w[t, k])
    return float(eur * duration_s / J_PER_KWH)


@part_of_kernel
def place_of(level: float, landing: Landing) -> tuple[int, float, float]:
    """The last level of the grid at or below `level`, how far it is to the next one, and EUR for being beyond all.

    For what is beyond the grid its nearest end counts.
    """
    exact = (level - landing.first) / landing.spacing
    place = min(max(exact, 0.0), landing.size - 1.0)
    index = min(int(place), landing.size - 2)
    return index, place - index, abs(exact - place) * landing.spacing * landing.outside_eur


@part_of_kernel
def find_bands(levels: Floats, grid: StoreGrid, found: Ints) -> None:
    """Fill in the band of each variant at each level; -1 where it has none.

    Of two that meet the upper one counts (R-134).
    """
    for n in range(levels.size):
        level = min(max(levels[n], grid.room[LOWEST]), grid.room[HIGHEST])
        for v in range(grid.bands_of.size - 1):
            found[v, n] = -1
            for b in range(grid.bands_of[v], grid.bands_of[v + 1]):
                slack = 1e-9 * max(abs(grid.bands[b, LEVEL_FROM]), abs(grid.bands[b, LEVEL_TO]), 1.0)
                if grid.bands[b, LEVEL_FROM] - slack <= level <= grid.bands[b, LEVEL_TO] + slack:
                    found[v, n] = b


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
