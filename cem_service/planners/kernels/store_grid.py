"""Plans a store over a grid of fill levels and the states of its machines: what is not convex.

Backwards over the steps, each state gets the least cost from each level of the grid on. Between two of these levels the
cost is taken as linear. The cost of a step is piecewise linear in the factor, and so is what follows, so the best
factor is at a corner: one of its ends, a power where the cost has a hinge or is zero, a level of the grid or a bound of
the store. All of these are tried, so that nothing is lost but between the levels. Forwards, from the present level on,
the same corners are tried at the level that the store really has then.

What is lost between the levels is mostly won back on finer grids, each of which has only a few levels around those that
the best walk has reached so far. The best one of all walks counts.

What is tried in a step is an *act*: parts of the step in which one combination of modes holds after the other. In all
but the last part the factor is 0, since a machine that is still leaving a mode heeds no factor. A combination has
*variants*, each of which leaves one factor free and has the others at an end; a variant has bands of fill levels.

A mode that would carry the store over a bound is used for a share of the step: the device stops by itself when it is
full or empty. A mode that cannot be used at a level does nothing there and costs dearly. Only what drains it by itself
carries a store below its lowest level, and what is missing then has to be filled up again.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cem_service.planners.kernels import kernel
from cem_service.planners.kernels.store_back import costs_to_go
from cem_service.planners.kernels.store_step import HIGHEST, J_PER_KWH, Costs, Floats, Ints, Levels, StoreGrid
from cem_service.planners.kernels.store_walk import Steps, walk_on

# How many levels a finer grid has at each edge.
NEAR_LEVELS = 17


class GridWalk(NamedTuple):
    """Per step: mean power in W, the level after it, EUR for that and for running, mean fill rate, what was chosen.

    That is the move, and the variant and the factor of its last part. `cost_eur[k, n]` is the cost from edge k on at
    `levels[n]`, in the state in which it is least.
    """

    power_w: Floats
    levels: Floats
    edges_eur: Floats
    running_eur: Floats
    rates: Floats
    moves: Ints
    variants: Ints
    factors: Floats
    cost_eur: Floats


def plan_on_grid(grid: StoreGrid, costs: Costs, level: float, finer: Ints, edges: int) -> GridWalk:
    """The best walk from `level` and state 0; `cost_eur` for the first `edges` edges.

    `finer` says how many spaces of each finer grid make up one of the first.
    """
    steps, cost_eur = _plan(grid, costs, level, edges, finer, NEAR_LEVELS)
    return GridWalk(*steps, cost_eur)


@kernel
def _plan(
    grid: StoreGrid, costs: Costs, level: float, edges: int, finer: Ints, near_levels: int
) -> tuple[Steps, Floats]:
    # No level lies above this but those that the grid has beyond the store.
    top = max(grid.room[HIGHEST], level)
    whole = Levels(grid.levels, np.zeros(grid.durations_s.size + 1, np.int64), grid.levels.size)
    value = costs_to_go(grid, costs, whole, top)
    cost_eur, fixed_eur = np.empty((min(edges, value.shape[0]), whole.size)), _fixed_eur(grid, costs)
    for t in range(cost_eur.shape[0]):
        for n in range(whole.size):
            cost_eur[t, n] = fixed_eur[t] + value[t, :, n].min()
    steps, eur = walk_on(grid, costs, whole, value, level)
    for each in finer:
        near = _near(grid, level, steps.levels, each, near_levels)
        again, again_eur = walk_on(grid, costs, near, costs_to_go(grid, costs, near, top), level)
        if again_eur < eur:
            steps, eur = again, again_eur
    return steps, cost_eur


@kernel
def _fixed_eur(grid: StoreGrid, costs: Costs) -> Floats:
    """What is spent from each edge on, whatever is chosen."""
    fixed_eur = np.zeros(grid.durations_s.size + 1)
    for t in range(grid.durations_s.size - 1, -1, -1):
        fixed_eur[t] = fixed_eur[t + 1] + costs.offset[t] * grid.durations_s[t] / J_PER_KWH
    return fixed_eur


@kernel
def _near(grid: StoreGrid, level: float, after: Floats, finer: int, near_levels: int) -> Levels:
    """Levels around `level` at first, then around those in `after`; those of the grid are among them."""
    spaces, bottom = (grid.levels.size - 1) * finer, grid.levels[0]
    spacing, size = (grid.levels[-1] - bottom) / spaces, min(near_levels, spaces + 1)
    begins = np.empty(after.size + 1, np.int64)
    for t in range(begins.size):
        place = round(((level if t == 0 else after[t - 1]) - bottom) / spacing)
        begins[t] = min(max(place - size // 2, 0), spaces + 1 - size)
    return Levels(bottom + spacing * np.arange(spaces + 1), begins, size)


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
    costs = Costs(np.zeros(1), np.ones(1), np.zeros((1, 1)), np.zeros((1, 1)), 0.0)
    plan_on_grid(grid, costs, 0.5, np.array([2]), 1)
