from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from cem_service.domain.tariff import Tariff
from cem_service.planners.horizon import Horizon
from cem_service.planners.site_cost import SiteCost, usable_limits_w
from tests.support.resources import NOON
from tests.support.sites import site_with


def test_prices_both_directions_and_punishes_what_is_over_a_limit() -> None:
    cost = SiteCost.within(np.full(4, 0.3), np.full(4, 0.1), 2000.0, 1000.0)

    eur = cost.eur(np.array([1000.0, -500.0, 3000.0, -2000.0]), 3600.0)

    assert eur.tolist() == pytest.approx([0.3, -0.05, 0.9 + 50.0, -0.2 + 50.0])


def test_what_can_be_curtailed_is_lost_beyond_the_export_limit_and_never_sold_at_a_loss() -> None:
    horizon = Horizon(NOON, steps=1)
    site = site_with(tariff=Tariff.flat(0.3, -0.1), export_limit_w=1000.0)

    at_a_loss = SiteCost.of(site, horizon, curtailable=True)
    at_a_gain = SiteCost.within(np.array([0.3]), np.array([0.1]), 2000.0, 1000.0, curtailable=True)

    assert float(at_a_loss.eur(np.array([-5000.0]), 3600.0)[0]) == 0.0
    assert float(at_a_gain.eur(np.array([-5000.0]), 3600.0)[0]) == pytest.approx(-0.1)


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


def test_the_first_step_of_a_horizon_begins_now() -> None:
    horizon = Horizon.at(NOON + timedelta(minutes=10))

    assert horizon.durations_s[:2].tolist() == [300.0, 900.0]
    assert horizon.start == NOON
    assert Horizon.at(NOON + timedelta(minutes=14, seconds=59.9)).durations_s[0] == 1.0
