"""The Celery application: its queues and its schedule.

`cem` reacts and `plan` plans (CPU), `rm` talks to vendors' clouds and asks the providers of feeds (network), `default`
moves rows from Redis to PostgreSQL. Plans have a queue of their own because all sites want one at the same quarter
hour, and an overloaded fuse must not wait behind them (decision 0002).
Tasks are acknowledged after they ran, so a killed worker's task runs again: by Celery at once when a pool child
died, by the broker after the visibility timeout when the whole worker did. Tasks are therefore idempotent and short.
"""

import gc
import os
import sys
import threading
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "flexhub.settings")

from celery import Celery, signals
from django.conf import settings
from django.db import close_old_connections, connections

from flexhub.broker import celery_settings
from flexhub.observability import logs

_TRANSPORT_OPTIONS = {
    # Beside the bus's keys, and apart from whatever else lives in a Redis that an operator shares.
    "global_keyprefix": "fh:celery:",
    # No task runs for more than the time limit, so after it an unacknowledged task has lost its worker.
    "visibility_timeout": 90,
    "socket_timeout": 10,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 10,
    # Whoever sends a task may hold up a page, or a device: not for the six seconds for which kombu tries if nothing is
    # said here, `retry=False` or not. There are enough tries to pass over some Sentinels that are away.
    "max_retries": 6,
    "interval_start": 0.1,
    "interval_step": 0.0,
    "interval_max": 0.1,
}

app = Celery("flexhub")
# In every thread, and not in that which has imported this alone.
app.set_default()
app.config_from_object(
    {
        **celery_settings(settings.CELERY_BROKER_URL, _TRANSPORT_OPTIONS),
        "task_ignore_result": True,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_default_queue": "default",
        "task_routes": {
            "cem_service.tasks.react": {"queue": "cem"},
            "cem_service.tasks.plan": {"queue": "plan"},
            "cem_service.tasks.what_if": {"queue": "plan"},
            "rm_adapters.*": {"queue": "rm"},
            "cem_service.feeds.tasks.fetch": {"queue": "rm"},
        },
        "task_time_limit": 60,
        "task_soft_time_limit": 45,
        "task_serializer": "json",
        "accept_content": ["json"],
        # One task in hand per process: a waiting site must not sit behind a slow one while another process idles.
        "worker_prefetch_multiplier": 1,
        "worker_hijack_root_logger": False,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "enable_utc": True,
        "timezone": "UTC",
        # Celery would close what a task has opened; `look_after_connections` does better.
        "CELERY_DB_REUSE_MAX": sys.maxsize // 2,
    }
)
app.autodiscover_tasks()


def _every(seconds: float, task: str, queue: str) -> dict[str, Any]:
    """A beat entry that expires by the time of the next, so that a stopped worker does not find a pile of them."""
    return {"task": task, "schedule": seconds, "options": {"queue": queue, "expires": max(seconds, 2.0)}}


# Periods are real seconds: they drain and watch, they do not follow the simulated clock.
app.conf.beat_schedule = {
    "drain-telemetry": _every(1.0, "flexhub.telemetry.tasks.drain_telemetry", "default"),
    "drain-ledger": _every(1.0, "cem_service.tasks.drain_ledger", "default"),
    "wake-due-sites": _every(2.0, "cem_service.tasks.wake_due_sites", "default"),
    "wake-changed-limits": _every(1.0, "cem_service.tasks.wake_changed_limits", "default"),
    # Not in the queue `rm`: a sweep must not wait behind the clouds that it wakes others for.
    "wake-due-hosted": _every(1.0, "rm_adapters.tasks.wake_due_hosted", "default"),
    "wake-changed-sessions": _every(10.0, "rm_adapters.tasks.wake_changed_sessions", "default"),
    # As above: the providers are asked by tasks in `rm`.
    "wake-due-feeds": _every(5.0, "cem_service.feeds.tasks.wake_due_feeds", "default"),
    "forget-old-series": _every(3600.0, "cem_service.feeds.tasks.forget_old_series", "default"),
    "drop-old-partitions": _every(3600.0, "flexhub.telemetry.tasks.drop_old_partitions", "default"),
    "delete-old-measurements": _every(3600.0, "flexhub.telemetry.tasks.delete_old_measurements", "default"),
    "forget-old-conversations": _every(3600.0, "flexhub.devices.tasks.forget_old_conversations", "default"),
    "go-on-with-erasures": _every(60.0, "tenants.tasks.go_on_with_erasures", "default"),
    "forget-old-audit-rows": _every(3600.0, "tenants.tasks.forget_old_audit_rows", "default"),
    "forget-old-sign-ins": _every(3600.0, "tenants.tasks.forget_old_sign_ins", "default"),
    "forget-expired-access-tokens": _every(600.0, "tenants.tasks.forget_expired_access_tokens", "default"),
    "finish-key-rotations": _every(3600.0, "tenants.tasks.finish_key_rotations", "default"),
    "forget-old-plan-runs": _every(600.0, "cem_service.tasks.forget_old_plan_runs", "default"),
}


# Of new objects. A task makes some ten thousand, nearly all of which are gone with it, in no cycle.
_GARBAGE_AFTER = 20_000


@signals.worker_process_init.connect
def spare_what_stays(**_: object) -> None:
    """What was loaded before the fork stays, and to look through it for garbage takes longer than most tasks.

    To look as often as Python does by itself takes 3 % of the time in which plans are made.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GARBAGE_AFTER, *gc.get_threshold()[1:])


@signals.task_prerun.connect
def look_after_connections(**_: object) -> None:
    """A process keeps its connection to PostgreSQL from task to task, for as long and as carefully as views do.

    A new one costs PostgreSQL more than most tasks, and knows no prepared statements.
    """
    close_old_connections()


@signals.task_postrun.connect
def give_connections_back(**_: object) -> None:
    """Those of a thread: there are many in a pool, which wait for vendors and ask PostgreSQL for little."""
    if threading.current_thread() is not threading.main_thread():
        connections.close_all()


@signals.setup_logging.connect
def _configure_logging(**_: object) -> None:
    """Celery's workers log like every other process of ours."""
    logs.configure(settings.LOGGING)
