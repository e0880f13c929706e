"""The home battery: energy in, energy out, and its limits."""

import pytest

from flexhub.demo.physics.battery import Battery
from flexhub.demo.physics.cell import Cell

CELL = Cell(start_s=0, hour=0, minute_of_day=0, outdoor_c=9, load_w=0, pv_available_w=0, heat_demand_w=0)


def battery(**changes: float) -> Battery:
    made = Battery(capacity_wh=10_000, max_charge_w=5000, max_discharge_w=4000, controlled=True)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def run(device: Battery, seconds: float) -> float:
    """Energy drawn at the grid side, in Wh."""
    return sum(device.step(CELL, 5.0) * 5.0 / 3600 for _ in range(round(seconds / 5)))


def test_left_alone_it_idles() -> None:
    device = battery(setpoint_w=3000, controlled=False)

    assert run(device, 3600) == 0
    assert device.soc == 0.5


def test_left_alone_it_follows_its_meter_within_its_limits() -> None:
    device = battery(setpoint_w=3000, controlled=False, metered_w=-700)

    assert device.power_w(CELL, 5.0) == device.minimum_w(CELL, 5.0) == -700
    device.metered_w = -9000
    assert device.power_w(CELL, 5.0) == -4000
    device.metered_w = 9000
    assert device.power_w(CELL, 5.0) == 5000


def test_under_control_it_does_not_heed_its_meter() -> None:
    assert battery(setpoint_w=3000, metered_w=-700).power_w(CELL, 5.0) == 3000


def test_charging_stores_what_the_losses_leave() -> None:
    device = battery(setpoint_w=2000)

    drawn_wh = run(device, 3600)

    assert drawn_wh == pytest.approx(2000)
    assert (device.soc - 0.5) * 10_000 == pytest.approx(2000 * 0.95)


def test_a_round_trip_loses_energy_on_both_ways() -> None:
    device = battery(setpoint_w=2000)
    drawn_wh = run(device, 3600)

    device.setpoint_w = -4000
    given_wh = 0.0
    while device.soc > 0.5:
        given_wh -= run(device, 5)

    assert given_wh == pytest.approx(drawn_wh * 0.95**2, rel=0.01)


@pytest.mark.parametrize(("setpoint_w", "end"), [(5000, 1.0), (-4000, 0.0)])
def test_it_stops_exactly_at_full_and_at_empty(setpoint_w: float, end: float) -> None:
    device = battery(setpoint_w=setpoint_w)

    energy_wh = run(device, 4 * 3600)

    assert device.soc == pytest.approx(end, abs=1e-9)
    assert abs(energy_wh) == pytest.approx(5000 / 0.95 if end else 5000 * 0.95)
    assert device.power_w(CELL, 5.0) == pytest.approx(0, abs=1e-3)


def test_orders_beyond_its_power_are_cut() -> None:
    assert battery(setpoint_w=9000).power_w(CELL, 5.0) == 5000
    assert battery(setpoint_w=-9000).power_w(CELL, 5.0) == -4000


def test_it_offers_to_discharge_only_under_control() -> None:
    assert battery().minimum_w(CELL, 5.0) == -4000
    assert battery(controlled=False).minimum_w(CELL, 5.0) == 0
    assert battery(soc=0.0).minimum_w(CELL, 5.0) == 0
