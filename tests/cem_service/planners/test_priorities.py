"""For each objective a site where it has its way, and one where something more important overrules it.

It is noon. Where nothing else is said a car wants 12 kWh more until 18 o'clock, a kWh costs 0.30 EUR at any hour, and
nothing else draws power.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from cem_service.domain.decision import Objective
from cem_service.domain.objectives import (
    Bandwidth,
    CapacityTariff,
    Carbon,
    GridLimit,
    Objectives,
    SteerableLimit,
    TargetBand,
)
from cem_service.domain.resource import Resource
from cem_service.domain.tariff import Tariff
from cem_service.planners.building import plan_site
from cem_service.planners.plan import STEP, SitePlan
from tests.support.resources import NOON, battery, ev_charger, link_id
from tests.support.sites import FLAT, site_with

HOUR = timedelta(hours=1)
FUSE_W = 12_000.0  # 10 kW of it may be planned for.
AFTERNOON_CHEAP = Tariff(tuple(0.10 if 12 <= hour < 15 else 0.30 for hour in range(24)), (0.05,) * 24)


def car(departure: datetime = NOON + 6 * HOUR) -> Resource:
    """It takes 7.4 kW at most; 12 kWh in its battery are 13.3 kWh from the grid."""
    return ev_charger(level=50.0, wanted=70.0, departure=departure)


LATE = NOON + 2 * HOUR  # Time enough, if it charges at full power nearly all the while.


def planned(
    *resources: Resource,
    objectives: Objectives = Objectives(),  # noqa: B008  # It is immutable.
    base_w: float | Mapping[int, float] = 0.0,
    tariff: Tariff = FLAT,
    phase_w: float | None = None,
) -> SitePlan:
    """`base_w` by the hour of the day, where it is not the same all day."""
    edges = [NOON - timedelta(days=1) + index * STEP for index in range(96)]
    base = {edge: base_w if isinstance(base_w, float) else base_w.get(edge.hour, 0.0) for edge in edges}
    site = site_with(*resources, fuse_limit_w=FUSE_W, tariff=tariff)
    return plan_site(replace(site, objectives=objectives, base_history=base, fuse_per_phase_w=phase_w))


def hours(plan: SitePlan, name: str = "") -> np.ndarray:
    """Mean power in W of each hour from noon on, of a resource or of the site."""
    power_w = plan.devices[link_id(name)].power_w if name else plan.net_w
    result: np.ndarray = power_w.reshape(24, 4).mean(axis=1)
    return result


def test_price_decides_where_nothing_else_does() -> None:
    plan = planned(car(), tariff=AFTERNOON_CHEAP)

    assert hours(plan, "EV charger")[:3].sum() == pytest.approx(13_333, rel=0.02)
    assert plan.cost_eur == pytest.approx(1.333, rel=0.02)


def test_comfort_overrules_price() -> None:
    dear_now = Tariff(tuple(1.0 if 12 <= hour < 18 else 0.05 for hour in range(24)), (0.0,) * 24)

    plan = planned(car(), tariff=dear_now)

    assert hours(plan, "EV charger")[:6].sum() == pytest.approx(13_333, rel=0.02)


def test_the_fuse_overrules_price_and_comfort() -> None:
    plan = planned(car(LATE), base_w={12: 8000.0, 13: 8000.0}, tariff=AFTERNOON_CHEAP)

    assert plan.net_w.max() <= 10_000.0 + 1.0
    assert hours(plan, "EV charger")[:2] == pytest.approx([2000.0, 2000.0], rel=0.01)
    assert "EV charger cannot keep all its targets" in plan.devices[link_id("EV charger")].reason


def test_the_fuse_of_a_phase_overrules_price_and_comfort() -> None:
    plan = planned(car(LATE), base_w=3000.0, phase_w=4000.0)  # 3 kW of each phase may be used, and the base takes one.

    assert plan.devices[link_id("EV charger")].power_w.max() == pytest.approx(2000.0, abs=1.0)


def test_a_grid_limit_overrules_price_and_comfort() -> None:
    limit = GridLimit(source="grid", import_w=3000.0, end=NOON + 3 * HOUR)

    moved = planned(car(), objectives=Objectives(grid_limits=(limit,)), tariff=AFTERNOON_CHEAP)
    held = planned(car(LATE), objectives=Objectives(grid_limits=(limit,)))

    assert moved.net_w[:12].max() <= 2700.0 + 1.0
    assert hours(moved, "EV charger")[:6].sum() == pytest.approx(13_333, rel=0.02)
    assert held.net_w[:12].max() <= 2700.0 + 1.0
    assert moved.notes == held.notes == ()


def test_the_fuse_overrules_a_grid_limit() -> None:
    """What a battery holds is not enough for both: it helps the fuse in the evening, and not the limit before it."""
    limit = GridLimit(source="grid", import_w=0.0, end=NOON + 6 * HOUR)
    base_w = {14: 2000.0, 15: 2000.0, 18: 13_000.0}

    plan = planned(battery(level=3.2), objectives=Objectives(grid_limits=(limit,)), base_w=base_w)

    assert hours(plan)[6] == pytest.approx(10_000.0, abs=50.0)
    assert hours(plan)[2:4].sum() == pytest.approx(4000.0, abs=100.0)
    assert [reason.objective for reason in plan.reasons] == [Objective.GRID_LIMIT]


def test_a_limit_on_steerable_devices_overrules_comfort_and_leaves_the_household_alone() -> None:
    limit = SteerableLimit(source="section 14a", import_w=4200.0, end=NOON + 4 * HOUR)

    plan = planned(car(LATE), objectives=Objectives(steerable_limits=(limit,)), base_w=3000.0)

    assert hours(plan, "EV charger")[:2] == pytest.approx([4200.0, 4200.0], rel=0.01)
    assert plan.notes == ()


def test_the_fuse_overrules_what_a_steerable_limit_would_allow() -> None:
    limit = SteerableLimit(source="section 14a", import_w=4200.0)

    plan = planned(car(LATE), objectives=Objectives(steerable_limits=(limit,)), base_w=8000.0)

    assert hours(plan, "EV charger")[:2] == pytest.approx([2000.0, 2000.0], rel=0.01)


def activation(**band: float) -> Objectives:
    """From 12 to 14 o'clock, for next to nothing."""
    target = TargetBand(source="aggregator", eur_per_kwh=0.01, start=NOON, end=LATE, **band)
    return Objectives(targets=(target,))


