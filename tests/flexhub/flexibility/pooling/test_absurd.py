"""Descriptions that are legal and describe nothing that exists: the pool still gets finite figures."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cem_service.planners.horizon import Horizon
from flexhub.flexibility.pooling.site import outlook, pool
from tests.support.resources import NOON, actuator, element, measurement, mode, read_store, store_messages
from tests.support.sites import site_with

HORIZON = Horizon.at(NOON)
numbers = st.sampled_from((0.0, 1e-308, 1.0, 1e9, 1e308, -1e308))
pairs = st.tuples(numbers, numbers)


@given(bands=pairs, rates=pairs, powers=pairs, levels=pairs, level=numbers, measured_w=numbers)
def test_any_legal_store_gives_finite_figures(
    bands: tuple[float, float],
    rates: tuple[float, float],
    powers: tuple[float, float],
    levels: tuple[float, float],
    level: float,
    measured_w: float,
) -> None:
    modes = (mode("off", element((0, 10), (0, 0), (0, 0))), mode("odd", element(bands, rates, powers)))
    messages = store_messages(actuator(modes), levels=levels, level=level, active=[("actuator", "odd", 1.0)])
    resource = read_store("Odd", [*messages, measurement(measured_w, NOON)])

    offer = pool([outlook(site_with(resource, meter_w=0.0), None, HORIZON)], HORIZON)

    assert np.isfinite(offer.baseline_w).all()
    assert np.isfinite(offer.up_w).all()
    assert np.isfinite(offer.down_w).all()
    assert (offer.up_w >= 0).all()
    assert (offer.down_w >= 0).all()
