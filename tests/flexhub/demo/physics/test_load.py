"""The household's own consumption."""

from datetime import date

from flexhub.demo.physics.load import Load, schedule

DAY = date(2026, 4, 21)


def test_the_schedule_of_a_day_is_a_function_of_seed_and_date() -> None:
    assert schedule(1, DAY) == schedule(1, DAY)
    assert schedule(1, DAY) != schedule(2, DAY)
    assert schedule(1, DAY) != schedule(1, date(2026, 4, 22))


def test_nothing_lasts_past_midnight() -> None:
    for seed in range(50):
        assert all(0 <= run.start < run.end < 24 * 60 for run in schedule(seed, DAY))


def test_an_appliance_adds_its_power_exactly_while_it_runs() -> None:
    load = Load(seed=1)
    run = schedule(1, DAY)[0]

    with_it = load.power_w(0.0, DAY, run.start)
    before = load.power_w(0.0, DAY, run.start - 0.01)

    assert with_it - before == run.power_w


def test_standby_never_stops() -> None:
    load = Load(seed=3, standby_w=150)

    assert min(load.power_w(60.0 * minute, DAY, minute) for minute in range(24 * 60)) >= 150
