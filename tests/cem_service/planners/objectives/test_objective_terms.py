"""Each objective alone: what it counts, in which steps, and what it leaves free."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from cem_service.domain.decision import Objective
from cem_service.domain.objectives import (
    KIND_OF,
    Bandwidth,
    CapacityTariff,
    Carbon,
    GridLimit,
    Objectives,
    SteerableLimit,
    TargetBand,
)
from cem_service.planners.horizon import Horizon
from cem_service.planners.site_cost import SiteCost
from tests.support.resources import NOON
from tests.support.sites import site_with

HOUR = timedelta(hours=1)
HORIZON = Horizon(NOON, steps=8)
STEADY_W = np.full(8, 3000.0)  # 6 kWh over the two hours


def cost_of(objectives: Objectives, household_w: np.ndarray | None = None) -> SiteCost:
    site = replace(site_with(), objectives=objectives)
    return SiteCost.of(site, HORIZON, household_w=household_w)


def counted(objectives: Objectives, net_w: np.ndarray = STEADY_W) -> dict[Objective, float]:
    """What is counted beside the price of energy."""
    by_objective = cost_of(objectives).by_objective(net_w, HORIZON.durations_s)
    return {objective: amount for objective, amount in by_objective.items() if objective is not Objective.PRICE}


@pytest.mark.parametrize(
    ("objectives", "expected"),
    [
        (Objectives(), {}),
        (Objectives(bandwidth=Bandwidth(2000.0, 0.2)), {Objective.BANDWIDTH: 0.4}),
        (Objectives(carbon=Carbon(0.1, g_per_kwh=500.0)), {Objective.CARBON: 0.3}),
        # Charged once for the highest quarter hour, not for each.
        (Objectives(capacity_tariff=CapacityTariff(4.0, peak_so_far_w=2500.0)), {Objective.CAPACITY_TARIFF: 2.0}),
        (Objectives(capacity_tariff=CapacityTariff(4.0, peak_so_far_w=3500.0)), {}),
        # From 12:10 to 12:40 is a part of three quarter hours; a tenth of the limit is kept free.
        (
            Objectives(
                grid_limits=(
                    GridLimit(
                        source="grid",
                        import_w=1000.0,
                        start=NOON + timedelta(minutes=10),
                        end=NOON + timedelta(minutes=40),
                    ),
                )
            ),
            {Objective.GRID_LIMIT: 2.1 * 0.75},
        ),
        (
            Objectives(
                targets=(
                    TargetBand(source="A", upper_w=-1000.0, eur_per_kwh=0.5, start=NOON + HOUR, end=NOON + 9 * HOUR),
                )
            ),
            {Objective.ACTIVATION: 2.0},
        ),
    ],
)
def test_counts_what_is_beyond(objectives: Objectives, expected: dict[Objective, float]) -> None:
    assert counted(objectives) == pytest.approx(expected)


def test_own_power_counts_where_it_is_fed_in() -> None:
    green = Objectives(self_consumption_eur_per_kwh=0.1)

    assert counted(green) == {}
    assert counted(green, -STEADY_W) == pytest.approx({Objective.SELF_CONSUMPTION: 0.6})


def test_the_lowest_of_several_limits_counts() -> None:
    limits = (GridLimit(source="day", import_w=2000.0), GridLimit(source="hour", import_w=1000.0, end=NOON + HOUR))

    term = next(one for one in cost_of(Objectives(grid_limits=limits)).terms if one.objective is Objective.GRID_LIMIT)

    assert term.at_w == pytest.approx([900.0] * 4 + [1800.0] * 4)
    assert term.source == "day, hour"


def test_a_limit_on_what_is_steered_leaves_the_household_and_the_sun_free() -> None:
    limit = SteerableLimit(source="section 14a", import_w=4200.0)
    household_w, sun_w = np.full(8, 2000.0), -5000.0
    cost = cost_of(Objectives(steerable_limits=(limit,)), household_w)

    within = cost.by_objective(household_w + 4200.0, HORIZON.durations_s)
    with_sun = cost.by_objective(household_w + sun_w + 9200.0, HORIZON.durations_s)
    beyond = cost.by_objective(household_w + 5200.0, HORIZON.durations_s)

    assert Objective.STEERABLE_LIMIT not in within
    assert Objective.STEERABLE_LIMIT not in with_sun
    assert beyond[Objective.STEERABLE_LIMIT] == pytest.approx(2.0)


def test_every_objective_of_a_site_is_of_one_of_the_four_kinds() -> None:
    without_kind = {Objective.TARGET, Objective.START_TIME, Objective.TAKE_CONTROL}  # These are about one resource.

    assert set(Objective) == set(KIND_OF) | without_kind
