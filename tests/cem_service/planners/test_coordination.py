from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from cem_service.domain.resource import Resource
from cem_service.domain.site import SiteState
from cem_service.planners import coordination
from cem_service.planners.building import problem_of
from cem_service.planners.coordination import LEAST_TRIES, Coordinated, Problem, coordinate
from cem_service.planners.horizon import Horizon
from cem_service.planners.plan import DevicePlan
from cem_service.planners.power_cost import PowerCost
from tests.support.resources import NOON, battery, dishwasher, ev_charger, heat_pump
from tests.support.sites import EVENING_PEAK, site_with

HOME: tuple[Resource, ...] = (
    battery(),
    ev_charger(departure=NOON + timedelta(hours=6)),
    heat_pump(),
    dishwasher(),
)


def tries(count: int) -> Callable[[], bool]:
    left = iter([True] * count)
    return lambda: next(left, False)


def coordinated(site: SiteState, count: int = 0) -> tuple[Problem, Coordinated]:
    problem = problem_of(site)
    return problem, coordinate(problem, random=np.random.default_rng(1), more_time=tries(count))


def test_asks_the_battery_last() -> None:
    problem = problem_of(site_with(*HOME))

    assert [one.name for one in problem.resources] == ["EV charger", "Heat pump", "Dishwasher", "Home battery"]


def test_more_time_never_makes_it_worse() -> None:
    site = site_with(*HOME, fuse_limit_w=7000.0, tariff=EVENING_PEAK)

    ranks = [coordinated(site, count)[1].rank for count in (0, 3)]

    assert ranks[1] <= ranks[0]


def test_loads_are_those_of_all_plans_on_their_phases() -> None:
    site = replace(site_with(*HOME, meter_w=900.0), fuse_per_phase_w=6000.0)

    problem, found = coordinated(site)

    planned_w = sum(plan.power_w for plan in found.plans.values())
    assert found.loads_w[0] == pytest.approx(problem.base_w[0] + planned_w)
    assert found.loads_w[1] == pytest.approx(300.0 + planned_w)  # They all are on L1.
    assert found.loads_w[2] == pytest.approx(np.full(96, 300.0))


def test_nobody_would_rather_do_something_else() -> None:
    site = site_with(*HOME, fuse_limit_w=9000.0, tariff=EVENING_PEAK)
    problem, found = coordinated(site)

    for resource in problem.resources:
        alone = replace(problem, base_w=others(problem, found, resource), resources=(resource,))
        answer = coordinate(alone, random=np.random.default_rng(0), more_time=tries(0))
        own = found.plans[resource.link_id].own
        rest = sum(one.own.comfort_eur + one.own.money_eur + one.own.tidy_eur for one in found.plans.values())
        rest -= own.comfort_eur + own.money_eur + own.tidy_eur
        assert found.rank[-1] <= answer.rank[-1] + rest + 1e-6


def others(problem: Problem, found: Coordinated, resource: Resource) -> np.ndarray:
    plan: DevicePlan = found.plans[resource.link_id]
    result: np.ndarray = found.loads_w[0] - plan.power_w
    return result


def test_a_breach_that_nobody_can_avoid_ends_the_search_all_the_same() -> None:
    counted = itertools.count()

    def more_time() -> bool:
        next(counted)
        return False

    site = site_with(*HOME, meter_w=9000.0, fuse_limit_w=5000.0)
    found = coordinate(problem_of(site), random=np.random.default_rng(1), more_time=more_time)

    assert found.breaks_limits
    assert next(counted) == LEAST_TRIES + 1


def test_what_all_can_keep_to_at_rest_is_kept_to_whatever_planners_would_rather_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stubborn(resource: Resource, cost: PowerCost, horizon: Horizon) -> DevicePlan:
        buying_is_dearer = cost.weight[:, 0].any()  # Not where only powers count.
        return DevicePlan(resource.link_id, np.full(horizon.steps, 3000.0 if buying_is_dearer else 0.0))

    monkeypatch.setattr(coordination, "best_response", stubborn)

    _, found = coordinated(site_with(*HOME, fuse_limit_w=5000.0))

    assert not found.breaks_limits


def test_a_site_without_resources_has_its_base_load() -> None:
    problem, found = coordinated(site_with(meter_w=700.0))

    assert found.plans == {}
    assert found.loads_w.tolist() == [problem.base_w.tolist()]
