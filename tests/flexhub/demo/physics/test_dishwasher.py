"""The dishwasher: filled at its hour, done by its deadline."""

import pytest

from flexhub.demo.physics.cell import Cell
from flexhub.demo.physics.dishwasher import DRY, WASH, WASH_SHORT, Dishwasher

START_S = 1_000_000.0
WASH_S = 2700.0


def cell(start_s: float) -> Cell:
    minute = (start_s - START_S) / 60 + 600
    return Cell(
        start_s, int(minute // 60) % 24, minute % 1440, outdoor_c=9, load_w=0, pv_available_w=0, heat_demand_w=0
    )


def machine(**changes: object) -> Dishwasher:
    made = Dishwasher(parts=(WASH,), ready_min=1170, window_s=36_000, first_window_s=4500)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def live(device: Dishwasher, seconds: float, start_s: float = START_S) -> float:
    """Energy in Wh."""
    total_wh = 0.0
    for step in range(round(seconds / 5)):
        now = cell(start_s + 5 * step)
        device.begin(now)
        total_wh += device.step(now, 5.0) * 5 / 3600
    return total_wh


PROGRAM_WH = sum(seconds * power_w for seconds, power_w in WASH) / 3600


def test_left_alone_it_starts_when_it_is_filled() -> None:
    device = machine()

    energy_wh = live(device, WASH_S)

    assert device.starts_s == [START_S]
    assert energy_wh == pytest.approx(PROGRAM_WH)


def test_a_patient_machine_waits_for_somebody_to_take_control() -> None:
    device = machine(patience_s=600.0)

    live(device, 1200)

    assert device.starts_s == [START_S + 600]


def test_under_control_it_starts_when_told_even_between_ticks() -> None:
    device = machine(controlled=True)
    live(device, 60)
    device.starts_s[0] = START_S + 123.4

    energy_wh = live(device, 4400, START_S + 60)

    assert energy_wh == pytest.approx(PROGRAM_WH)
    assert not device.filled


def test_under_control_without_an_order_it_is_still_done_in_time() -> None:
    device = machine(controlled=True)

    live(device, 4600)

    assert device.starts_s == [START_S + 4500 - WASH_S]
    assert device.late_s == 0
    assert not device.filled


def test_parts_run_in_order_and_the_pause_between_is_bounded() -> None:
    device = machine(parts=(WASH_SHORT, DRY), controlled=True, max_pause_s=300.0)
    live(device, 10)
    device.starts_s[0] = START_S + 10

    live(device, 3600, START_S + 10)

    assert device.starts_s[1] == START_S + 10 + device.duration_s(0) + 300


def test_it_is_filled_once_a_day() -> None:
    device = machine(first_window_s=None)

    live(device, 2 * 86_400)

    assert device.run == 2
