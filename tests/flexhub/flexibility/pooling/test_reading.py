from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from cem_service.domain.frbc import FRBCResource
from cem_service.domain.series import Array
from cem_service.planners.building import plan_site
from cem_service.planners.horizon import Horizon
from flexhub.flexibility.pooling.planned import Alignment
from flexhub.flexibility.pooling.reading import read_store
from flexhub.flexibility.pooling.stores import StoreRow, Stores, room
from tests.support.resources import NOON, battery, ev_charger, heat_pump
from tests.support.sites import site_with

HORIZON = Horizon.at(NOON)
SEVEN_HOURS = timedelta(hours=7)


def _planned(resource: FRBCResource) -> StoreRow:
    plan = plan_site(site_with(resource))
    row = read_store(resource, plan.devices[resource.link_id], Alignment.of(plan, HORIZON), HORIZON)
    assert row is not None
    return row


def _held(resource: FRBCResource) -> StoreRow:
    row = read_store(resource, None, None, HORIZON)
    assert row is not None
    return row


def _room(row: StoreRow) -> tuple[Array, Array]:
    up, down = room(Stores.of([row]), HORIZON.durations_s)
    return up[0], down[0]


def test_follows_the_plan() -> None:
    resource = ev_charger(departure=NOON + SEVEN_HOURS)
    plan = plan_site(site_with(resource)).devices[resource.link_id]

    row = _planned(resource)

    assert plan.levels is not None
    assert np.array_equal(row.planned_w, plan.power_w)
    assert np.array_equal(row.level, [30.0, *plan.levels])


def test_a_car_offers_nothing_after_it_has_left() -> None:
    """Its target profile ends an hour after the departure, at quarter hour 32."""
    up, down = _room(_planned(ev_charger(departure=NOON + SEVEN_HOURS)))

    assert up[:32].any()
    assert down[:32].any()
    assert not up[32:].any()
    assert not down[32:].any()


def test_a_car_without_a_target_is_not_known_to_leave() -> None:
    up, _ = _room(_held(ev_charger()))

    assert up == pytest.approx(np.full(96, 7400.0))


def test_a_heat_pump_keeps_its_reserve() -> None:
    """5 % of the range from 40 to 60 degrees are kept; a quarter hour off costs 0.765 degrees of them."""
    row = _planned(heat_pump())

    assert (row.lower == 41.0).all()
    assert row.drain == pytest.approx(np.full(96, 0.00085))


def test_holds_the_present_power_until_the_store_is_full() -> None:
    """5 kWh of room at 95 % take 2 kW for 2 h 38 min."""
    row = _held(battery(active=("charge", 0.4), power_w=2000.0))

    assert row.planned_w[:10] == pytest.approx(np.full(10, 2000.0))
    assert 0 < row.planned_w[10] < 2000.0
    assert row.planned_w[11:] == pytest.approx(np.zeros(85))
    assert row.level[-1] == pytest.approx(10.0)
    assert row.planned_w.sum() * 900 / 3.6e6 * 0.95 == pytest.approx(5.0)


def test_holds_a_discharge_until_the_store_is_empty() -> None:
    row = _held(battery(active=("discharge", 0.2), power_w=-1000.0))

    assert row.planned_w[0] == pytest.approx(-1000.0)
    assert row.planned_w[-1] == pytest.approx(0.0)
    assert row.level[-1] == pytest.approx(0.0)


def test_says_nothing_of_a_store_that_is_not_ready() -> None:
    assert read_store(replace(battery(), not_ready="no storage status yet"), None, None, HORIZON) is None


def test_says_nothing_where_no_mode_suits_the_level() -> None:
    resource = battery(level=11.0)

    assert read_store(resource, None, None, HORIZON) is None
