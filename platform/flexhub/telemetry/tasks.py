"""What Celery runs for telemetry; the schedule is in `flexhub/celery.py`."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.db import OperationalError

from flexhub.bus import BusUnavailable
from flexhub.bus.connect import connect_worker
from flexhub.observability.outage import Outage
from flexhub.telemetry import removal, writer
from tenants.tasks import TenantTask

_draining = Outage("telemetry is not being stored")


@shared_task(base=TenantTask)
def drain_telemetry(**_: object) -> None:
    """Store what measurements have come. While a server is away they wait in the stream."""
    with _draining.expected(BusUnavailable, OperationalError):
        writer.drain(connect_worker(settings.REDIS_URL), now=settings.CLOCK.now(), retention=_retention())


@shared_task(base=TenantTask)
def drop_old_partitions(**_: object) -> None:
    writer.drop_old_partitions(now=settings.CLOCK.now(), retention=_retention())


@shared_task(base=TenantTask)
def delete_old_measurements(**_: object) -> None:
    """Of tenants that keep them for a shorter time than the hub does; and means that nobody keeps any more."""
    removal.apply_retention(settings.CLOCK.now())
    removal.forget_rollups(settings.CLOCK.now(), _retention())


def _retention() -> timedelta:
    return timedelta(days=settings.TELEMETRY_RETENTION_DAYS)
