"""The best plan of machines without a store, for OMBC and DDBC alike: exact but for the rounding of timers to steps.

First the best factors of each combination of modes in each step, then the cheapest walk through the states that can be
reached; see `kernels/modes.py` and `mode_graph.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cem_service.domain.series import Array
from cem_service.planners.horizon import Horizon
from cem_service.planners.kernels.modes import Demand, Floats, Hinges, Ints, Lines, best_factors, walk_back, walk_on
from cem_service.planners.mode_graph import STEP_S, Combination, Machines, ModeGraph, graph_of
from cem_service.planners.mode_values import ModeValues, ValuedState
from cem_service.planners.plan import OwnCost
from cem_service.planners.power_cost import PowerCost

# The reactive layer looks 15 minutes ahead, and a plan may be an hour old.
VALUE_EDGES = 6
# A plan travels as JSON. States are numbered as they come into reach, so the first ones are those that matter soon.
MOST_VALUED_STATES = 128


@dataclass(frozen=True)
class ModesPlan:
    """Mean power in W and mean supply in each step; `combinations` and `factors` are those with which a step ends.

    `own` is what it costs beside energy. `cost_to_go_eur[k, n]` is the expected cost from edge k on in the state
    `graph.states[n]`.
    """

    graph: ModeGraph
    power_w: Array
    supply: Array
    own: OwnCost
    combinations: tuple[Combination, ...]
    factors: Array
    cost_to_go_eur: Array

    def values(self, horizon: Horizon) -> ModeValues:
        """What the reactive layer chooses by: the states that come into reach first, at the coming edges."""
        chosen = slice(1, 1 + MOST_VALUED_STATES)
        states = tuple(
            tuple(
                ValuedState(each.mode_id, dict(zip(timers, each.timers, strict=True)), each.lag_s)
                for each, timers in zip(state, self.graph.timers, strict=True)
            )
            for state in self.graph.states[chosen]
        )
        return ModeValues(horizon.start, STEP_S, states, self.cost_to_go_eur[:VALUE_EDGES, chosen])


def hinges_of(cost: PowerCost) -> Hinges:
    return Hinges(cost.slope, cost.at_w, cost.weight)


def lines_of(machines: Machines, combinations: Sequence[Combination]) -> Lines:
    """The table of all modes, and which of its rows each combination is made of."""
    row_of: dict[tuple[int, str], int] = {}
    table: list[tuple[float, ...]] = []
    for number, machine in enumerate(machines):
        for mode_id, mode in machine.modes.items():
            row_of[number, mode_id] = len(table)
            table.append(
                (
                    mode.power_at_0_w,
                    mode.power_at_1_w - mode.power_at_0_w,
                    mode.supply_at_0,
                    mode.supply_at_1 - mode.supply_at_0,
                    mode.eur_per_s_at_0,
                    mode.eur_per_s_at_1 - mode.eur_per_s_at_0,
                )
            )
    rows = [[row_of[number, mode_id] for number, mode_id in enumerate(each)] for each in combinations]
    return Lines(np.array(table, dtype=np.float64), np.array(rows, dtype=np.int64))


def plan_modes(machines: Machines, cost: PowerCost, demand: Demand, horizon: Horizon) -> ModesPlan | None:
    """None where there are too many combinations to look at together."""
    graph = graph_of(machines, horizon)
    if graph is None:
        return None
    lines = lines_of(machines, graph.combinations)
    stage_eur, factors = best_factors(hinges_of(cost), horizon.durations_s, lines, demand)
    cost_to_go, best = walk_back(stage_eur, graph.walk)
    moves = walk_on(best, graph.walk)
    return _read_back(graph, lines, factors, cost_to_go, moves, demand, horizon)


def _read_back(
    graph: ModeGraph,
    lines: Lines,
    factors: Floats,
    cost_to_go: Floats,
    moves: Ints,
    demand: Demand,
    horizon: Horizon,
) -> ModesPlan:
    """What the moves mean for each step: the mean over the parts of it, and the last of them."""
    walk = graph.walk
    counts = walk.part_begins[moves + 1] - walk.part_begins[moves]
    ends = np.cumsum(counts)
    step = np.repeat(np.arange(moves.size), counts)
    part = np.repeat(walk.part_begins[moves] - ends + counts, counts) + np.arange(ends[-1])
    combination = walk.part_of[part]
    rows = lines.table[lines.combinations[combination]]  # (parts, machines, 6)
    each = (rows[:, :, 0::2] + factors[step, combination][:, :, None] * rows[:, :, 1::2]).sum(axis=1)
    lasts_s = walk.share[part] * horizon.durations_s[step]
    means = np.zeros((moves.size, 2))
    np.add.at(means, step, walk.share[part][:, None] * each[:, :2])
    wear_eur = float(graph.wear_eur[moves].sum())
    own = OwnCost(
        comfort_eur=float(lasts_s @ demand.eur_per_s(each[:, 1], step)),
        money_eur=float(lasts_s @ each[:, 2] + walk.eur[moves].sum()) - wear_eur,
        tidy_eur=wear_eur,
    )
    last = combination[ends - 1]
    return ModesPlan(
        graph=graph,
        power_w=means[:, 0],
        supply=means[:, 1],
        own=own,
        combinations=tuple(graph.combinations[one] for one in last),
        factors=factors[np.arange(moves.size), last],
        cost_to_go_eur=cost_to_go,
    )
