"""Quarter-hour means, kept a day a row: what plans and forecasts look back on, without reading all measurements again.

They are computed when somebody asks for a site, from where the last one ended. The quarter hour before that is computed
again, since a measurement may come late.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from uuid import UUID

from flexhub.telemetry.models import QUARTERS_PER_DAY, Rollup
from flexhub.telemetry.quarters import QUARTER, quarter_start
from flexhub.telemetry.queries import QuarterHourMeans, quarter_hour_means
from tenants.statements import fetch_all

# How far back the first look at a link goes. Later ones go on from there.
FIRST_LOOK = timedelta(days=7)

_STORED = """
    SELECT link_id, day, mean_w, until FROM telemetry_rollup WHERE link_id = ANY(%s) AND day BETWEEN %s AND %s
"""
# What is known of a quarter hour stays where nothing new is.
_STORE = """
    INSERT INTO telemetry_rollup AS stored (tenant_id, site_id, link_id, day, mean_w, until)
    SELECT %s::uuid, %s::uuid, link_id, day, mean_w::float8[], %s::timestamptz
    FROM unnest(%s::uuid[], %s::date[], %s::text[]) AS looked_at (link_id, day, mean_w)
    ON CONFLICT (link_id, day) DO UPDATE SET until = greatest(stored.until, excluded.until), mean_w = ARRAY(
        SELECT coalesce(new_w, old_w)
        FROM unnest(excluded.mean_w, stored.mean_w) WITH ORDINALITY AS quarter (new_w, old_w, place) ORDER BY place
    )
    RETURNING link_id, day, mean_w
"""
_Means = Sequence[float | None]


def past_means(
    *, tenant_id: UUID, site_id: UUID, link_ids: Sequence[UUID], since: datetime, until: datetime
) -> dict[UUID, QuarterHourMeans]:
    """Mean electric power in W (sum over phases) of each link by the UTC start of each quarter hour, where known.

    Of those that begin from `since` on and have ended by `until`. Stores what has been measured since the last look.
    Needs the tenant's scope.
    """
    end = quarter_start(until)
    first = end - FIRST_LOOK
    rows = fetch_all(_STORED, [list(link_ids), min(since.astimezone(UTC), first).date(), end.date()], binary=True)
    days: dict[UUID, dict[date, _Means]] = {link_id: {} for link_id in link_ids}
    looked_until = dict.fromkeys(link_ids, first)
    for link_id, day, means_w, looked in rows:
        days[link_id][day] = means_w
        # A time after `end` is from before the clock was set back.
        if looked <= end:
            looked_until[link_id] = max(looked, looked_until[link_id])
    missing_since = min(looked_until.values(), default=end)
    if missing_since < end:
        for link_id, day, means_w in _store(tenant_id, site_id, link_ids, missing_since - QUARTER, end):
            days[link_id][day] = means_w
    return {link_id: known for link_id, each in days.items() if (known := _by_quarter(each, since, end))}


def _store(
    tenant_id: UUID, site_id: UUID, link_ids: Sequence[UUID], since: datetime, end: datetime
) -> Sequence[tuple[UUID, date, _Means]]:
    """The days of which anything was looked at, as they are stored now."""
    # A value from before `since` may hold on into the first quarter hour.
    means = quarter_hour_means(link_ids, since=since - QUARTER, until=end)
    days = {(link_id, end.date()): _nothing() for link_id in link_ids}
    for link_id in link_ids:
        for quarter, mean_w in means.get(link_id, {}).items():
            if quarter >= since:
                day = days.setdefault((link_id, quarter.date()), _nothing())
                day[(quarter.hour * 60 + quarter.minute) // 15] = repr(mean_w)
    # In one order, so that two at once cannot wait for each other.
    links, dates, values = zip(*((*key, f"{{{','.join(days[key])}}}") for key in sorted(days)), strict=True)
    return fetch_all(_STORE, [tenant_id, site_id, end, list(links), list(dates), list(values)], binary=True)


def _nothing() -> list[str]:
    """A day of which nothing is known, as PostgreSQL reads it."""
    return ["NULL"] * QUARTERS_PER_DAY


def _by_quarter(days: Mapping[date, _Means], since: datetime, end: datetime) -> QuarterHourMeans:
    first_day, last_day = since.astimezone(UTC).date(), end.date()
    known = {
        quarter: mean_w
        for day, means_w in days.items()
        if day >= first_day
        for quarter, mean_w in zip(_quarters_of(day), means_w, strict=True)
        if mean_w is not None
    }
    for day in {first_day, last_day} & days.keys():
        for quarter in _quarters_of(day):
            if not since <= quarter < end:
                known.pop(quarter, None)
    return known


def delete_rollups_of(sites: Iterable[UUID]) -> None:
    """Needs the scope of their tenant."""
    Rollup.objects.filter(site_id__in=list(sites)).delete()


# Of the weeks that plans look back on and learn from; making them anew takes longer than reading a site's means.
@lru_cache(maxsize=128)
def _quarters_of(day: date) -> tuple[datetime, ...]:
    midnight = datetime.combine(day, time(), UTC)
    return tuple(midnight + index * QUARTER for index in range(QUARTERS_PER_DAY))
