from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from cem_service.domain.feed import FeedSeries, SeriesKind, SiteFeeds
from cem_service.domain.frbc import FRBCResource
from cem_service.domain.reserve import with_reserve
from cem_service.domain.series import StepSeries
from cem_service.domain.site import SiteState
from cem_service.domain.tariff import Tariff
from cem_service.domain.what_if import Outcome, WhatIf
from cem_service.planners.what_if import compare, otherwise
from tests.support.resources import NOON, battery, dishwasher, ev_charger, heat_pump, solar, solar_forecast
from tests.support.sites import site_with

DEAR_EVENINGS = Tariff(tuple(0.40 if 17 <= hour < 21 else 0.20 for hour in range(24)), (0.05,) * 24, "Europe/Amsterdam")


def _home(tariff: Tariff = DEAR_EVENINGS) -> SiteState:
    car = ev_charger(departure=NOON + timedelta(hours=18))
    return replace(site_with(car, heat_pump(), battery(), meter_w=500.0), tariff=tariff)


def _otherwise(site: SiteState, what_if: WhatIf) -> Outcome:
    return compare(site, what_if)[1]


def test_nothing_changed_changes_nothing() -> None:
    as_it_is, then = compare(_home(), WhatIf())

    assert then == as_it_is
    assert as_it_is.missed == ()
    assert as_it_is.drawn_kwh > 0


def test_another_tariff_counts_instead_of_the_sites_and_of_its_feeds() -> None:
    edges = NOON.timestamp() + 3600.0 * np.arange(49, dtype=np.float64)
    hour = timedelta(hours=1)
    dear = FeedSeries(
        source="Market",
        kind=SeriesKind.PRICE,
        steps=StepSeries(edges, np.full(48, 9.0)),
        fetched_at=NOON,
        every=hour,
        valid_for=24 * hour,
    )
    followed = replace(_home(), feeds=SiteFeeds(import_price=dear))

    as_it_is, then = compare(followed, WhatIf(tariff=DEAR_EVENINGS))

    assert as_it_is.bill_eur > 10 * then.bill_eur
    assert then == compare(_home(), WhatIf())[0]


def test_less_comfort_costs_less_and_more_comfort_more() -> None:
    home = _home()
    less, same, more = (_otherwise(home, WhatIf(comfort_percent=percent)).bill_eur for percent in (-20, 0, 20))

    assert less < same < more


@pytest.mark.parametrize("percent", [-50, 50])
def test_comfort_stays_within_what_the_store_holds(percent: float) -> None:
    (car,) = (one for one in otherwise(_home(), WhatIf(comfort_percent=percent)).resources if one.name == "EV charger")

    assert isinstance(car, FRBCResource)
    assert car.target_lower is not None
    assert car.lowest_level <= car.target_lower.values.min() <= car.target_lower.values.max() <= car.highest_level


def test_without_the_cem_the_day_costs_more() -> None:
    as_it_is, alone = compare(_home(), WhatIf(cem_off=True))

    assert alone.eur > as_it_is.eur
    assert alone.peak_w >= as_it_is.peak_w
    assert alone.missed == ()


def test_without_the_cem_a_battery_rests_with_a_reserve_too() -> None:
    plain = battery(level=6.0)
    for store in (plain, with_reserve(plain, 0.2, NOON)):
        alone = _otherwise(replace(site_with(store, meter_w=1000.0), tariff=DEAR_EVENINGS), WhatIf(cem_off=True))

        assert alone.drawn_kwh == pytest.approx(24.0, rel=0.02)
        assert alone.fed_in_kwh == 0.0


def test_without_the_cem_a_program_starts_at_once() -> None:
    """By day a kWh costs three times what it costs at night."""
    nights = Tariff(tuple(0.10 if hour < 6 else 0.30 for hour in range(24)), (0.05,) * 24, "UTC")
    machine = dishwasher(window=timedelta(hours=20))

    as_it_is, alone = compare(replace(site_with(machine, meter_w=0.0), tariff=nights), WhatIf(cem_off=True))

    assert alone.bill_eur == pytest.approx(3 * as_it_is.bill_eur, rel=0.05)


def test_without_the_cem_nothing_that_produces_is_held_back() -> None:
    """Feeding in costs money, so the planner would not."""
    costly = Tariff((0.30,) * 24, (-0.20,) * 24, "UTC")
    site = replace(
        site_with(solar(1000.0, forecast=solar_forecast([1000.0] * 96, NOON)), meter_w=-1000.0), tariff=costly
    )

    as_it_is, alone = compare(site, WhatIf(cem_off=True))

    assert as_it_is.bill_eur == pytest.approx(0.0, abs=0.01)
    assert alone.bill_eur == pytest.approx(0.20 * alone.fed_in_kwh)
    assert alone.fed_in_kwh == pytest.approx(24.0, rel=0.02)
