from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from cem_service.planners.horizon import Horizon
from flexhub.flexibility.pooling.modes import Points, points_of
from tests.support.resources import (
    NOON,
    actuator,
    battery,
    element,
    ev_charger,
    heat_pump,
    mode,
    read_store,
    store_messages,
    transition,
)

HORIZON = Horizon.at(NOON)
LEVELS = np.full(HORIZON.steps, 5.0)


def _points(resource: object, level: float) -> Points:
    points = points_of(getattr(resource, "actuators"), np.full(HORIZON.steps, level), HORIZON.edges)  # noqa: B009
    assert points is not None
    return points


def test_a_battery_gives_rests_and_takes() -> None:
    points = _points(battery(), 5.0)

    assert (points.bottom_w == -5000).all()
    assert (points.rest_w == 0).all()
    assert (points.top_w == 5000).all()
    assert points.top_rate[0] == pytest.approx(5000 * 0.95 / 3.6e6)
    assert points.bottom_rate[0] == pytest.approx(-5000 / 0.95 / 3.6e6)


def test_a_charger_rests_although_its_mode_starts_above_zero() -> None:
    points = _points(ev_charger(), 30.0)

    assert (points.bottom_w == 0).all()
    assert (points.top_w == 7400).all()


def test_a_timer_keeps_the_pump_off_for_its_share_of_the_quarter() -> None:
    points = _points(heat_pump(min_off_until=NOON + timedelta(minutes=20)), 50.0)

    assert points.top_w[0] == 0.0
    assert points.top_w[1] == pytest.approx(2000 * 2 / 3)
    assert points.top_rate[1] == pytest.approx(0.002 * 2 / 3)
    assert (points.top_w[2:] == 2000).all()


def test_a_timer_that_has_run_out_blocks_nothing() -> None:
    points = _points(heat_pump(min_off_until=NOON - timedelta(minutes=1)), 50.0)

    assert (points.top_w == 2000).all()


def test_a_mode_that_no_transition_leads_to_does_not_count() -> None:
    modes = (
        mode("off", element((0, 10), (0, 0), (0, 0))),
        mode("on", element((0, 10), (0.001, 0.001), (1000, 1000))),
        mode("boost", element((0, 10), (0.002, 0.002), (3000, 3000))),
    )
    description = actuator(modes, [transition("off", "on"), transition("on", "off"), transition("boost", "on")])
    resource = read_store(
        "Boiler", store_messages(description, levels=(0, 10), level=5, active=[("actuator", "off", 0.0)])
    )

    assert (_points(resource, 5.0).top_w == 1000).all()


def test_a_mode_for_abnormal_conditions_does_not_count() -> None:
    modes = (
        mode("off", element((0, 10), (0, 0), (0, 0))),
        mode("boost", element((0, 10), (0.002, 0.002), (3000, 3000)), abnormal=True),
    )
    resource = read_store(
        "Boiler", store_messages(actuator(modes), levels=(0, 10), level=5, active=[("actuator", "off", 0.0)])
    )

    assert (_points(resource, 5.0).top_w == 0).all()


def test_each_band_of_levels_has_its_own_powers() -> None:
    modes = (
        mode("off", element((0, 10), (0, 0), (0, 0))),
        mode("charge", element((0, 8), (0, 0.002), (0, 4000)), element((8, 10), (0, 0.001), (0, 2000))),
    )
    resource = read_store(
        "Battery", store_messages(actuator(modes), levels=(0, 10), level=5, active=[("actuator", "off", 0.0)])
    )
    levels = np.where(np.arange(HORIZON.steps) < 10, 5.0, 8.0)

    points = points_of(resource.actuators, levels, HORIZON.edges)

    assert points is not None
    assert (points.top_w[:10] == 4000).all()
    assert (points.top_w[10:] == 2000).all()


def test_says_nothing_where_no_mode_suits_the_level() -> None:
    modes = (mode("off", element((0, 4), (0, 0), (0, 0))),)
    resource = read_store(
        "Battery", store_messages(actuator(modes), levels=(0, 10), level=5, active=[("actuator", "off", 0.0)])
    )

    assert points_of(resource.actuators, LEVELS, HORIZON.edges) is None


def test_two_actuators_add_up() -> None:
    pump = [mode("off", element((0, 10), (0, 0), (0, 0))), mode("on", element((0, 10), (0.001, 0.001), (1000, 1000)))]
    rod = [mode("cold", element((0, 10), (0, 0), (0, 0))), mode("hot", element((0, 10), (0.001, 0.001), (3000, 3000)))]
    resource = read_store(
        "Buffer",
        store_messages(
            actuator(pump, actuator_id="pump"),
            actuator(rod, actuator_id="rod"),
            levels=(0, 10),
            level=5,
            active=[("pump", "off", 0.0), ("rod", "cold", 0.0)],
        ),
    )

    points = _points(resource, 5.0)

    assert (points.top_w == 4000).all()
    assert (points.top_rate == 0.002).all()