def test_an_activation_overrules_price_and_comfort() -> None:
    moved = planned(car(), objectives=activation(upper_w=500.0), tariff=AFTERNOON_CHEAP, base_w=500.0)
    held = planned(car(LATE), objectives=activation(upper_w=500.0), base_w=500.0)
    more = planned(battery(level=2.0), objectives=activation(lower_w=2000.0))

    assert moved.net_w[:8].max() <= 501.0
    assert held.net_w[:8].max() <= 501.0
    assert hours(more)[:2] == pytest.approx([2000.0, 2000.0], rel=0.01)


def test_limits_overrule_an_activation() -> None:
    limit = GridLimit(source="grid", import_w=1000.0)
    wants_more = activation(lower_w=8000.0)

    grid = planned(battery(level=2.0), objectives=replace(wants_more, grid_limits=(limit,)))
    phase = planned(battery(level=2.0), objectives=wants_more, phase_w=2000.0)

    assert grid.net_w.max() <= 900.0 + 1.0
    assert phase.net_w.max() <= 1500.0 + 1.0
    assert grid.notes == ("At 12:00 900 W are expected and an accepted activation asks for 8,000 W.",)


def test_a_peak_is_avoided_where_there_is_time() -> None:
    tariff = Objectives(capacity_tariff=CapacityTariff(eur_per_kw=5.0, peak_so_far_w=1000.0))

    plan = planned(car(), objectives=tariff)

    assert plan.net_w.max() == pytest.approx(13_333 / 6, rel=0.1)
    assert plan.costs[Objective.CAPACITY_TARIFF] == pytest.approx(5.0 * (plan.net_w.max() - 1000.0) / 1000.0, rel=0.01)


def test_comfort_overrules_the_peak() -> None:
    tariff = Objectives(capacity_tariff=CapacityTariff(eur_per_kw=50.0))

    assert hours(planned(car(LATE), objectives=tariff), "EV charger")[:2].sum() == pytest.approx(13_333, rel=0.02)


