"""Energy, money, and how long the fuse was overloaded."""

import pytest

from flexhub.demo.accounts import Accounts, Interval, Tariff

TARIFF = Tariff(
    tuple(0.1 + hour / 100 for hour in range(24)), tuple(-0.05 if hour == 12 else 0.08 for hour in range(24))
)


def accounts() -> Accounts:
    return Accounts(TARIFF, fuse_limit_w=8000, export_limit_w=4000)


def interval(
    net_w: float, *, dt_s: float = 5.0, hour: int = 10, pv_w: float = 0.0, reducible_w: float = 0.0
) -> Interval:
    return Interval(dt_s, hour, net_w, pv_w, pv_available_w=pv_w, reducible_w=reducible_w)


def test_import_is_paid_by_the_hour() -> None:
    book = accounts()

    book.add(interval(2000, dt_s=1800, hour=10))
    book.add(interval(1000, dt_s=3600, hour=18))

    assert book.import_wh == 2000
    assert book.cost_eur == pytest.approx(1 * 0.20 + 1 * 0.28)


def test_export_earns_or_costs() -> None:
    book = accounts()

    book.add(interval(-1000, dt_s=3600, hour=10))
    assert book.cost_eur == pytest.approx(-0.08)
    book.add(interval(-1000, dt_s=3600, hour=12))

    assert book.cost_eur == pytest.approx(-0.08 + 0.05)
    assert book.export_wh == 2000


def test_self_consumption_is_what_was_not_exported() -> None:
    book = accounts()

    book.add(interval(-1000, dt_s=3600, pv_w=3000))
    book.add(interval(500, dt_s=3600, pv_w=1500))

    assert book.pv_wh == 4500
    assert book.self_consumed_wh == 2000 + 1500


def test_storing_first_and_selling_later_is_no_self_consumption() -> None:
    book = accounts()

    book.add(interval(0, dt_s=3600, pv_w=3000))
    book.add(interval(-2000, dt_s=3600, pv_w=0))

    assert book.self_consumed_wh == 1000


def test_a_home_without_solar_power_consumes_none_of_it() -> None:
    book = accounts()

    book.add(interval(-2000, dt_s=3600))

    assert book.self_consumed_wh == 0


def test_a_streak_ends_when_the_power_comes_back() -> None:
    book = accounts()

    for net_w in (9000, 9000, 7000, 9000):
        book.add(interval(net_w, dt_s=2.5))

    assert book.longest_overrun_s == 5.0
    assert book.overrun_s == 7.5


def test_only_what_the_offer_would_have_relieved_is_avoidable() -> None:
    book = accounts()

    book.add(interval(9000, dt_s=4, reducible_w=500))
    book.add(interval(9000, dt_s=3, reducible_w=1000))
    book.add(interval(9000, dt_s=0.5, reducible_w=3000))
    book.add(interval(9000, dt_s=9, reducible_w=0))

    assert book.longest_overrun_s == 16.5
    assert book.longest_avoidable_overrun_s == 3.5


def test_export_beyond_the_limit_is_a_streak_of_its_own() -> None:
    book = accounts()

    book.add(interval(-4500, dt_s=7))
    book.add(interval(-4000, dt_s=7))

    assert book.longest_export_overrun_s == 7
    assert book.longest_overrun_s == 0


def test_the_mean_price_values_what_is_left_in_the_storages() -> None:
    assert TARIFF.mean_import_eur_per_kwh == pytest.approx(0.215)
