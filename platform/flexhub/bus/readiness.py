"""What an orchestrator asks of the bus: can Redis be reached, wherever its address says it is?"""

from __future__ import annotations

from django.conf import settings

from flexhub.bus import keys
from flexhub.bus.opening import open_worker_line
from flexhub.observability.health import ANSWER_WITHIN_S


def ask_redis() -> None:
    """Whoever holds the directory of leases answers; without it nothing works. Raises BusUnavailable.

    On a connection of its own, so that it also says whether new ones are let in.
    """
    line = open_worker_line(settings.REDIS_URL, timeout_s=ANSWER_WITHIN_S, connections=1)
    try:
        line.exchange([("EXISTS", keys.PROCESSES)])
    finally:
        line.close()
