from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from cem_service.domain.feed import FeedSeries, SeriesKind, SiteFeeds
from cem_service.domain.series import StepSeries
from cem_service.domain.site import SiteState
from cem_service.planners.building import plan_site
from cem_service.planners.feed_reasons import feed_reasons
from cem_service.planners.horizon import Horizon
from cem_service.planners.words import notes
from tests.support.sites import site_with

NOW = datetime(2026, 4, 21, 10, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)


def _series(*, holes: tuple[int, ...] = (), kind: SeriesKind = SeriesKind.PRICE, age: timedelta = HOUR) -> FeedSeries:
    """Two days of hours from midnight on, without those that are counted in `holes`."""
    start = NOW.replace(hour=0, minute=0)
    values = np.full(48, 0.2)
    values[list(holes)] = np.nan
    return FeedSeries(
        source="ENTSO-E",
        kind=kind,
        steps=StepSeries(start.timestamp() + 3600.0 * np.arange(49, dtype=np.float64), values),
        fetched_at=NOW - age,
        every=HOUR,
        valid_for=24 * HOUR,
    )


def _notes(feeds: SiteFeeds, timezone: str = "Europe/Amsterdam") -> tuple[str, ...]:
    site = replace(site_with(now=NOW, feeds=feeds), timezone=timezone)
    return notes(feed_reasons(site, Horizon.at(NOW)), timezone)


def test_nothing_is_said_of_what_is_right_or_not_followed() -> None:
    assert _notes(SiteFeeds()) == ()
    assert _notes(SiteFeeds(import_price=_series(), temperature=_series(kind=SeriesKind.TEMPERATURE))) == ()


@pytest.mark.parametrize(
    ("holes", "expected"),
    [
        ((12,), "14:00-15:00"),
        ((10,), "12:05-13:00"),
        ((12, 13, 16), "14:00-16:00, 18:00-19:00"),
        ((21, 22), "21 Apr 23:00-22 Apr 01:00"),
        ((11, 13, 15, 17, 19), "13:00-14:00, 15:00-16:00, 17:00-18:00 and 2 more stretches"),
    ],
)
def test_holes_are_named_in_local_time(holes: tuple[int, ...], expected: str) -> None:
    assert _notes(SiteFeeds(import_price=_series(holes=holes))) == (
        f"Prices of {expected} are missing from ENTSO-E; the tariff's are used.",
    )


def test_what_is_used_instead_follows_from_what_is_missing() -> None:
    feeds = SiteFeeds(
        export_price=_series(holes=(12,), kind=SeriesKind.EXPORT_PRICE),
        grid_carbon=_series(holes=(12,), kind=SeriesKind.GRID_CARBON),
        irradiance=_series(holes=(12,), kind=SeriesKind.IRRADIANCE),
        import_limit=_series(holes=(12,), kind=SeriesKind.IMPORT_LIMIT),
    )

    assert _notes(feeds, "UTC") == (
        "Prices of feeding in of 12:00-13:00 are missing from ENTSO-E; the tariff's are used.",
        "Values of grid carbon of 12:00-13:00 are missing from ENTSO-E; a usual value is used.",
        "Values of irradiance of 12:00-13:00 are missing from ENTSO-E; past days are used.",
    )


def test_what_is_late_is_used_and_its_age_is_said() -> None:
    late = _series(kind=SeriesKind.TEMPERATURE, age=5 * HOUR)

    assert _notes(SiteFeeds(temperature=late)) == ("Temperatures from ENTSO-E are late: what it said last is 5 h old.",)


def test_of_what_is_too_old_or_has_not_come_nothing_else_is_said() -> None:
    old, never = _series(holes=(12,), age=30 * HOUR), replace(_series(), fetched_at=None)

    assert _notes(SiteFeeds(import_price=old)) == (
        "Prices from ENTSO-E are 30 h old, which is too old; the tariff's are used.",
    )
    assert _notes(SiteFeeds(import_limit=replace(never, kind=SeriesKind.IMPORT_LIMIT))) == (
        "Limits of import from ENTSO-E have not come yet; the limits of the connection are used.",
    )


def test_a_plan_holds_them_and_the_prices_of_the_feed() -> None:
    site: SiteState = site_with(now=NOW, meter_w=1000.0, feeds=SiteFeeds(import_price=_series(holes=(12,))))

    plan = plan_site(site)

    assert "Prices of 12:00-13:00 are missing from ENTSO-E; the tariff's are used." in plan.notes
    # 1 kW for a day less five minutes: an hour at the tariff's 0.30, the rest at 0.20 EUR/kWh.
    assert plan.cost_eur == pytest.approx(0.30 + (22 + 55 / 60) * 0.20, abs=1e-3)
