"""Plans a store: exactly where all that it can do is convex, else over its modes, timers and a grid of fill levels.

The two ways are kernels; here is what is around them: which of them to take, several actuators of one store, and what
a plan says. Several actuators are planned together where they have few combinations of modes, else one after the
other, each against the latest plan of the others.

Timers and transitions are counted in whole steps, rounded up, but a transition that takes less than a step takes its
share of it. A timer shorter than a step is over when the next one begins: the reactive layer keeps to it meanwhile.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cem_service.domain.frbc import Actuator, FRBCResource
from cem_service.domain.series import Array
from cem_service.planners.frbc_convex import VALUE_EDGES, plan_convex
from cem_service.planners.horizon import Horizon
from cem_service.planners.kernels.store_grid import GridWalk, plan_on_grid
from cem_service.planners.kernels.store_step import Costs, Ints
from cem_service.planners.mode_graph import Combination
from cem_service.planners.plan import DevicePlan, OwnCost, ValueTable
from cem_service.planners.power_cost import PowerCost
from cem_service.planners.store import leftover_eur_per_unit
from cem_service.planners.store_tables import LEVELS, StoreTables, tables_of
from cem_service.planners.ways import SWITCH_EUR

EVEN_FACTORS = (0.0, 0.25, 0.5, 0.75, 1.0)

# Planned together up to here, since each combination is tried at each level in each step.
MOST_COMBINATIONS = 30

# The reactive layer looks at every so manieth level of the grid.
VALUE_STRIDE = 2

# How many spaces of each finer grid make up one of the first.
FINER = np.array((4, 16))
NOTHING_FINER = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class FRBCPlan:
    """The part of one actuator, or of several that were planned together.

    `power_w` is the mean of each step, `rates` the mean fill rate, `levels` the level after it. `cost_to_go_eur[k, n]`
    is the expected cost from edge k on, when the level is `grid[n]` there.
    """

    tables: StoreTables
    walk: GridWalk
    leftover_eur: float  # for a unit

    @property
    def power_w(self) -> Array:
        return self.walk.power_w

    @property
    def rates(self) -> Array:
        return self.walk.rates

    @property
    def levels(self) -> Array:
        return self.walk.levels

    @property
    def grid(self) -> Array:
        return self.tables.grid.levels

    @property
    def cost_to_go_eur(self) -> Array:
        return self.walk.cost_eur

    @property
    def modes(self) -> list[Combination]:
        """The mode of each actuator at the end of each step."""
        grid, graph = self.tables.grid, self.tables.graph
        return [
            tuple(machine.mode_id for machine in graph.states[grid.cell_to[grid.move_cell[move]]])
            for move in self.walk.moves
        ]

    @property
    def factors(self) -> list[tuple[float, ...]]:
        """The factor of each actuator in each step."""
        chosen = zip(self.walk.variants, self.walk.factors.tolist(), strict=True)
        return [
            tuple(factor if pin is None else pin for pin in self.tables.variants[variant].pins)
            for variant, factor in chosen
        ]

    @property
    def switching_eur(self) -> Array:
        return self.tables.grid.move_eur[self.walk.moves]


def plan_store(resource: FRBCResource, cost: PowerCost, horizon: Horizon) -> DevicePlan | None:
    """The plan of a ready resource; None where its store has no room, so that there is nothing to plan."""
    return _plan(resource, cost, horizon, FINER)


def draft_store(resource: FRBCResource, cost: PowerCost, horizon: Horizon) -> DevicePlan | None:
    """The same on the first grid alone."""
    return _plan(resource, cost, horizon, NOTHING_FINER)


def _plan(resource: FRBCResource, cost: PowerCost, horizon: Horizon, finer: Ints) -> DevicePlan | None:
    if resource.fill_level is None or not resource.actuators or not _has_room(resource):
        return None
    exact = plan_convex(resource, cost, horizon)
    if exact is not None:
        return exact
    plans = _plan_actuators(resource, cost, horizon, finer)
    if not plans:
        return None
    decisive = plans[-1]
    values = ValueTable(horizon.start, decisive.grid[::VALUE_STRIDE], decisive.cost_to_go_eur[:, ::VALUE_STRIDE])
    power_w = sum((plan.power_w for plan in plans[1:]), plans[0].power_w)
    return DevicePlan(resource.link_id, power_w, decisive.levels, values, own=_own_cost(plans))


def _has_room(resource: FRBCResource) -> bool:
    room = resource.highest_level - resource.lowest_level
    return room > 1e-9 * max(1.0, abs(resource.lowest_level), abs(resource.highest_level))


def _plan_actuators(resource: FRBCResource, cost: PowerCost, horizon: Horizon, finer: Ints) -> list[FRBCPlan]:
    """One plan of all actuators together, or one of each; the last has seen all others."""
    actuators = tuple(actuator for actuator in resource.actuators if actuator.usable_modes)
    if math.prod(len(actuator.usable_modes) for actuator in actuators) <= MOST_COMBINATIONS:
        together = _plan_together(resource, actuators, cost, horizon, finer)
        if together is not None:
            return [together]
    plans: dict[str, FRBCPlan] = {}
    for actuator in actuators * (1 if len(actuators) == 1 else 2):
        others = [plan for actuator_id, plan in plans.items() if actuator_id != actuator.actuator_id]
        other_w, other_rates = np.zeros(horizon.steps), np.zeros(horizon.steps)
        for other in others:
            other_w, other_rates = other_w + other.power_w, other_rates + other.rates
        plans.pop(actuator.actuator_id, None)
        plans[actuator.actuator_id] = plan_actuator(
            resource, actuator, other_rates=other_rates, cost=cost.beside(other_w), horizon=horizon, finer=finer
        )
    return list(plans.values())


def _plan_together(
    resource: FRBCResource, actuators: tuple[Actuator, ...], cost: PowerCost, horizon: Horizon, finer: Ints
) -> FRBCPlan | None:
    tables = tables_of(resource, actuators, horizon, LEVELS)
    return None if tables is None else _walk(resource, tables, np.zeros(horizon.steps), cost, finer)


def plan_actuator(
    resource: FRBCResource,
    actuator: Actuator,
    *,
    other_rates: Array,
    cost: PowerCost,
    horizon: Horizon,
    finer: Ints = FINER,
    level_count: int = LEVELS,
) -> FRBCPlan:
    """The best modes and factors of one actuator; `other_rates` is what the others do to the level, per second."""
    tables = tables_of(resource, (actuator,), horizon, level_count)
    if tables is None:
        raise RuntimeError(f"actuator {actuator.actuator_id} has too many states")  # One alone never has.
    return _walk(resource, tables, other_rates, cost, finer)


def _walk(resource: FRBCResource, tables: StoreTables, other_rates: Array, cost: PowerCost, finer: Ints) -> FRBCPlan:
    level = resource.fill_level if resource.fill_level is not None else resource.lowest_level
    grid = tables.grid._replace(drift=tables.grid.drift + other_rates) if other_rates.any() else tables.grid
    costs = Costs(cost.offset, cost.slope, cost.at_w, cost.weight, leftover_eur_per_unit(resource, cost))
    # One that is only switched on and off reaches the levels that it reaches: it gains nothing on a finer grid.
    walk = plan_on_grid(grid, costs, level, finer if tables.is_gradual else NOTHING_FINER, VALUE_EDGES)
    return FRBCPlan(tables, walk, costs.leftover_eur)


def _own_cost(plans: list[FRBCPlan]) -> OwnCost:
    switching_eur = [plan.switching_eur for plan in plans]
    tidy_eur = SWITCH_EUR * sum(int(np.count_nonzero(each)) for each in switching_eur)
    spent_eur = sum(
        float(plan.walk.running_eur.sum() + each.sum()) for plan, each in zip(plans, switching_eur, strict=True)
    )
    return OwnCost(
        comfort_eur=float(plans[-1].walk.edges_eur.sum()),
        money_eur=spent_eur - tidy_eur - plans[-1].leftover_eur * float(plans[-1].levels[-1]),
        tidy_eur=tidy_eur,
    )
