"""The month's highest quarter hour so far, which a capacity tariff is paid for.

It is counted when a plan is made, from measurements that the plan reads anyway, and kept in a row of its own: telemetry
may be gone before the month is over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from cem_service.domain.site import SiteState
from cem_service.models import SitePeak
from flexhub.telemetry.quarters import quarter_start
from flexhub.telemetry.queries import quarter_hour_means

# A row is written when the peak grows, and now and then to say how far it was counted.
_NOTE_EVERY = timedelta(hours=6)


def month_of(moment: datetime, timezone: str) -> date:
    """The first day of the local month."""
    return moment.astimezone(ZoneInfo(timezone)).date().replace(day=1)


def with_peak(state: SiteState, tenant_id: UUID, meter_id: UUID, recent: Mapping[datetime, float]) -> SiteState:
    """The site with the peak of its month, if it pays for that. `recent` are its meter's last quarter hours.

    Needs the tenant's scope. What `recent` does not reach back to, after a long pause and at first, is read once.
    """
    tariff = state.objectives.capacity_tariff
    if tariff is None:
        return state
    month = month_of(state.now, state.timezone)
    begin = datetime.combine(month, time.min, ZoneInfo(state.timezone)).astimezone(UTC)
    row = SitePeak.objects.filter(site_id=state.site_id, month=month).first()
    since = row.counted_until if row else begin
    until = quarter_start(state.now)
    means = recent if since >= min(recent, default=until) else _read(meter_id, since, until)
    counted = [power_w for quarter, power_w in means.items() if since <= quarter < until]
    peak_w = max([row.peak_w if row else 0.0, *counted])
    if row is None or peak_w > row.peak_w or until - row.counted_until >= _NOTE_EVERY:
        values = {"tenant_id": tenant_id, "month": month, "peak_w": peak_w, "counted_until": until}
        SitePeak.objects.update_or_create(site_id=state.site_id, defaults=values)
    so_far = replace(tariff, peak_so_far_w=peak_w)
    return replace(state, objectives=replace(state.objectives, capacity_tariff=so_far))


def _read(meter_id: UUID, since: datetime, until: datetime) -> Mapping[datetime, float]:
    return quarter_hour_means([meter_id], since=since, until=until).get(meter_id, {})
