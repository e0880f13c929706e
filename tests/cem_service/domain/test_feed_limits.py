from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from cem_service.domain.feed import FeedSeries, SeriesKind, SiteFeeds
from cem_service.domain.feed_limits import feed_limits
from cem_service.domain.objectives import GridLimit
from cem_service.domain.series import StepSeries

NOW = datetime(2026, 4, 21, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def _limits(*values_w: float, kind: SeriesKind = SeriesKind.IMPORT_LIMIT) -> FeedSeries:
    """One value an hour, from an hour ago."""
    edges = (NOW - HOUR).timestamp() + 3600.0 * np.arange(len(values_w) + 1, dtype=np.float64)
    return FeedSeries(
        source="Grid operator",
        kind=kind,
        steps=StepSeries(edges, np.array(values_w, dtype=np.float64)),
        fetched_at=NOW,
        every=HOUR,
        valid_for=24 * HOUR,
    )


def test_each_stretch_with_a_limit_that_is_not_over_is_one() -> None:
    feeds = SiteFeeds(
        import_limit=_limits(9000.0, 4000.0, np.nan, 0.0),
        export_limit=_limits(9000.0, 2500.0, kind=SeriesKind.EXPORT_LIMIT),
    )

    assert feed_limits(feeds, NOW) == (
        GridLimit(source="Grid operator", import_w=4000.0, start=NOW, end=NOW + HOUR),
        GridLimit(source="Grid operator", import_w=0.0, start=NOW + 2 * HOUR, end=NOW + 3 * HOUR),
        GridLimit(source="Grid operator", export_w=2500.0, start=NOW, end=NOW + HOUR),
    )


def test_what_was_said_too_long_ago_limits_nothing() -> None:
    old = replace(_limits(4000.0, 4000.0), fetched_at=NOW - 25 * HOUR)

    assert feed_limits(SiteFeeds(import_limit=old), NOW) == ()
    assert feed_limits(SiteFeeds(), NOW) == ()
