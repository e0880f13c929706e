"""The best plan of a whole home as one mixed-integer programme, solved by HiGHS.

It knows the homes of `tests.support.scenarios.building`: stores whose modes have one element and a fill rate in
proportion to power, a car among them with a target and a minimum power, a heat pump with an hour on at least and half
an hour off, and one machine with alternative programmes, which starts at a quarter hour here. Soft goals, switches and
what is left in a store have the prices that the planners give them: both look for the least of the same sum, that of
`building_cost`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np

from cem_service.domain.frbc import FRBCResource, Mode
from cem_service.domain.ppbc import PPBCResource, Sequence
from cem_service.domain.series import Array
from cem_service.planners.coordination import Problem
from cem_service.planners.store import edge_cost
from cem_service.planners.ways import SWITCH_EUR
from tests.support.reference.building_cost import (
    HOURS,
    STEP_S,
    fastest_w,
    kept_eur_per_unit,
    losses,
    power_of,
    unit_per_joule,
)
from tests.support.reference.highs import new_model
from tests.support.scenarios.building import LEAST_OFF, LEAST_ON, Building


@dataclass(frozen=True, slots=True)
class Reference:
    """The sum in EUR, what no plan can beat, and powers in W by the resource's name."""

    eur: float
    bound_eur: float
    powers_w: dict[str, Array]


def best_plan(home: Building, problem: Problem, *, seconds: float, gap: float) -> Reference:
    """Raises RuntimeError where nothing is found in time."""
    model = new_model(seconds=seconds, gap=gap)
    objective: Any = 0.0
    powers: dict[str, list[Any]] = {}
    for store in home.stores:
        powers[store.name], own = _store(model, problem, store)
        objective += own
    powers[home.machine.name] = _machine(model, home, home.machine)
    base_w, (import_w, export_w) = np.atleast_2d(problem.base_w)[0], home.limits_w
    for step in range(home.horizon.steps):
        drawn = model.addVariable(lb=0.0, ub=import_w / 1000.0)
        fed_in = model.addVariable(lb=0.0, ub=export_w / 1000.0)
        total = base_w[step] / 1000.0 + sum(power[step] for power in powers.values())
        model.addConstr(drawn - fed_in == total)
        objective += HOURS * (float(problem.cost.buy[step]) * drawn - float(problem.cost.sell[step]) * fed_in)
    model.minimize(objective)
    info = model.getInfo()
    if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        raise RuntimeError(f"nothing found within {seconds:g} s: {model.modelStatusToString(model.getModelStatus())}")
    found = {
        name: 1000.0 * np.array([one if isinstance(one, float) else float(model.val(one)) for one in power])
        for name, power in powers.items()
    }
    return Reference(float(info.objective_function_value), float(info.mip_dual_bound), found)


def _store(model: Any, problem: Problem, store: FRBCResource) -> tuple[list[Any], Any]:
    """(power in kW of each step, EUR beside energy)."""
    steps, edges, lost = problem.horizon.steps, edge_cost(store, problem.horizon), losses(store, problem.horizon)
    modes = store.actuators[0].usable_modes
    least_w, most_w = max(_least_w(mode) for mode in modes), fastest_w(store)
    level: Any = store.fill_level
    own: Any = 0.0
    power: list[Any] = []
    on: list[Any] = []
    for step in range(steps):
        if store.can_discharge:
            charged, discharged = (model.addVariable(0.0, abs(one) / 1000.0) for one in (most_w, _slowest_w(modes)))
            power.append(charged - discharged)
            moved = unit_per_joule(store, 1.0) * charged - unit_per_joule(store, -1.0) * discharged
        else:
            on.append(model.addBinary())
            power.append(_power_in_use(model, on[-1], least_w, most_w))
            moved = unit_per_joule(store, 1.0) * power[-1]
        after = model.addVariable(lb=-1e6 if store.drains else store.lowest_level, ub=store.highest_level)
        model.addConstr(after == level + 1000.0 * STEP_S * moved - STEP_S * float(lost[step]))
        level = after
        own += _missed_eur(model, level, edges.below[step + 1], edges.above[step + 1])
    own -= kept_eur_per_unit(store, problem) * level
    if on:
        own += _switching_eur(model, on, (LEAST_ON, LEAST_OFF) if store.drains else (1, 1))
    return power, own


def _power_in_use(model: Any, used: Any, least_w: float, most_w: float) -> Any:
    if least_w == most_w:
        return most_w / 1000.0 * used
    kw = model.addVariable(0.0, most_w / 1000.0)
    model.addConstr(kw >= least_w / 1000.0 * used)
    model.addConstr(kw <= most_w / 1000.0 * used)
    return kw


def _least_w(mode: Mode) -> float:
    (element,) = mode.elements
    return min(abs(element.power_at_0_w), abs(element.power_at_1_w))


def _slowest_w(modes: tuple[Mode, ...]) -> float:
    return min(min(mode.elements[0].power_at_0_w, mode.elements[0].power_at_1_w) for mode in modes)


def _missed_eur(model: Any, level: Any, below: Array, above: Array) -> Any:
    total: Any = 0.0
    for hinges, sign in ((below, -1.0), (above, 1.0)):
        for at, eur in hinges:
            beyond = model.addVariable(lb=0.0)
            model.addConstr(beyond >= sign * level - sign * float(at))
            total += float(eur) * beyond
    return total


def _switching_eur(model: Any, on: list[Any], least: tuple[int, int]) -> Any:
    """What the switches cost; what is on stays so for a number of steps at least, and what is off for another."""
    before: Any = 0.0  # It is off when the plan begins, and has been for long.
    total: Any = 0.0
    began: list[Any] = []
    ended: list[Any] = []
    for now in on:
        began.append(model.addVariable(0.0, 1.0))
        ended.append(model.addVariable(0.0, 1.0))
        model.addConstr(now - before == began[-1] - ended[-1])
        # By Rajan and Takriti: whoever began within the least time is on, and whoever ended within it is off.
        model.addConstr(sum(began[-least[0] :]) <= now)
        model.addConstr(sum(ended[-least[1] :]) <= 1.0 - now)
        total += SWITCH_EUR * (began[-1] + ended[-1])
        before = now
    return total


def _machine(model: Any, home: Building, machine: PPBCResource) -> list[Any]:
    """Power in kW of each step: one of its programmes, from one of the slots on from which it is done in time."""
    terms: list[list[Any]] = [[] for _ in range(home.horizon.steps)]
    starts = []
    for sequence, begins_s in _starts(home, machine):
        begins = model.addBinary()
        starts.append(begins)
        power_kw = power_of(sequence, home, begins_s).means(home.horizon.edges, 0.0) / 1000.0
        for step in np.flatnonzero(power_kw):
            terms[step].append(float(power_kw[step]) * begins)
    model.addConstr(sum(starts) == 1)
    return [sum(parts) if parts else 0.0 for parts in terms]


def _starts(home: Building, machine: PPBCResource) -> Iterator[tuple[Sequence, float]]:
    (profile,) = machine.profiles
    window_s = (profile.end_time - home.horizon.now).total_seconds()
    for sequence in profile.containers[0].sequences:
        for begins_s in np.arange(0.0, window_s - sequence.duration_s + 1.0, STEP_S):
            yield sequence, float(begins_s)
