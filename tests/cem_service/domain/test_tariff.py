from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfoNotFoundError

import pytest

from cem_service.domain.tariff import Tariff, TariffError

HOURS = tuple(float(hour) for hour in range(24))
QUARTER = timedelta(minutes=15)


def test_prices_follow_the_local_hour() -> None:
    tariff = Tariff(HOURS, (0.05,) * 24, "Europe/Amsterdam")

    buy, sell = tariff.prices(datetime(2026, 7, 1, 12, 45, tzinfo=UTC), 3, QUARTER)

    assert buy.tolist() == [14.0, 15.0, 15.0]
    assert sell.tolist() == [0.05] * 3


def test_prices_repeat_the_hour_of_the_autumn_change_and_skip_that_of_spring() -> None:
    tariff = Tariff(HOURS, HOURS, "Europe/Amsterdam")

    autumn, _ = tariff.prices(datetime(2026, 10, 25, 0, 0, tzinfo=UTC), 3, timedelta(hours=1))
    spring, _ = tariff.prices(datetime(2026, 3, 29, 0, 0, tzinfo=UTC), 3, timedelta(hours=1))

    assert autumn.tolist() == [2.0, 2.0, 3.0]
    assert spring.tolist() == [1.0, 3.0, 4.0]


@pytest.mark.parametrize("prices", [HOURS[:23], (*HOURS[:23], float("nan")), (*HOURS[:23], float("inf"))])
def test_refuses_anything_but_24_finite_prices(prices: tuple[float, ...]) -> None:
    with pytest.raises(TariffError, match="import_eur_per_kwh"):
        Tariff(prices, HOURS)


def test_refuses_an_unknown_time_zone() -> None:
    with pytest.raises(ZoneInfoNotFoundError):
        Tariff(HOURS, HOURS, "Europe/Nowhere")
