"""Finds out which feeds a plan has to do without, wholly or for a while, as data."""

from __future__ import annotations

from collections.abc import Iterator

from cem_service.domain.feed import LIMITS, FeedSeries, missing_stretches
from cem_service.domain.reason import Figure, Reason, ReasonCode
from cem_service.domain.site import SiteState
from cem_service.planners.horizon import Horizon


def feed_reasons(site: SiteState, horizon: Horizon) -> tuple[Reason, ...]:
    """One for each feed that is missing or late, and one for its holes."""
    return tuple(reason for series in site.feeds.followed() for reason in _reasons(series, site, horizon))


def _reasons(series: FeedSeries, site: SiteState, horizon: Horizon) -> Iterator[Reason]:
    figures: dict[str, Figure] = {"kind": series.kind.value, "source": series.source}
    age = series.age(site.now)
    if age is None:
        yield Reason(ReasonCode.FEED_NEW, figures=figures)
        return
    aged = figures | {"age_s": age.total_seconds()}
    if not series.is_usable(site.now):
        yield Reason(ReasonCode.FEED_OLD, figures=aged)
        return
    if series.is_late(site.now):
        yield Reason(ReasonCode.FEED_LATE, figures=aged)
    if series.kind in LIMITS:
        return
    stretches = missing_stretches(series.means(horizon.edges), horizon.edges)
    if stretches:
        told = " ".join(f"{start.isoformat()}/{end.isoformat()}" for start, end in stretches)
        yield Reason(ReasonCode.FEED_HOLES, figures=figures | {"stretches": told})
