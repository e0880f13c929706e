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

# How far back the first look at a link goes. Later ones go on from there.
FIRST_LOOK = timedelta(days=7)

_Rows = dict[tuple[UUID, date], Rollup]


def roll_up(*, tenant_id: UUID, site_id: UUID, link_ids: Sequence[UUID], until: datetime) -> None:
    """Store the means of all quarter hours of these links that have ended by `until`. Needs the tenant's scope."""
    end = quarter_start(until)
    rows = _rows(link_ids, end)
    since = min((_looked_until(link_id, rows, end) for link_id in link_ids), default=end)
    if since >= end:
        return
    since -= QUARTER
    # A value from before `since` may hold on into the first quarter hour.
    means = quarter_hour_means(link_ids, since=since - QUARTER, until=end)
    changed = {(link_id, end.date()) for link_id in link_ids}
    for link_id in link_ids:
        for quarter, mean_w in means.get(link_id, {}).items():
            if quarter >= since:
                _set(rows, tenant_id, site_id, link_id, quarter, mean_w)
                changed.add((link_id, quarter.date()))
    for link_id, day in changed:
        row = _row(rows, tenant_id, site_id, link_id, day)
        row.until = max(row.until, end)
    Rollup.objects.bulk_create(
        [rows[key] for key in sorted(changed)],
        update_conflicts=True,
        unique_fields=["link_id", "day"],
        update_fields=["mean_w", "until"],
    )


def stored_means(link_ids: Sequence[UUID], *, since: datetime, until: datetime) -> dict[UUID, QuarterHourMeans]:
    """Mean electric power in W (sum over phases) of each link by the UTC start of each quarter hour, where known."""
    means: dict[UUID, QuarterHourMeans] = {}
    first, last = since.astimezone(UTC).date(), until.astimezone(UTC).date()
    rows = Rollup.objects.filter(link_id__in=list(link_ids), day__range=(first, last))
    for link_id, day, values in rows.values_list("link_id", "day", "mean_w"):
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


def _rows(link_ids: Sequence[UUID], end: datetime) -> _Rows:
    rows = Rollup.objects.filter(link_id__in=list(link_ids), day__gte=(end - FIRST_LOOK).date())
    return {(row.link_id, row.day): row for row in rows}


def _looked_until(link_id: UUID, rows: Mapping[tuple[UUID, date], Rollup], end: datetime) -> datetime:
    # A time after `end` is from before the clock was set back.
    known = [row.until for (link, _), row in rows.items() if link == link_id and row.until <= end]
    return max(known, default=end - FIRST_LOOK)


def _row(rows: _Rows, tenant_id: UUID, site_id: UUID, link_id: UUID, day: date) -> Rollup:
    if (link_id, day) not in rows:
        empty: list[float | None] = [None] * QUARTERS_PER_DAY
        start = datetime.combine(day, time(), UTC)
        rows[link_id, day] = Rollup(
            tenant_id=tenant_id, site_id=site_id, link_id=link_id, day=day, mean_w=empty, until=start
        )
    return rows[link_id, day]


def _set(rows: _Rows, tenant_id: UUID, site_id: UUID, link_id: UUID, quarter: datetime, mean_w: float) -> None:
    row = _row(rows, tenant_id, site_id, link_id, quarter.date())
    row.mean_w[(quarter.hour * 60 + quarter.minute) // 15] = mean_w
