"""The sun of the demo: bright by day, dark at night, the same for everybody who has the seed."""

from flexhub.demo.physics.weather import Plane, Weather, clear_sky, outdoor_c

HOUR_S = 3600.0
NOON_S = 11.5 * HOUR_S
SOUTH = Plane(tilt_deg=35, azimuth_deg=0)


def test_is_dark_at_midnight_and_bright_at_noon() -> None:
    weather = Weather(seed=1)

    assert weather.irradiance(SOUTH, 23.5 * HOUR_S) == 0
    assert clear_sky(SOUTH, NOON_S) > 800


def test_clouds_take_light_away_and_never_add_more_than_they_scatter() -> None:
    weather = Weather(seed=1)
    minutes = [NOON_S + 60 * minute for minute in range(24 * 60)]

    clearness = [weather.clearness(at_s) for at_s in minutes]

    assert min(clearness) < 0.7
    assert max(clearness) == 1
    assert sum(clearness) / len(clearness) > 0.8


def test_the_same_seed_is_the_same_sky() -> None:
    assert Weather(4).clearness(NOON_S + 500) == Weather(4).clearness(NOON_S + 500)
    assert any(Weather(4).clearness(720.0 * n) != Weather(5).clearness(720.0 * n) for n in range(50))


def test_a_west_roof_peaks_later_than_an_east_roof() -> None:
    east, west = Plane(35, -60), Plane(35, 60)

    assert clear_sky(east, NOON_S - 3 * HOUR_S) > clear_sky(west, NOON_S - 3 * HOUR_S)
    assert clear_sky(west, NOON_S + 3 * HOUR_S) > clear_sky(east, NOON_S + 3 * HOUR_S)


def test_temperature_stays_between_four_and_fourteen_degrees() -> None:
    temperatures = [outdoor_c(minute) for minute in range(24 * 60)]

    assert min(temperatures) == 4
    assert max(temperatures) == 14
