"""Plans, instructions, a battery and its statuses in a closed loop, over two days; the bench has ten in 24 homes."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.battery_loop import Forecast, score
from tests.support.reference.battery_span import bill_eur, least_eur, self_consumption_w
from tests.support.scenarios.battery_home import battery_home


@pytest.mark.parametrize(("seed", "forecast"), [(0, Forecast.PERFECT), (1, Forecast.PERSISTENCE)])
def test_saves_nearly_what_can_be_saved_and_no_less_than_the_plain_rule(seed: int, forecast: Forecast) -> None:
    found = score(battery_home(seed, days=2), forecast)

    least = 0.95 if forecast is Forecast.PERFECT else 0.8
    assert least <= found.share <= 1.0 + 1e-6
    assert found.share >= found.by_rule - 0.05


def test_the_optimum_is_better_than_the_rule_and_the_rule_than_an_idle_battery() -> None:
    home = battery_home(2, days=2)

    bills = [least_eur(home), bill_eur(home, self_consumption_w(home)), bill_eur(home, np.zeros(home.ticks))]

    assert bills == sorted(bills)
    assert bills[2] - bills[0] > 0.5
