"""The best plan of a store with modes and timers as one mixed-integer programme, solved by HiGHS.

Modes and timers are those of `modes.py`. A mode acts by the element whose band holds the level at the beginning of the
step. A mode that fills the store up, or empties it, stops by itself there, so that it is used for a part of the step.
Fill levels, powers and factors are continuous, where the planner has a grid of levels.

It takes stores with one actuator, whose leakage is the same at all levels and whose transitions take no time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cem_service.domain.frbc import FRBCResource, Mode, ModeElement
from cem_service.planners.horizon import Horizon
from cem_service.planners.power_cost import PowerCost
from cem_service.planners.store import edge_cost, leftover_eur_per_unit, usage_rates
from tests.support.reference.highs import new_model
from tests.support.reference.modes import HOURS, STEP_S, MachineModel, Reference


@dataclass(frozen=True, slots=True)
class _Store:
    resource: FRBCResource
    bottom: float
    top: float

    @property
    def slack(self) -> float:
        """By more than this no level is ever off: what makes a constraint void."""
        return 2.0 * (self.top - self.bottom)


def best_plan(
    resource: FRBCResource, cost: PowerCost, horizon: Horizon, *, seconds: float = 60.0, gap: float = 1e-4
) -> Reference:
    """Raises RuntimeError where nothing is found in time."""
    (actuator,) = resource.actuators
    assert cost.is_convex
    assert len({rate for *_, rate in resource.leakage}) <= 1
    assert all(each.duration_s == 0 for each in actuator.transitions.values())
    assert resource.fill_level is not None
    highs = new_model(seconds=seconds, gap=gap)
    machine = MachineModel(highs, actuator, horizon)
    store = _Store(resource, resource.lowest_level, resource.highest_level)
    edges, drift = edge_cost(resource, horizon), -usage_rates(resource, horizon) - resource.leakage_at(store.bottom)
    objective: Any = machine.switching_eur() + HOURS / 1000.0 * float(cost.offset.sum())
    level: Any = resource.fill_level
    for t in range(horizon.steps):
        after = highs.addVariable(lb=store.bottom - store.slack, ub=store.top)
        power_kw, moved, running_eur = _used(highs, store, machine.on[t], level, after)
        highs.addConstr(after - level - moved == float(drift[t]) * STEP_S)
        objective += running_eur + _energy_eur(highs, cost, t, power_kw)
        for at, eur in edges.below[t + 1]:
            objective += float(eur) * _at_least(highs, float(at) - after)
        for at, eur in edges.above[t + 1]:
            objective += float(eur) * _at_least(highs, after - float(at))
        level = after
    highs.minimize(objective - leftover_eur_per_unit(resource, cost) * level)
    info = highs.getInfo()
    if info.primal_solution_status != 2:
        raise RuntimeError(f"nothing found within {seconds:g} s: {highs.modelStatusToString(highs.getModelStatus())}")
    return Reference(info.objective_function_value, info.mip_dual_bound)


def _used(highs: Any, store: _Store, on: dict[str, Any], level: Any, after: Any) -> tuple[Any, Any, Any]:
    """(power in kW, what it moves the level by, EUR for running) of the mode that is on."""
    stops = _Stops(highs, store, after)
    power_kw: Any = 0.0
    moved: Any = 0.0
    running_eur: Any = 0.0
    for mode_id, is_on in on.items():
        mode = store.resource.actuators[0].modes[mode_id]
        for element, acts in _elements(highs, store, mode, is_on, level):
            used = stops.used(element, acts)
            up: Any = 0.0
            if not element.is_fixed:
                up = highs.addVariable(lb=0.0, ub=1.0)
                highs.addConstr(up - used <= 0.0)
            power_kw += (element.power_at_0_w * used + (element.power_at_1_w - element.power_at_0_w) * up) / 1000.0
            moved += STEP_S * (element.rate_at_0 * used + (element.rate_at_1 - element.rate_at_0) * up)
            running_eur += STEP_S * element.running_cost_eur_per_s * used
    return power_kw, moved, running_eur


def _elements(highs: Any, store: _Store, mode: Mode, is_on: Any, level: Any) -> list[tuple[ModeElement, Any]]:
    """Each element with what is 1 while it acts; exactly one of them does while the mode is on."""
    if len(mode.elements) == 1:
        return [(mode.elements[0], 1.0 * is_on)]
    found = [(element, highs.addBinary()) for element in mode.elements]
    highs.addConstr(sum(acts for _, acts in found) - is_on == 0.0)
    for element, acts in found:
        if isinstance(level, float):
            highs.addConstr(acts <= float(element is mode.element_at(level)))
            continue
        if element.level_from > store.bottom:
            highs.addConstr(level - store.slack * acts >= element.level_from - store.slack)
        if element.level_to < store.top:
            highs.addConstr(level + store.slack * acts <= element.level_to + store.slack)
    return [(element, 1.0 * acts) for element, acts in found]


class _Stops:
    """Whether the store is full, or empty, when the step ends, so that what moved it stopped before."""

    def __init__(self, highs: Any, store: _Store, after: Any) -> None:
        self.highs = highs
        self.full, self.empty = highs.addBinary(), highs.addBinary()
        highs.addConstr(after - store.slack * self.full >= store.top - store.slack)
        highs.addConstr(after + store.slack * self.empty <= store.bottom + store.slack)

    def used(self, element: ModeElement, acts: Any) -> Any:
        """The share of the step for which the element acts."""
        rates = element.rate_at_0, element.rate_at_1
        if rates == (0.0, 0.0):
            return acts
        used = self.highs.addVariable(lb=0.0, ub=1.0)
        stopped = self.full if min(rates) >= 0 else self.empty if max(rates) <= 0 else self.full + self.empty
        self.highs.addConstr(used - acts <= 0.0)
        self.highs.addConstr(used - acts + stopped >= 0.0)
        return used


def _energy_eur(highs: Any, cost: PowerCost, t: int, power_kw: Any) -> Any:
    eur = HOURS * float(cost.slope[t]) * power_kw
    for at_w, weight in zip(cost.at_w[t], cost.weight[t], strict=True):
        if weight > 0:
            eur += HOURS * float(weight) * _at_least(highs, power_kw - float(at_w) / 1000.0)
    return eur


def _at_least(highs: Any, amount: Any) -> Any:
    """A variable that is `amount`, or 0 where that is below 0, when less of it is better."""
    variable = highs.addVariable(lb=0.0)
    highs.addConstr(variable - amount >= 0.0)
    return variable
