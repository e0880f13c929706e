"""Readings of a main meter that is no device of its own: a program reports them.

The latest counts for reactions at once, all of them for history. They are stored under the id of the site, where those
of a device are stored under its link.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import structlog
from django.core.exceptions import ValidationError

from cem_service.domain.quantities import PHASES, SYMMETRIC
from cem_service.domain.resource import MEASUREMENT_VALID_FOR
from cem_service.runtime import Tools
from flexhub.bus import BusUnavailable, MeterReading, TelemetryRow
from flexhub.devices.models import Site
from tenants import audit
from tenants.audit import Actor
from tenants.models import AuditEntry
from tenants.scope import tenant_scope

log = structlog.get_logger(__name__)

# An hour of minutes. With three phases each they fit into what the bus takes at once.
MOST_READINGS = 60
# A clock may run ahead by so much.
AHEAD = timedelta(minutes=1)
# Older measurements may be dropped on the day they come (`TELEMETRY_RETENTION_DAYS`).
BACK = timedelta(days=7)
REPORTED = "cem.readings.reported"


class MeterIsDevice(Exception):
    """The site's main meter is a device in a session: what a program reads would contradict it."""


def report_readings(*, site: Site, readings: Sequence[MeterReading], tools: Tools, actor: Actor = None) -> None:
    """Take all of them or none, and wake the site.

    The trail names the program once a day: a row for each reading would drown everything else in it. Raises
    ValidationError, MeterIsDevice, and BusUnavailable where the bus is away or takes no more now.
    """
    now = tools.clock.now()
    _check(readings, now)
    if site.main_meter_id is not None:
        raise MeterIsDevice
    latest = max(readings, key=lambda one: one.at)
    rows = [row for one in readings for row in _rows(site, one)]
    if not tools.bus.report_meter(site.pk, latest, rows):
        raise BusUnavailable("the stream of measurements is full")
    _note(site, actor=actor)
    if now - latest.at <= MEASUREMENT_VALID_FOR:
        _wake(site, tools)


def _check(readings: Sequence[MeterReading], now: datetime) -> None:
    wrong = {}
    for index, one in enumerate(readings):
        if one.at > now + AHEAD:
            wrong[f"readings[{index}].at"] = f"lies in the future: the hub's clock shows {now:%Y-%m-%dT%H:%M:%SZ}"
        elif one.at < now - BACK:
            wrong[f"readings[{index}].at"] = f"is more than {BACK.days} days ago"
    if not 1 <= len(readings) <= MOST_READINGS:
        wrong["readings"] = f"has to hold 1 to {MOST_READINGS} readings"
    elif len({one.at for one in readings}) < len(readings):
        wrong["readings"] = "has two readings of one moment"
    elif len({one.phases_w is None for one in readings}) > 1:
        wrong["readings"] = "has readings with phases and without: send those of one meter in one form"
    if wrong:
        raise ValidationError(wrong)


def _rows(site: Site, reading: MeterReading) -> list[TelemetryRow]:
    values = [(SYMMETRIC, reading.power_w)]
    if reading.phases_w is not None:
        values = list(zip(PHASES, reading.phases_w, strict=True))
    return [
        TelemetryRow(site.tenant_id, site.pk, site.pk, quantity.value, reading.at, value) for quantity, value in values
    ]


def _note(site: Site, *, actor: Actor) -> None:
    """Two calls at once may leave two rows, which is as true as one."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    who = audit.fields_of_actor(actor)
    with tenant_scope(site.tenant_id):
        told = AuditEntry.objects.filter(
            action=REPORTED, object_id=str(site.pk), actor_id=who["actor_id"], at__gte=today
        )
        if not told.exists():
            audit.record(REPORTED, site, actor=actor)


def _wake(site: Site, tools: Tools) -> None:
    try:
        tools.wake(site.tenant_id, site.pk)
    except BusUnavailable as error:
        # The readings are there; the first look at the site after the outage goes by them.
        log.warning("cem.wake_failed", site_id=str(site.pk), error=str(error))
