"""Quarter-hour means, kept a day a row: what plans and forecasts look back on, without reading all measurements again.

They are computed when somebody asks for a site, from where the last one ended. The quarter hour before that is computed
again, since a measurement may come late.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from uuid import UUID

from django.db import connection

from flexhub.telemetry.models import QUARTERS_PER_DAY, Rollup
from flexhub.telemetry.quarters import QUARTER, quarter_start
from flexhub.telemetry.queries import QuarterHourMeans, quarter_hour_means
from tenants.statements import fetch_all, kept_statements

# How far back the first look at a link goes. Later ones go on from there.
FIRST_LOOK = timedelta(days=7)

_LOOKED_UNTIL = """
    SELECT link_id, max(until) FROM telemetry_rollup
    WHERE link_id = ANY(%s) AND day >= %s AND until <= %s GROUP BY link_id
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
"""
_STORED = "SELECT link_id, day, mean_w FROM telemetry_rollup WHERE link_id = ANY(%s) AND day BETWEEN %s AND %s"


def roll_up(*, tenant_id: UUID, site_id: UUID, link_ids: Sequence[UUID], until: datetime) -> None:
    """Store the means of all quarter hours of these links that have ended by `until`. Needs the tenant's scope."""
    end = quarter_start(until)
    first = end - FIRST_LOOK
    # A time after `end` is from before the clock was set back.
    looked_until = dict(fetch_all(_LOOKED_UNTIL, [list(link_ids), first.date(), end]))
    since = min((looked_until.get(link_id, first) for link_id in link_ids), default=end)
    if since >= end:
        return
    since -= QUARTER
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
    with kept_statements(), connection.cursor() as cursor:
        cursor.execute(_STORE, [tenant_id, site_id, end, list(links), list(dates), list(values)])


def _nothing() -> list[str]:
    """A day of which nothing is known, as PostgreSQL reads it."""
    return ["NULL"] * QUARTERS_PER_DAY


def stored_means(link_ids: Sequence[UUID], *, since: datetime, until: datetime) -> dict[UUID, QuarterHourMeans]:
    """Mean electric power in W (sum over phases) of each link by the UTC start of each quarter hour, where known."""
    means: dict[UUID, QuarterHourMeans] = {}
    first, last = since.astimezone(UTC).date(), until.astimezone(UTC).date()
    for link_id, day, values in fetch_all(_STORED, [list(link_ids), first, last], binary=True):
        quarters = zip(_quarters_of(day), values, strict=True)
        known = {quarter: mean_w for quarter, mean_w in quarters if mean_w is not None}
        if not first < day < last:
            known = {quarter: mean_w for quarter, mean_w in known.items() if since <= quarter < until}
        if known:
            means.setdefault(link_id, {}).update(known)
    return means


def delete_rollups_of(sites: Iterable[UUID]) -> None:
    """Needs the scope of their tenant."""
    Rollup.objects.filter(site_id__in=list(sites)).delete()


# Of the weeks that plans look back on and learn from; making them anew takes longer than reading a site's means.
@lru_cache(maxsize=128)
def _quarters_of(day: date) -> tuple[datetime, ...]:
    midnight = datetime.combine(day, time(), UTC)
    return tuple(midnight + index * QUARTER for index in range(QUARTERS_PER_DAY))
