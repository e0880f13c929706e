"""What a plan says that its resources do, and for how much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from cem_service.domain.reason import Figure, ReasonCode
from cem_service.planners.building import plan_site
from cem_service.planners.plan import STEP
from tests.support.resources import NOON, battery, link_id, solar, solar_forecast
from tests.support.sites import FLAT, site_with


def _energy_of_the_battery(level: float, sun_w: float, load_w: float) -> Mapping[str, Figure]:
    """What it takes and gives at 0.30 for buying and 0.05 for feeding in, with six hours of sun."""
    panels = solar(sun_w, forecast=solar_forecast([sun_w] * 24 + [0.0] * 72, NOON))
    site = site_with(panels, battery(level=level), meter_w=load_w - sun_w, tariff=FLAT)
    load = {NOON - timedelta(days=1) + step * STEP: load_w for step in range(96)}
    plan = plan_site(replace(site, base_history=load))
    deed = plan.devices[link_id("Home battery")].reasons[0]
    assert deed.code is ReasonCode.ENERGY
    return deed.figures


def test_what_saves_buying_counts_what_buying_costs() -> None:
    figures = _energy_of_the_battery(level=9.0, sun_w=0.0, load_w=300.0)

    assert figures["gives_eur_per_kwh"] == pytest.approx(0.30)
    assert "takes_kwh" not in figures


def test_a_surplus_costs_what_feeding_it_in_would_have_earned() -> None:
    figures = _energy_of_the_battery(level=1.0, sun_w=1500.0, load_w=500.0)

    assert figures["takes_eur_per_kwh"] == pytest.approx(0.05)
    assert figures["gives_eur_per_kwh"] == pytest.approx(0.30)
