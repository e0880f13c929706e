from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from cem_service.domain.forecasts import ForecastSource
from cem_service.planners.building import plan_site
from cem_service.planners.plan import STEPS, SitePlan
from tests.support.resources import (
    NOON,
    actuator,
    battery,
    dishwasher,
    element,
    ev_charger,
    heat_pump,
    link_id,
    mode,
    read_store,
    solar,
    store_messages,
)
from tests.support.sites import EVENING_PEAK, site_with

HOME = (
    battery(),
    ev_charger(departure=NOON + timedelta(hours=19)),
    heat_pump(),
    dishwasher(),
    solar(5000.0),
)


def test_plans_a_home_within_its_fuse() -> None:
    site = site_with(*HOME, meter_w=-4500.0, fuse_limit_w=9000.0, tariff=EVENING_PEAK)

    plan = plan_site(site)

    assert set(plan.devices) == {one.link_id for one in HOME}
    assert plan.net_w.max() <= 9000.0
    assert all(device.reason for device in plan.devices.values())


def test_travels_as_small_plain_json() -> None:
    plan = plan_site(site_with(*HOME, meter_w=-4500.0, tariff=EVENING_PEAK))

    text = json.dumps(plan.as_dict())
    back = SitePlan.from_dict(json.loads(text))

    assert len(text) < 30_000
    assert back.as_dict() == plan.as_dict()
    values, moment = plan.devices[link_id("Home battery")].values, NOON + timedelta(minutes=20)
    restored = back.devices[link_id("Home battery")].values
    assert values is not None
    assert restored is not None
    assert restored.worth_per_unit(moment, 5.1) == pytest.approx(values.worth_per_unit(moment, 5.1), abs=1e-3)


def test_names_what_is_missing() -> None:
    description = actuator((mode("m1", element((0, 10), (0, 0), (0, 0))),))
    silent = read_store("Silent", store_messages(description, levels=(0, 10), level=None, active=[]))

    notes = " ".join(plan_site(site_with(silent, meter_w=None)).notes)

    assert "Silent is left out: no storage status yet" in notes
    assert "no recent reading of the main meter" in notes


def test_names_a_fuse_that_cannot_be_kept() -> None:
    plan = plan_site(site_with(meter_w=6000.0, fuse_limit_w=5000.0))

    assert any("the fuse allows 5,000 W" in note for note in plan.notes)


def test_an_empty_site_has_an_empty_plan() -> None:
    plan = plan_site(site_with(meter_w=None))

    assert plan.devices == {}
    assert plan.net_w.tolist() == [0.0] * STEPS


def test_uses_history_for_the_base_load() -> None:
    history = {NOON - timedelta(days=1) + index * timedelta(minutes=15): 100.0 + index for index in range(96)}
    site = replace(site_with(meter_w=5000.0), base_history=history)

    assert plan_site(site).base_w == pytest.approx(100.0 + np.arange(96))


def test_tells_what_it_stands_on() -> None:
    """The base load and the panels; what the others draw is planned."""
    forecasts = plan_site(site_with(*HOME, meter_w=-4500.0)).forecasts

    panels = HOME[-1].link_id
    assert {link: one.source for link, one in forecasts.items()} == {
        None: ForecastSource.PRESENT,
        panels: ForecastSource.DAYLIGHT,
    }
    assert forecasts[panels].power_w.min() < 0.0
