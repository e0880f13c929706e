"""Lays a store out in arrays for the grid kernel: its bands of fill levels, its modes, timers and transitions.

Nothing here depends on prices, so it is kept for the next time that the same store is planned for at other ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise, product

import numpy as np

from cem_service.domain.frbc import Actuator, FRBCResource, Mode, ModeElement
from cem_service.domain.series import Array
from cem_service.planners.horizon import Horizon
from cem_service.planners.kernels.store_step import POWER_SPAN, RATE_SPAN, Ints, StoreGrid
from cem_service.planners.mode_graph import Combination, ModeGraph, graph_of
from cem_service.planners.same import Same
from cem_service.planners.store import OUT_OF_RANGE_EUR, edge_cost, usage_rates

LEVELS = 81
FEWEST_LEVELS = 11
# Beyond this many states in all, the grid of levels becomes coarser instead.
MOST_STATES_AT_ALL_LEVELS = 60

Row = tuple[float, ...]  # of `StoreGrid.bands`
Act = tuple[tuple[int, float], ...]  # parts of a step: combination, share


@dataclass(frozen=True, slots=True)
class Variant:
    """A combination with all factors at an end, `pins`, but that of one machine, which is None."""

    pins: tuple[float | None, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class StoreTables:
    """`variants` are numbered over all combinations, as those of the kernel are.

    `is_gradual` where a factor makes a difference in some mode.
    """

    graph: ModeGraph
    variants: tuple[Variant, ...]
    grid: StoreGrid
    is_gradual: bool


def tables_of(
    resource: FRBCResource, actuators: tuple[Actuator, ...], horizon: Horizon, level_count: int
) -> StoreTables | None:
    """None where the actuators have too many states together."""
    return _tables(Same(resource), actuators, horizon, level_count)


@lru_cache(maxsize=64)
def _tables(same: Same, actuators: tuple[Actuator, ...], horizon: Horizon, level_count: int) -> StoreTables | None:
    graph = graph_of(actuators, horizon)
    if graph is None:
        return None
    variants = [variants_of(actuators, combination) for combination in graph.combinations]
    flat = tuple(variant for each in variants for variant in each)
    parts, cells, move_cell = _acts(graph)
    edges = edge_cost(same.one, horizon)
    rows = [row for variant in flat for row in variant.rows]
    leakage = [(level_from, rate) for level_from, _, rate in same.one.leakage]
    levels = _levels(same.one, len(graph.states), level_count)
    grid = StoreGrid(
        levels=levels,
        durations_s=horizon.durations_s,
        drift=-usage_rates(same.one, horizon),
        leakage=np.array(leakage, dtype=np.float64).reshape(-1, 2),
        room=np.array([same.one.lowest_level, same.one.highest_level, OUT_OF_RANGE_EUR * same.one.kwh_per_unit]),
        below=edges.below,
        above=edges.above,
        bands=np.array(rows, dtype=np.float64).reshape(-1, 7),
        bands_of=_begins(len(variant.rows) for variant in flat),
        variants_of=_begins(len(each) for each in variants),
        parts_of=_begins(len(act) for act in parts),
        part_combination=np.array([combination for act in parts for combination, _ in act], dtype=np.int64),
        part_share=np.array([share for act in parts for _, share in act], dtype=np.float64),
        cells_of=np.searchsorted(np.array([act for act, _ in cells]), np.arange(len(parts) + 1)).astype(np.int64),
        cell_to=np.array([to for _, to in cells], dtype=np.int64),
        moves_of=graph.walk.begins,
        move_cell=move_cell,
        move_eur=graph.walk.eur,
    )
    is_gradual = bool(grid.bands[:, (POWER_SPAN, RATE_SPAN)].any())
    return StoreTables(graph, flat, grid, is_gradual)


def _levels(resource: FRBCResource, states: int, count: int) -> Array:
    """Evenly spaced, from the lowest to the highest level, and to the present one where that is outside.

    Between two levels a plan knows no corner, so a target lies on one: the grid then ends up to one level later.
    """
    level = resource.fill_level if resource.fill_level is not None else resource.lowest_level
    affordable = max(FEWEST_LEVELS, count * MOST_STATES_AT_ALL_LEVELS // max(states, 1))
    first, last = min(resource.lowest_level, level), max(resource.highest_level, level)
    levels = np.linspace(first, last, min(count, affordable))
    target = None if resource.target_lower is None else float(resource.target_lower.values.max(initial=first))
    if target is None or not levels[1] < target < last:
        return levels
    below = round((target - first) / (levels[1] - first))
    spacing = (target - first) / below
    above = math.ceil((last - first) / spacing - 1e-9) - below
    return np.linspace(first, target + above * spacing, below + above + 1)


def _acts(graph: ModeGraph) -> tuple[list[Act], list[tuple[int, int]], Ints]:
    """(all acts, all cells as (act, state after it) sorted, the cell of each move)."""
    walk = graph.walk
    parts = list(zip(walk.part_of.tolist(), walk.share.tolist(), strict=True))
    acts: dict[Act, int] = {}
    of_move = [
        (acts.setdefault(tuple(parts[begin:end]), len(acts)), to)
        for (begin, end), to in zip(pairwise(walk.part_begins.tolist()), walk.to.tolist(), strict=True)
    ]
    cells = {cell: index for index, cell in enumerate(sorted(set(of_move)))}
    return list(acts), list(cells), np.array([cells[cell] for cell in of_move], dtype=np.int64)


def _begins(counts: Iterator[int] | Sequence[int]) -> Ints:
    return np.array([0, *accumulate(counts)], dtype=np.int64)


def variants_of(actuators: tuple[Actuator, ...], combination: Combination) -> list[Variant]:
    """With one factor that matters there is one variant; with more, each is free once with the others at either end."""
    modes = [actuator.modes.get(mode_id) for actuator, mode_id in zip(actuators, combination, strict=True)]
    free = [index for index, mode in enumerate(modes) if mode and not all(one.is_fixed for one in mode.elements)]
    if len(free) <= 1:
        pins = tuple(None if index in free else 0.0 for index in range(len(modes)))
        return [Variant(pins, tuple(_rows(modes, pins)))]
    return [
        Variant(pins, tuple(_rows(modes, pins)))
        for swing in free
        for ends in product(
            *((None,) if at == swing else (0.0, 1.0) if at in free else (0.0,) for at in range(len(modes)))
        )
        if (pins := tuple(ends))
    ]


def _rows(modes: Sequence[Mode | None], pins: tuple[float | None, ...]) -> Iterator[Row]:
    """Bands in which every mode can be used, with what all of them do there together."""
    if len(modes) == 1:
        for element in modes[0].elements if modes[0] else ():
            yield (element.level_from, element.level_to, *_doing(element, pins[0]))
        return
    cuts = sorted({cut for mode in modes if mode for one in mode.elements for cut in (one.level_from, one.level_to)})
    for start, end in pairwise(cuts):
        elements = [mode.element_at((start + end) / 2) if mode else None for mode in modes]
        doing = [_doing(element, pin) for element, pin in zip(elements, pins, strict=True) if element]
        if len(doing) == len(modes):
            yield (start, end, *map(sum, zip(*doing, strict=True)))


def _doing(element: ModeElement, pin: float | None) -> Row:
    """Power, by how much more it is at factor 1, fill rate, by how much more, running cost."""
    if pin is not None:
        return element.power_w(pin), 0.0, element.rate(pin), 0.0, element.running_cost_eur_per_s
    return (
        element.power_at_0_w,
        element.power_at_1_w - element.power_at_0_w,
        element.rate_at_0,
        element.rate_at_1 - element.rate_at_0,
        element.running_cost_eur_per_s,
    )
