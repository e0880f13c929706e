"""The heat pump: a warm buffer by its thermostat, and inside its band whatever is ordered."""

from datetime import date

import pytest

from flexhub.demo.physics.cell import Cell
from flexhub.demo.physics.heatpump import (
    COLDEST_OUTDOOR_C,
    COMFORT_HIGH_C,
    COMFORT_LOW_C,
    DRAW_W,
    LONGEST_DRAW_S,
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


@pytest.mark.parametrize("electric_w", [2200, 3600])
@pytest.mark.parametrize("just_stopped", [True, False])
def test_a_tap_that_is_open_for_long_at_the_worst_moment_keeps_the_band(electric_w: float, just_stopped: bool) -> None:
    device = HeatPump(electric_w, litres=0.2 * electric_w, heat_loss_w_per_k=0.075 * electric_w, controlled=True)
    device.temperature_c = device.lowest_stop_c if just_stopped else device.guard_on_c + 0.01
    device.stopped_s = 10_000.0 if just_stopped else 0.0

    live(device, LONGEST_DRAW_S, demand_w=DRAW_W + heating_w(device.heat_loss_w_per_k, COLDEST_OUTDOOR_C))

    assert device.discomfort_s == 0
    assert device.temperature_c < COMFORT_LOW_C + 1.0, "no more is held back than that takes"


def test_left_alone_while_it_modulates_it_heats_with_all_it_has() -> None:
    device = heat_pump(lowest_share=0.3, temperature_c=44.5)
    device.switch(on=True, share=0.3, at_s=9_000)

    live(device, 3600, demand_w=4000)

    assert device.temperature_c > 45
    assert device.switches == 1


def test_a_buffer_at_its_bottom_is_heated_with_all_there_is_though_the_compressor_has_just_started() -> None:
    device = heat_pump(controlled=True, lowest_share=0.3, temperature_c=43.1)
    device.switch(on=True, share=0.3, at_s=10_000)

    live(device, 5)

    assert device.share == 1.0
    assert device.minimum_w(cell(10_010), 5.0) == 2500, "none of it can be avoided"


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
