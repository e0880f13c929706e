from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cem_service.planners.site_cost import SiteCost
from cem_service.planners.terms import EUR_PER_UNIT, Stage

POWERS = st.lists(st.floats(-9e3, 9e3), min_size=3, max_size=3).map(np.array)
PRICES = st.lists(st.floats(-0.5, 0.9), min_size=3, max_size=3).map(np.array)


@settings(max_examples=50, deadline=None)
@given(buy=PRICES, sell=PRICES, others=POWERS, first=POWERS, second=POWERS)
def test_a_device_sees_what_the_site_pays(
    buy: np.ndarray, sell: np.ndarray, others: np.ndarray, first: np.ndarray, second: np.ndarray
) -> None:
    site = SiteCost.within(buy, sell, 6000.0, 4000.0)

    seen = site.seen_by(others)

    assert seen.eur(first, 900.0) == pytest.approx(site.eur(others + first, 900.0), rel=1e-12, abs=1e-7)
    beside = seen.beside(second)
    assert beside.eur(first, 900.0) == pytest.approx(site.eur(others + first + second, 900.0), rel=1e-12, abs=1e-7)


def test_says_what_a_watt_more_costs() -> None:
    site = SiteCost.within(np.full(4, 0.3), np.full(4, 0.1), 6000.0, 4000.0)

    over = EUR_PER_UNIT[Stage.FUSE]
    seen = site.seen_by(np.array([-5000.0, -1000.0, 1000.0, 7000.0]))

    assert seen.marginal_eur_per_kwh(np.zeros(4)).tolist() == pytest.approx([0.1 - over, 0.1, 0.3, 0.3 + over])
    assert seen.is_convex
    assert not SiteCost.within(np.full(1, 0.1), np.full(1, 0.3), 1.0, 1.0).seen_by(np.zeros(1)).is_convex
