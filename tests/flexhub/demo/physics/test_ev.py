"""The car: it comes and goes, and it wants to be full enough when it goes."""

from dataclasses import replace

import pytest

from flexhub.demo.physics.cell import Cell
from flexhub.demo.physics.ev import EV

NOON = Cell(start_s=0, hour=12, minute_of_day=720, outdoor_c=9, load_w=0, pv_available_w=0, heat_demand_w=0)


def car(**changes: float) -> EV:
    made = EV(capacity_wh=50_000, max_w=7360, min_w=1380, departure_min=960, away_min=120, trip_wh=10_000)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def at(minute: float) -> Cell:
    return replace(NOON, minute_of_day=minute % 1440)


def live(device: EV, start_min: float, end_min: float) -> None:
    for second in range(0, round((end_min - start_min) * 60), 60):
        cell = at(start_min + second / 60)
        device.begin(cell)
        device.step(cell, 60.0)


def test_left_alone_it_charges_at_full_power_up_to_its_target() -> None:
    device = car(soc=0.75)

    assert device.step(NOON, 5.0) == 7360
    live(device, 720, 840)

    assert device.soc == pytest.approx(0.8)
    assert device.power_w(NOON, 5.0) == 0


def test_a_setpoint_below_six_amperes_pauses() -> None:
    assert car(controlled=True, setpoint_w=1000).power_w(NOON, 5.0) == 0
    assert car(controlled=True, setpoint_w=1380).power_w(NOON, 5.0) == 1380


def test_it_leaves_at_its_hour_and_comes_back_emptier() -> None:
    device = car(soc=0.8)

    live(device, 950, 970)
    assert not device.plugged
    assert device.power_w(NOON, 5.0) == 0
    live(device, 970, 1081)

    assert device.plugged
    assert device.departures == 1
    assert device.missed_departures == 0
    assert device.soc == pytest.approx(0.6, abs=0.01)


def test_a_departure_without_the_target_is_a_violation() -> None:
    device = car(soc=0.5, controlled=True)
    device.departure_min, device.away_min = 721, 120

    device.begin(at(722))

    assert device.missed_departures == 1
    assert device.missed_wh == pytest.approx(15_000)


def test_the_guard_charges_in_time_whatever_was_ordered() -> None:
    device = car(soc=0.5, controlled=True, setpoint_w=0.0)

    live(device, 720, 965)

    assert device.departures == 1
    assert device.missed_departures == 0


def test_what_the_guard_needs_is_no_flexibility() -> None:
    device = car(soc=0.4, controlled=True, setpoint_w=7360)

    assert device.minimum_w(NOON, 5.0) == 0
    assert device.minimum_w(at(900), 5.0) == 7360
