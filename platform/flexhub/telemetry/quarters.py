"""Quarter hours on UTC's clock: what means, plans and peaks are counted in. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

QUARTER = timedelta(minutes=15)


def quarter_start(moment: datetime) -> datetime:
    """The start of the quarter hour that `moment` lies in, in UTC."""
    moment = moment.astimezone(UTC)
    return moment - timedelta(minutes=moment.minute % 15, seconds=moment.second, microseconds=moment.microsecond)
