"""The solar roof."""

from dataclasses import replace

from flexhub.demo.physics.cell import Cell
from flexhub.demo.physics.pv import PV
from flexhub.demo.physics.weather import Plane, Weather

NOON_S = 11.5 * 3600.0
CELL = Cell(NOON_S, hour=13, minute_of_day=810, outdoor_c=12, load_w=0, pv_available_w=3000, heat_demand_w=0)


def roof() -> PV:
    return PV(peak_w=5000, plane=Plane(35, 0))


def test_production_is_negative_power() -> None:
    assert roof().power_w(CELL, 5.0) == -3000


def test_a_limit_holds_only_under_control() -> None:
    plant = roof()
    plant.lower_limit_w = -1000

    assert plant.power_w(CELL, 5.0) == -3000
    plant.controlled = True
    assert plant.power_w(CELL, 5.0) == -1000
    assert plant.minimum_w(CELL, 5.0) == -3000


def test_a_limit_above_what_the_sun_offers_changes_nothing() -> None:
    plant = roof()
    plant.controlled, plant.lower_limit_w = True, -4000

    assert plant.power_w(replace(CELL, pv_available_w=500), 5.0) == -500


def test_the_forecast_is_near_the_truth_but_knows_no_clouds() -> None:
    plant, weather = roof(), Weather(seed=2)
    moments = [NOON_S + 60.0 * minute for minute in range(-120, 120)]

    real = [plant.available_w(weather, at_s) for at_s in moments]
    forecast = [plant.forecast_w(at_s) for at_s in moments]

    assert all(0 < each <= 5000 for each in real)
    assert 0.75 < sum(real) / sum(forecast) < 1.15
    assert real != forecast
