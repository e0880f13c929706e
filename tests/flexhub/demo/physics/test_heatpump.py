"""The heat pump: a warm buffer by its thermostat, and inside its band whatever is ordered."""

from datetime import date

import pytest

from flexhub.demo.physics.cell import Cell
from flexhub.demo.physics.heatpump import (
    COMFORT_HIGH_C,
    COMFORT_LOW_C,
    MINIMUM_RUN_S,
    HeatPump,
    cop,
    draws,
    heating_w,
    hot_water_w,
)

DAY_S = 86_400


def heat_pump(*, controlled: bool = False, **changes: float) -> HeatPump:
    made = HeatPump(electric_w=2500, litres=500, heat_loss_w_per_k=180, controlled=controlled)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def cell(start_s: float, demand_w: float = 1500) -> Cell:
    return Cell(start_s, hour=0, minute_of_day=0, outdoor_c=9, load_w=0, pv_available_w=0, heat_demand_w=demand_w)


def live(device: HeatPump, seconds: float, *, start_s: float = 10_000.0, demand_w: float = 1500) -> None:
    for step in range(round(seconds / 5)):
        now = cell(start_s + 5 * step, demand_w)
        device.begin(now)
        device.step(now, 5.0)


def test_energy_balance_of_the_buffer() -> None:
    device = heat_pump(running=True, temperature_c=48.0, leakage_w_per_k=0.0)

    device.step(cell(0, demand_w=1000), 5.0)

    stored_wh = (device.temperature_c - 48.0) * device.wh_per_k
    assert stored_wh == pytest.approx((2500 * cop(48.0, 9) - 1000) * 5 / 3600)


def test_the_thermostat_keeps_the_band_and_switches_seldom() -> None:
    device = heat_pump()

    live(device, DAY_S)

    assert device.discomfort_s == 0
    assert 4 <= device.switches <= 30


@pytest.mark.parametrize("stuck_on", [True, False])
def test_the_guard_keeps_the_band_whatever_was_ordered(stuck_on: bool) -> None:
    device = heat_pump(controlled=True, running=stuck_on)

    live(device, DAY_S)

    assert device.discomfort_s == 0
    assert COMFORT_LOW_C <= device.temperature_c <= COMFORT_HIGH_C


def test_the_compressor_is_locked_after_a_switch() -> None:
    device = heat_pump(controlled=True)

    device.switch(True, 1.0, at_s=1000)

    assert device.locked(1000 + MINIMUM_RUN_S - 1)
    assert not device.locked(1000 + MINIMUM_RUN_S)
    assert device.switches == 1


def test_only_what_may_be_switched_off_is_flexible() -> None:
    device = heat_pump(controlled=True, lowest_share=0.4)
    device.switch(True, 1.0, at_s=1000)

    assert device.minimum_w(cell(1100), 5.0) == 1000
    assert device.minimum_w(cell(2000), 5.0) == 0


def test_more_electricity_is_needed_for_hotter_water_and_colder_air() -> None:
    assert cop(45, 9) > cop(55, 9) > cop(55, -5)
    assert 2.5 < cop(48, 9) < 5


def test_demand_follows_cold_and_taps() -> None:
    day = date(2026, 4, 21)
    start, end = draws(1, day)[0]

    assert heating_w(180, 17) == 0
    assert heating_w(180, 7) == 1800
    assert hot_water_w(1, day, (start + end) / 2) > 0
    assert hot_water_w(1, day, 180) == 0
