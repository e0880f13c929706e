"""Reading measurements back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from tenants.statements import fetch_all

QuarterHourMeans = dict[datetime, float]

# A device reports on change, so the mean of its reports is not the mean of its power: each value holds until the next
# one, but for a quarter hour at most, because a device that fell silent says nothing about its power.
_MEANS = """
    WITH reports AS (
        SELECT link_id, quantity, at, value,
               least(coalesce(lead(at) OVER series, %(until)s), at + interval '15 minutes') AS held_until
        FROM telemetry_measurement
        WHERE link_id = ANY(%(links)s) AND quantity LIKE 'ELECTRIC.POWER.%%' AND at >= %(since)s AND at < %(until)s
        WINDOW series AS (PARTITION BY link_id, quantity ORDER BY at)
    ), pieces AS (
        SELECT link_id, quantity, quarter, value,
               extract(epoch FROM least(held_until, quarter + interval '15 minutes') - greatest(at, quarter)) AS seconds
        FROM reports,
             generate_series(date_bin('15 minutes', at, 'epoch'), held_until, interval '15 minutes') AS quarter
    ), means AS (
        SELECT link_id, quantity, quarter, sum(value * seconds) / sum(seconds) AS mean_w
        FROM pieces WHERE seconds > 0 GROUP BY link_id, quantity, quarter
    )
    SELECT link_id, quarter, sum(mean_w) FROM means GROUP BY link_id, quarter
"""


def quarter_hour_means(link_ids: Sequence[UUID], *, since: datetime, until: datetime) -> dict[UUID, QuarterHourMeans]:
    """Mean electric power in W (sum over phases) of each link by the UTC start of each quarter hour, where known."""
    means: dict[UUID, QuarterHourMeans] = defaultdict(dict)
    for link_id, quarter, mean_w in fetch_all(_MEANS, {"links": list(link_ids), "since": since, "until": until}):
        means[link_id][quarter] = float(mean_w)
    return dict(means)
