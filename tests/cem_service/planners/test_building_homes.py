"""Whole homes from seeds, judged by their powers alone."""

from __future__ import annotations

import pytest

from cem_service.planners.building import plan_site, problem_of
from tests.support.reference.building_cost import judged, without_flexibility
from tests.support.scenarios.building import building


@pytest.mark.parametrize("seed", range(4))
def test_saves_money_and_keeps_every_hard_limit(seed: int) -> None:
    home = building(seed)
    problem = problem_of(home.site)

    plan = plan_site(home.site)

    powers_w = {one.name: plan.devices[one.link_id].power_w for one in problem.resources}
    found, unsteered = judged(home, problem, powers_w), judged(home, problem, without_flexibility(home))
    assert found.keeps_hard_limits
    assert not unsteered.keeps_hard_limits  # The fuse is too small for a home that nobody steers.
    assert found.eur < unsteered.eur - 1.0
