from __future__ import annotations

from datetime import timedelta

import pytest

from cem_service.domain.decision import Objective
from cem_service.domain.objectives import GridLimit, Objectives, SteerableLimit
from cem_service.domain.site import SiteState
from cem_service.domain.tariff import Tariff
from cem_service.planners.limits_now import limits_now
from tests.support.resources import NOON, link_id

HOUR = timedelta(hours=1)


def _site(**objectives: object) -> SiteState:
    return SiteState(
        site_id=link_id("site"),
        now=NOON,
        timezone="UTC",
        fuse_limit_w=10_000.0,
        tariff=Tariff.flat(0.3, 0.1),
        objectives=Objectives(**objectives),  # type: ignore[arg-type] # As each test has them.
    )


def test_without_a_limit_of_the_grid_the_fuse_counts_both_ways() -> None:
    limits = limits_now(_site(), 0.0)

    assert (limits.drawing.objective, limits.drawing.limit_w) == (Objective.FUSE, 10_000.0)
    assert (limits.feeding_in.objective, limits.feeding_in.limit_w) == (Objective.EXPORT_LIMIT, 10_000.0)


def test_the_lowest_of_those_in_force_counts() -> None:
    past = GridLimit(source="a", import_w=1.0, start=NOON - HOUR, end=NOON)
    to_come = GridLimit(source="b", import_w=2.0, start=NOON + HOUR)
    open_ended = GridLimit(source="c", import_w=4000.0, export_w=0.0)
    in_force = GridLimit(source="d", import_w=3000.0, start=NOON, end=NOON + HOUR)

    limits = limits_now(_site(grid_limits=(past, to_come, open_ended, in_force)), 0.0)

    assert (limits.drawing.source, limits.drawing.limit_w) == ("d", 3000.0)
    assert limits.drawing.usable_w < 3000.0
    assert (limits.feeding_in.source, limits.feeding_in.usable_w) == ("c", 0.0)
    assert limits.feeding_in.objective is Objective.GRID_LIMIT


@pytest.mark.parametrize(("base_w", "usable_w"), [(0.0, 4000.0), (1500.0, 5500.0), (-2000.0, 4000.0)])
def test_the_rest_of_the_building_is_not_held_by_a_limit_of_steerable_devices(base_w: float, usable_w: float) -> None:
    limits = limits_now(_site(steerable_limits=(SteerableLimit(source="grid", import_w=4000.0),)), base_w)

    assert limits.drawing.objective is Objective.STEERABLE_LIMIT
    assert limits.drawing.usable_w == pytest.approx(usable_w)


def test_a_limit_above_the_fuse_changes_nothing() -> None:
    assert limits_now(_site(grid_limits=(GridLimit(source="grid", import_w=50_000.0),)), 0.0).drawing.source == ""
