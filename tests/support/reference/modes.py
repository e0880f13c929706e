"""The best plan of machines without a store as one mixed-integer programme, solved by HiGHS.

It is written down in other terms than the planner: which mode is on in a step, which way is gone at its beginning, and
that a way is not gone while a timer blocks it that an earlier one started. Within a step that a transition takes a part
of, each part is a cell with powers of its own. The problem is the planner's: the same ways, and timers in whole steps.

It takes horizons that begin with a quarter hour, machines that are on no way yet, and costs that are convex.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from cem_service.domain.machines import Machine
from cem_service.domain.power_mode import PowerMode
from cem_service.planners.horizon import Horizon
from cem_service.planners.kernels.modes import Demand
from cem_service.planners.power_cost import PowerCost
from cem_service.planners.ways import Way, ways_of
from tests.support.reference.highs import new_model

STEP_S = 900.0
HOURS = STEP_S / 3600.0

Cell = tuple[float, float]  # from and to, in parts of a step


@dataclass(frozen=True, slots=True)
class Reference:
    """`eur` is the best sum found and `bound_eur` what none can beat."""

    eur: float
    bound_eur: float


@dataclass
class MachineModel:
    """`on[t][mode]` and `gone[t][n]`, for the n-th of `ways`, are binary variables."""

    highs: Any
    machine: Machine[Any]
    horizon: Horizon
    ways: list[Way] = field(default_factory=list)
    on: list[dict[str, Any]] = field(default_factory=list)
    gone: list[list[Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ways = [way for ways in ways_of(self.machine).values() for way in ways]
        before: dict[str, Any] = {
            mode_id: 1.0 if mode_id == self.machine.active_mode_id else 0.0 for mode_id in self.machine.modes
        }
        for _ in range(self.horizon.steps):
            on = {mode_id: self.highs.addBinary() for mode_id in self.machine.modes}
            gone = [self.highs.addBinary() for _ in self.ways]
            self.highs.addConstr(sum(gone) + self.highs.addVariable(lb=0.0) <= 1.0)
            for mode_id, variable in on.items():
                came = sum(each for each, way in zip(gone, self.ways, strict=True) if way.to_mode_id == mode_id)
                left = sum(each for each, way in zip(gone, self.ways, strict=True) if way.from_mode_id == mode_id)
                self.highs.addConstr(variable - before[mode_id] - came + left == 0.0)
            self.on.append(on)
            self.gone.append(gone)
            before = on
        self._keep_timers()
        self._finish_ways()

    def _keep_timers(self) -> None:
        for number, way in enumerate(self.ways):
            for timer in way.blocking_timers:
                ends = self.machine.timers_end.get(timer)
                held = 0 if ends is None else math.ceil((ends - self.horizon.now).total_seconds() / STEP_S - 1e-9)
                runs = math.ceil(self.machine.timer_durations_s.get(timer, 0.0) / STEP_S - 1e-9)
                starts = [index for index, one in enumerate(self.ways) if timer in one.start_timers]
                for t in range(self.horizon.steps):
                    if t < held:
                        self.highs.addConstr(1.0 * self.gone[t][number] <= 0.0)
                    for s in range(max(t - runs + 1, 0), t):
                        for index in starts:
                            self.highs.addConstr(self.gone[t][number] + self.gone[s][index] <= 1.0)

    def _finish_ways(self) -> None:
        """No other way is gone while one that takes longer than a step is under way."""
        for index, way in enumerate(self.ways):
            for s in range(self.horizon.steps):
                for t in range(s + 1, min(s + math.ceil(way.duration_s / STEP_S - 1e-9), self.horizon.steps)):
                    self.highs.addConstr(self.gone[s][index] + sum(self.gone[t]) <= 1.0)

    def acts_as(self, t: int, cell: Cell) -> dict[str, Any]:
        """1 for the mode that it acts as in the cell, else 0."""
        acting: dict[str, Any] = {mode_id: 1.0 * variable for mode_id, variable in self.on[t].items()}
        for index, way in enumerate(self.ways):
            for s in range(t + 1):
                if (t - s + cell[1]) * STEP_S <= way.duration_s + 1e-9:
                    acting[way.to_mode_id] -= self.gone[s][index]
                    acting[way.from_mode_id] += self.gone[s][index]
        return acting

    def switching_eur(self) -> Any:
        return sum(way.eur * each for gone in self.gone for way, each in zip(self.ways, gone, strict=True))


def solve(
    machines: tuple[Machine[PowerMode], ...],
    cost: PowerCost,
    demand: Demand,
    horizon: Horizon,
    *,
    seconds: float = 60.0,
    gap: float = 1e-5,
) -> Reference:
    """Raises RuntimeError where nothing is found in time."""
    assert cost.is_convex
    highs = new_model(seconds=seconds, gap=gap)
    models = [MachineModel(highs, machine, horizon) for machine in machines]
    objective: Any = sum(model.switching_eur() for model in models) + HOURS / 1000.0 * float(cost.offset.sum())
    cells = list(_cells(models))
    for t in range(horizon.steps):
        for cell in cells:
            objective += (cell[1] - cell[0]) * _rate(highs, models, t, cell, cost, demand)
    highs.minimize(objective)
    info = highs.getInfo()
    if info.primal_solution_status != 2:
        raise RuntimeError(f"nothing found within {seconds:g} s: {highs.modelStatusToString(highs.getModelStatus())}")
    return Reference(info.objective_function_value, info.mip_dual_bound)


def _cells(models: list[MachineModel]) -> Iterator[Cell]:
    parts = {math.fmod(way.duration_s, STEP_S) / STEP_S for model in models for way in model.ways}
    return pairwise(sorted({0.0, 1.0, *parts}))


def _rate(highs: Any, models: list[MachineModel], t: int, cell: Cell, cost: PowerCost, demand: Demand) -> Any:
    """EUR for a whole step of the cell's power (kept in kW) and supply (in parts of the largest)."""
    unit = max(float(abs(demand.most).max()), 1.0)
    power_kw, supply, own_eur = 0.0, 0.0, 0.0
    for model in models:
        for mode_id, acting in model.acts_as(t, cell).items():
            mode = model.machine.modes[mode_id]
            up: Any = 0.0
            if not mode.is_fixed:
                up = highs.addVariable(lb=0.0, ub=1.0)
                highs.addConstr(up - acting <= 0.0)
            power_kw += (mode.power_at_0_w * acting + (mode.power_at_1_w - mode.power_at_0_w) * up) / 1000.0
            supply += (mode.supply_at_0 * acting + (mode.supply_at_1 - mode.supply_at_0) * up) / unit
            own_eur += STEP_S * (mode.eur_per_s_at_0 * acting + (mode.eur_per_s_at_1 - mode.eur_per_s_at_0) * up)
    rate = HOURS * float(cost.slope[t]) * power_kw + own_eur
    for at_w, weight in zip(cost.at_w[t], cost.weight[t], strict=True):
        if weight > 0:
            beyond = highs.addVariable(lb=0.0)
            highs.addConstr(beyond - power_kw >= -float(at_w) / 1000.0)
            rate += HOURS * float(weight) * beyond
    if demand.missing_eur > 0:
        missing, excess = highs.addVariable(lb=0.0), highs.addVariable(lb=0.0)
        highs.addConstr(missing + supply >= float(demand.least[t]) / unit)
        highs.addConstr(excess - supply >= -float(demand.most[t]) / unit)
        rate += STEP_S * unit * (demand.missing_eur * missing + demand.excess_eur * excess)
    return rate
