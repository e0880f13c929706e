from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cem_service.domain.objectives import GridLimit, Objectives, SteerableLimit
from cem_service.domain.site import SiteState
from cem_service.planners.limits_now import limits_now
from cem_service.planners.margins import usable_limits_w
from tests.support.resources import NOON
from tests.support.sites import site_with

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("fuse_w", "export_w", "usable"),
    [
        (17_000.0, None, (15_000.0, 15_300.0)),
        (25_000.0, 5000.0, (22_500.0, 4500.0)),
        (4000.0, 9000.0, (3000.0, 3600.0)),
    ],
)
def test_keeps_a_margin_for_the_next_kettle(fuse_w: float, export_w: float | None, usable: tuple[float, float]) -> None:
    assert usable_limits_w(site_with(fuse_limit_w=fuse_w, export_limit_w=export_w)) == pytest.approx(usable)


def test_a_grid_limit_counts_while_it_holds() -> None:
    limits = (
        GridLimit(source="grid", import_w=5000.0, end=NOON + HOUR),
        GridLimit(source="grid", import_w=1000.0, export_w=0.0, start=NOON + HOUR),
    )
    site = replace(site_with(), objectives=Objectives(grid_limits=limits))

    assert _limits_now_w(site, 0.0) == pytest.approx((4500.0, 15_300.0))
    assert _limits_now_w(replace(site, now=NOON + HOUR), 0.0) == pytest.approx((900.0, 0.0))


def test_a_limit_on_what_is_steered_leaves_the_household_free() -> None:
    limit = SteerableLimit(source="section 14a", import_w=4200.0, start=NOON)
    site = replace(site_with(), objectives=Objectives(steerable_limits=(limit,)))

    assert _limits_now_w(site, 700.0)[0] == pytest.approx(4900.0)
    assert _limits_now_w(site, -700.0)[0] == pytest.approx(4200.0)
    assert _limits_now_w(replace(site, now=NOON - HOUR), 700.0)[0] == pytest.approx(15_000.0)


def _limits_now_w(site: SiteState, household_w: float) -> tuple[float, float]:
    limits = limits_now(site, household_w)
    return limits.drawing.usable_w, limits.feeding_in.usable_w
