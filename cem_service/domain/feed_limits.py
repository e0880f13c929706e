"""Limits of the grid that a feed tells, as the objectives that a site pursues."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from cem_service.domain.feed import FeedSeries, SiteFeeds
from cem_service.domain.objectives import GridLimit


def feed_limits(feeds: SiteFeeds, now: datetime) -> tuple[GridLimit, ...]:
    """Those that hold now or later; none of an answer that is too old to be used."""
    import_limits = (
        GridLimit(source=source, import_w=limit_w, start=start, end=end)
        for source, limit_w, start, end in _told(feeds.import_limit, now)
    )
    export_limits = (
        GridLimit(source=source, export_w=limit_w, start=start, end=end)
        for source, limit_w, start, end in _told(feeds.export_limit, now)
    )
    return (*import_limits, *export_limits)


def _told(series: FeedSeries | None, now: datetime) -> Iterator[tuple[str, float, datetime, datetime]]:
    """(source, limit in W, from when, to when)."""
    if series is None or not series.is_usable(now):
        return
    edges, values = series.steps.edges, series.steps.values
    for start_s, end_s, limit_w in zip(edges[:-1], edges[1:], values, strict=True):
        if limit_w == limit_w and end_s > now.timestamp():  # NaN, where nothing is said, equals nothing.
            start, end = (datetime.fromtimestamp(float(edge), UTC) for edge in (start_s, end_s))
            yield series.source, float(limit_w), start, end
