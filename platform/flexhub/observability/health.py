"""What an orchestrator asks: is the process up, and can it do its work?

Answers name what fails, never why in the server's own words: those may hold addresses and names.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from threading import Event

import psycopg
from django.conf import settings
from django.db import connections
from django.http import HttpRequest, JsonResponse
from django.utils.module_loading import import_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

logger = logging.getLogger(__name__)

ANSWER_WITHIN_S = 1.0
# What a check that nobody waits for any more may still take before its thread is free again. libpq's least is 2.
_GIVE_UP_AFTER_S = 2

Check = Callable[[], None]

_draining = Event()


def begin_draining() -> None:
    """From now on this process is not ready, whatever its servers say: it ends, and wants no new visitors."""
    _draining.set()


@never_cache
@require_safe
def healthz(_request: HttpRequest) -> JsonResponse:
    """The process answers. It asks nobody else: restarting it would not bring a database back."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(_request: HttpRequest) -> JsonResponse:
    """All of READINESS_CHECKS answer within a second, and the process does not end; else 503 and which does not."""
    if _draining.is_set():
        return JsonResponse({"status": "draining", "checks": {}}, status=503)
    results = run_checks({name: import_string(path) for name, path in settings.READINESS_CHECKS.items()})
    ready = all(result == "ok" for result in results.values())
    return JsonResponse({"status": "ready" if ready else "not ready", "checks": results}, status=200 if ready else 503)


def run_checks(checks: Mapping[str, Check], *, within_s: float = ANSWER_WITHIN_S) -> dict[str, str]:
    """`ok`, `failed` or `no answer` for each, all at once. Checks hold sockets that may hang, hence the threads."""
    running = {name: _threads().submit(check) for name, check in checks.items()}
    return {name: _outcome(name, future, within_s) for name, future in running.items()}


@cache
def _threads() -> ThreadPoolExecutor:
    # A few probes at a time; while all of them hang, new ones end as `no answer` without piling up.
    return ThreadPoolExecutor(max_workers=4, thread_name_prefix="health")


def _outcome(name: str, future: Future[None], within_s: float) -> str:
    try:
        future.result(timeout=within_s)
    except TimeoutError:
        future.cancel()
        logger.warning("not ready: %s gave no answer within %s s", name, within_s)
        return "no answer"
    except Exception:  # Whatever it is, the answer is that this is not ready.
        logger.warning("not ready: %s failed", name, exc_info=True)
        return "failed"
    return "ok"


def ask_postgresql() -> None:
    """On a connection of its own: Django's belong to the threads of requests."""
    parameters = connections["default"].get_connection_params() | {"connect_timeout": _GIVE_UP_AFTER_S}
    with psycopg.connect(**parameters) as connection:
        connection.execute("SELECT 1")
