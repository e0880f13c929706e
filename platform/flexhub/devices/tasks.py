"""What Celery runs for the registry; the schedule is in `flexhub/celery.py`."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from flexhub.bus import BusUnavailable
from flexhub.bus.connect import connect_worker
from flexhub.devices import conversations
from flexhub.observability.outage import Outage
from tenants.tasks import TenantTask

_forgetting = Outage("old conversations are not being forgotten")


@shared_task(base=TenantTask)
def forget_old_conversations(**_: object) -> None:
    """Of tenants that keep them for a shorter time than the bus does."""
    with _forgetting.expected(BusUnavailable):
        conversations.forget_old_conversations(connect_worker(settings.REDIS_URL), settings.CLOCK.now())
