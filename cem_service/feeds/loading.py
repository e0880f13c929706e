"""The stored series of the feeds that a site follows, put together for the pure part of the CEM."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import numpy as np
import structlog

from cem_service.domain.feed import NO_FEEDS, FeedSeries, SeriesKind, SiteFeeds
from cem_service.domain.series import Array, StepSeries
from cem_service.feeds.catalogue import UnknownProvider, manifest_of
from cem_service.feeds.models import Feed, StoredSeries
from cem_service.feeds.sdk import Series

log = structlog.get_logger(__name__)

_NOTHING = StepSeries(np.empty(0), np.empty(0))


@dataclass(frozen=True, slots=True)
class Followed:
    """Which feed a site follows for what; the names are those of the columns of its objectives."""

    import_price_feed: UUID | None = None
    export_price_feed: UUID | None = None
    carbon_feed: UUID | None = None
    weather_feed: UUID | None = None
    limits_feed: UUID | None = None


# For each field of SiteFeeds: the column that names its feed, and the kinds of series that will do, the best first.
_SOURCES: Mapping[str, tuple[str, tuple[SeriesKind, ...]]] = {
    "import_price": ("import_price_feed", (SeriesKind.PRICE,)),
    "export_price": ("export_price_feed", (SeriesKind.EXPORT_PRICE, SeriesKind.PRICE)),
    "grid_carbon": ("carbon_feed", (SeriesKind.GRID_CARBON,)),
    "irradiance": ("weather_feed", (SeriesKind.IRRADIANCE,)),
    "temperature": ("weather_feed", (SeriesKind.TEMPERATURE,)),
    "import_limit": ("limits_feed", (SeriesKind.IMPORT_LIMIT,)),
    "export_limit": ("limits_feed", (SeriesKind.EXPORT_LIMIT,)),
}
_PRICES = frozenset({SeriesKind.PRICE, SeriesKind.EXPORT_PRICE})


def load_feeds(followed: Followed) -> SiteFeeds:
    """What the feeds say, in the open scope; one statement for each table, none for a site that follows nothing."""
    ids = {feed_id for column, _ in _SOURCES.values() if (feed_id := getattr(followed, column)) is not None}
    if not ids:
        return NO_FEEDS
    feeds = {feed.pk: feed for feed in Feed.objects.filter(pk__in=ids)}
    stored = {(row.feed_id, row.kind): row for row in StoredSeries.objects.filter(feed_id__in=ids)}
    found: dict[str, FeedSeries] = {}
    for field, (column, kinds) in _SOURCES.items():
        feed = feeds.get(getattr(followed, column))
        series = _series(feed, kinds, stored) if feed is not None else None
        if series is not None:
            found[field] = series
    return SiteFeeds(**found)


def _series(
    feed: Feed, kinds: Iterable[SeriesKind], stored: Mapping[tuple[UUID, str], StoredSeries]
) -> FeedSeries | None:
    """None where the provider gives nothing of these kinds; without an answer yet, a series that says so."""
    try:
        manifest = manifest_of(feed.provider)
    except UnknownProvider:
        return None
    given = [kind for kind in kinds if kind in manifest.gives]
    if not given:
        return None
    kind = next((kind for kind in given if _has_values(stored.get((feed.pk, kind.value)))), given[0])
    empty = FeedSeries(
        source=feed.name,
        kind=kind,
        steps=_NOTHING,
        fetched_at=feed.fetched_at,
        every=manifest.fetch.every,
        valid_for=manifest.fetch.valid_for,
    )
    row = stored.get((feed.pk, kind.value))
    return empty if row is None else replace(empty, fetched_at=row.fetched_at, steps=_steps(row, feed.settings))


def _has_values(row: StoredSeries | None) -> bool:
    return row is not None and bool(row.series.get("values"))


def _steps(row: StoredSeries, settings: Mapping[str, Any]) -> StepSeries:
    """Nothing for a row of another release: the site does without, until it is fetched again."""
    try:
        steps = Series.from_dict(SeriesKind(row.kind), row.series).steps
    except (KeyError, TypeError, ValueError) as error:
        log.warning("feeds.series_unreadable", feed_id=str(row.feed_id), error=repr(error))
        return _NOTHING
    return StepSeries(steps.edges, on_the_bill(steps.values, settings)) if SeriesKind(row.kind) in _PRICES else steps


def on_the_bill(prices: Array, settings: Mapping[str, Any]) -> Array:
    """What people pay or get for a kWh, from the price that the provider tells."""
    surcharge = float(settings.get("surcharge_eur_per_kwh", 0.0))
    return (prices + surcharge) * (1.0 + float(settings.get("vat_percent", 0.0)) / 100.0)
