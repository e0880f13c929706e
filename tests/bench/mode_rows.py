"""Plans of devices under OMBC and DDBC: how long one takes, and what it loses against a mixed-integer programme.

All on a day of 96 steps, with seeds that were not used while the planners were written.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from cem_service.domain.resource import Resource
from cem_service.planners.mode_graph import graph_of
from cem_service.planners.oracle import best_response
from cem_service.planners.plan import DevicePlan
from tests.bench.rows import Row
from tests.support.reference import ddbc, ombc
from tests.support.reference.modes import Reference
from tests.support.scenarios.modes import ddbc_scenario, ombc_scenario
from tests.support.scenarios.surroundings import Surroundings

SEEDS = range(100, 106)
REPEATS = 20
MOST_US = 1000.0
MOST_LOST_PERCENT = 1.0

Case = tuple[Resource, Surroundings, Reference]


def _ombc_cases() -> Iterator[Case]:
    for seed in SEEDS:
        scenario = ombc_scenario(seed)
        around = scenario.around
        yield scenario.resource, around, ombc.best_plan(scenario.resource, around.cost, around.horizon)


def _ddbc_cases() -> Iterator[Case]:
    for seed in SEEDS:
        scenario = ddbc_scenario(seed)
        around = scenario.around
        yield scenario.resource, around, ddbc.best_plan(scenario.resource, around.cost, around.horizon)


def _lost_percent(cases: Callable[[], Iterator[Case]], name: str) -> Row:
    """The mean loss, as a share of what the best plan costs."""
    lost = []
    for resource, around, best in cases():
        loss_eur = _cost_eur(_planned(resource, around), around) - best.eur
        lost.append(100.0 * max(loss_eur, 0.0) / max(abs(best.eur), 0.1))
    return Row(name, sum(lost) / len(lost), "% lost", target=MOST_LOST_PERCENT)


def _plan_us(scenarios: Iterator[tuple[Resource, Surroundings]], name: str) -> Row:
    """The mean over devices of the best time for a plan from nothing, with no graph kept from before."""
    times = []
    for resource, around in scenarios:
        times.append(min(_once_us(resource, around) for _ in range(REPEATS)))
    return Row(name, sum(times) / len(times), "us a plan", target=MOST_US)


def _once_us(resource: Resource, around: Surroundings) -> float:
    graph_of.cache_clear()
    began = time.perf_counter()
    _planned(resource, around)
    return (time.perf_counter() - began) * 1e6


def _planned(resource: Resource, around: Surroundings) -> DevicePlan:
    plan = best_response(resource, around.cost, around.horizon)
    assert plan is not None
    return plan


def _cost_eur(plan: DevicePlan, around: Surroundings) -> float:
    energy_eur = float(around.cost.eur(plan.power_w, around.horizon.durations_s).sum())
    return energy_eur + plan.own.comfort_eur + plan.own.money_eur + plan.own.tidy_eur


def _ombc_devices() -> Iterator[tuple[Resource, Surroundings]]:
    return ((one.resource, one.around) for one in map(ombc_scenario, SEEDS))


def _ddbc_devices() -> Iterator[tuple[Resource, Surroundings]]:
    return ((one.resource, one.around) for one in map(ddbc_scenario, SEEDS))


ROWS: dict[str, Callable[[], Row]] = {
    "ombc-plan": lambda: _plan_us(_ombc_devices(), "ombc-plan"),
    "ombc-loss": lambda: _lost_percent(_ombc_cases, "ombc-loss"),
    "ddbc-plan": lambda: _plan_us(_ddbc_devices(), "ddbc-plan"),
    "ddbc-loss": lambda: _lost_percent(_ddbc_cases, "ddbc-loss"),
}
