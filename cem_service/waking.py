"""Having a site looked at as soon as what somebody changed there is committed."""

from __future__ import annotations

import structlog
from django.db import transaction

from cem_service.runtime import Tools
from flexhub.bus.errors import BusUnavailable
from flexhub.devices.models import Site

log = structlog.get_logger(__name__)


def wake_on_commit(site: Site, tools: Tools) -> None:
    """At once, and not with the next sweep: whoever changes something waits for its effect. Needs a transaction."""

    def wake() -> None:
        try:
            tools.wake(site.tenant_id, site.pk)
        except BusUnavailable as error:
            # The rows are there; the first look at the site after the outage goes by them.
            log.warning("cem.wake_failed", site_id=str(site.pk), error=str(error))

    transaction.on_commit(wake)