def test_a_bandwidth_is_weighed_against_the_price() -> None:
    """Charging in the afternoon saves 0.20 EUR/kWh; only what is beyond the bandwidth is dearer by as much or more."""

    def afternoon_w(eur_per_kwh: float) -> float:
        objectives = Objectives(bandwidth=Bandwidth(contracted_w=3000.0, eur_per_kwh=eur_per_kwh))
        return float(planned(car(), objectives=objectives, tariff=AFTERNOON_CHEAP).net_w[:12].max())

    assert afternoon_w(0.30) <= 3001.0
    assert afternoon_w(0.10) > 4000.0


def test_comfort_overrules_a_bandwidth() -> None:
    objectives = Objectives(bandwidth=Bandwidth(contracted_w=3000.0, eur_per_kwh=0.9))

    assert hours(planned(car(LATE), objectives=objectives), "EV charger")[:2].sum() == pytest.approx(13_333, rel=0.02)


SUNNY = {12: -4000.0, 13: -4000.0, 19: 3000.0, 20: 3000.0}  # As much as a battery can hold, and draws in the evening.
HARDLY_WORTH_IT = Tariff.flat(0.25, 0.24)  # What a battery loses costs more than the difference.


@pytest.mark.parametrize(
    "objectives",
    [Objectives(self_consumption_eur_per_kwh=0.10), Objectives(carbon=Carbon(0.5, g_per_kwh=400.0))],
    ids=["self-consumption", "carbon"],
)
def test_green_objectives_keep_the_sun_at_home(objectives: Objectives) -> None:
    without = planned(battery(level=0.0), base_w=SUNNY, tariff=HARDLY_WORTH_IT)
    green = planned(battery(level=0.0), base_w=SUNNY, tariff=HARDLY_WORTH_IT, objectives=objectives)

    assert hours(without, "Home battery")[:2].sum() == pytest.approx(0.0, abs=50.0)
    assert hours(green, "Home battery")[:2].sum() > 5500.0
    assert hours(green, "Home battery")[7:9].sum() < -5000.0


@pytest.mark.parametrize(
    "objectives",
    [Objectives(self_consumption_eur_per_kwh=0.10), Objectives(carbon=Carbon(0.5, g_per_kwh=400.0))],
    ids=["self-consumption", "carbon"],
)
def test_an_activation_overrules_green_objectives(objectives: Objectives) -> None:
    targets = activation(upper_w=-4000.0).targets
    plan = planned(
        battery(level=0.0), base_w=SUNNY, tariff=HARDLY_WORTH_IT, objectives=replace(objectives, targets=targets)
    )

    assert hours(plan, "Home battery")[:2].sum() <= 1.0


def test_selling_dear_overrules_using_ones_own() -> None:
    """Inside a stage it is the amounts that count."""
    objectives = Objectives(self_consumption_eur_per_kwh=0.10)

    plan = planned(battery(level=0.0), base_w=SUNNY, tariff=Tariff.flat(0.25, 0.60), objectives=objectives)

    assert hours(plan, "Home battery")[:2].sum() <= 1.0


def test_all_at_once_in_their_order() -> None:
    """A limit, an activation, a peak, a bandwidth and green weights: each gives way to those before it."""
    objectives = replace(
        activation(upper_w=1500.0),
        grid_limits=(GridLimit(source="grid", import_w=6000.0),),
        capacity_tariff=CapacityTariff(2.0, 2000.0),
        bandwidth=Bandwidth(3000.0, 0.1),
        carbon=Carbon(0.1),
        self_consumption_eur_per_kwh=0.02,
    )

    plan = planned(
        car(NOON + 4 * HOUR), battery(level=1.0), objectives=objectives, base_w=1000.0, tariff=AFTERNOON_CHEAP
    )

    assert plan.net_w.max() <= 5400.0 + 1.0
    assert plan.net_w[:8].max() <= 1501.0
    assert Objective.ACTIVATION not in plan.costs
    assert plan.costs[Objective.CARBON] > 0
    assert plan.costs[Objective.CAPACITY_TARIFF] > 0
