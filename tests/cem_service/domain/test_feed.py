from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from cem_service.domain.feed import FeedSeries, SeriesKind, SiteFeeds, missing_stretches
from cem_service.domain.series import Array, StepSeries
from tests.support.sites import FLAT, site_with

NOW = datetime(2026, 4, 21, 10, 0, tzinfo=UTC)
HOUR, QUARTER = timedelta(hours=1), timedelta(minutes=15)
NAN = float("nan")
NOTHING: Array = np.empty(0, dtype=np.float64)


def series(*values: float, start: datetime = NOW, fetched_at: datetime | None = NOW) -> FeedSeries:
    """One value an hour from `start` on."""
    edges: Array = start.timestamp() + 3600.0 * np.arange(len(values) + 1, dtype=np.float64)
    return FeedSeries(
        source="the feed",
        kind=SeriesKind.PRICE,
        steps=StepSeries(edges if values else NOTHING, np.array(values, dtype=np.float64)),
        fetched_at=fetched_at,
        every=HOUR,
        valid_for=24 * HOUR,
    )


def edges_of(*hours: float) -> Array:
    return np.array([NOW.timestamp() + 3600.0 * hour for hour in hours])


def test_a_mean_is_known_where_all_of_its_stretch_is() -> None:
    means = series(0.1, 0.3, NAN, 0.5).means(edges_of(-1, 0, 0.25, 1.5, 1.75, 2.25, 3, 4, 5))

    expected = [NAN, 0.1, (0.75 * 0.1 + 0.5 * 0.3) / 1.25, 0.3, NAN, NAN, 0.5, NAN]
    assert means == pytest.approx(expected, nan_ok=True)


def test_a_series_without_values_knows_nothing() -> None:
    assert np.isnan(series().means(edges_of(0, 1, 2))).all()
    assert np.isinf(series().lowest(edges_of(0, 1, 2))).all()


def test_the_lowest_limit_of_a_stretch_counts() -> None:
    assert series(3.0, NAN, 2.0, 4.0).lowest(edges_of(0, 2.5, 3, 4)).tolist() == [2.0, 2.0, 4.0]


@pytest.mark.parametrize(
    ("age_h", "usable", "late"),
    [(0, True, False), (2, True, False), (3, True, True), (24, True, True), (25, False, True)],
)
def test_an_answer_grows_late_and_then_too_old(age_h: int, usable: bool, late: bool) -> None:
    one = series(0.1)
    now = NOW + age_h * HOUR

    assert (one.age(now), one.is_usable(now), one.is_late(now)) == (age_h * HOUR, usable, late)


def test_before_the_first_answer_nothing_is_known_and_nothing_late() -> None:
    one = series(fetched_at=None)

    assert (one.age(NOW), one.is_usable(NOW), one.is_late(NOW)) == (None, False, False)


def test_stretches_are_missing_from_when_to_when() -> None:
    means = np.array([NAN, 1.0, NAN, NAN, 2.0, NAN])

    assert missing_stretches(means, edges_of(*range(7))) == [
        (NOW, NOW + HOUR),
        (NOW + 2 * HOUR, NOW + 4 * HOUR),
        (NOW + 5 * HOUR, NOW + 6 * HOUR),
    ]
    assert missing_stretches(np.ones(3), edges_of(*range(4))) == []


class TestPricesOfASite:
    def test_a_feed_counts_where_it_knows_and_the_tariff_elsewhere(self) -> None:
        site = site_with(tariff=FLAT, now=NOW, feeds=SiteFeeds(import_price=series(0.1, NAN, -0.2)))

        buy, sell = site.prices(NOW, 4, HOUR)

        assert buy == pytest.approx([0.1, 0.30, -0.2, 0.30])
        assert sell == pytest.approx([0.05] * 4)

    def test_feeding_in_may_follow_a_feed_of_its_own(self) -> None:
        site = site_with(tariff=FLAT, now=NOW, feeds=SiteFeeds(export_price=series(0.1)))

        buy, sell = site.prices(NOW, 5, QUARTER)

        assert buy == pytest.approx([0.30] * 5)
        assert sell == pytest.approx([0.1] * 4 + [0.05])

    def test_what_is_too_old_does_not_count(self) -> None:
        old = series(0.1, fetched_at=NOW - 25 * HOUR)

        buy, _ = site_with(tariff=FLAT, now=NOW, feeds=SiteFeeds(import_price=old)).prices(NOW, 1, HOUR)

        assert buy == pytest.approx([0.30])
