"""What comes from outside."""

from zoneinfo import ZoneInfo

from flexhub.demo.physics.load import Load
from flexhub.demo.physics.pv import PV
from flexhub.demo.physics.weather import Plane, Weather
from flexhub.demo.surroundings import HomeSurroundings
from tests.support.demo_home import MORNING

NOW_S = MORNING.timestamp()


def surroundings(*, heat_loss_w_per_k: float | None = 180.0) -> HomeSurroundings:
    return HomeSurroundings(
        seed=1,
        zone=ZoneInfo("Europe/Amsterdam"),
        weather=Weather(1),
        load=Load(1),
        pv=PV(5000, Plane(35, 0)),
        heat_loss_w_per_k=heat_loss_w_per_k,
    )


def test_cells_are_a_function_of_time() -> None:
    assert surroundings().cell(NOW_S) == surroundings().cell(NOW_S)


def test_cells_speak_local_time() -> None:
    cell = surroundings().cell(NOW_S)

    assert (cell.hour, cell.minute_of_day) == (10, 630)


def test_a_home_without_heat_pump_demands_no_heat() -> None:
    assert surroundings(heat_loss_w_per_k=None).cell(NOW_S).heat_demand_w == 0


def test_the_expected_demand_is_right_on_average() -> None:
    outside = surroundings()
    hours = [NOW_S + 3600 * hour for hour in range(24)]

    expected = sum(outside.expected_heat_demand_w(at_s + 1800) for at_s in hours)
    real = sum(outside.cell(NOW_S + 60 * minute).heat_demand_w for minute in range(1440)) / 60

    assert 0.8 < expected / real < 1.2
