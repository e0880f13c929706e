"""The hosted energy manager as its own processes, for a benchmark: a Celery worker, and what it costs.

The hub's clock begins at a fixed moment, so that no quarter hour ends while something is measured.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil

from flexhub.clock import Clock
from tests.bench.crowd import PATIENCE_S, wait_for
from tests.bench.world import World
from tests.support.early import ROOT

BEGINS = datetime(2026, 4, 21, 10, 1, tzinfo=UTC)
TASK_LIFE_S = 60.0


class Worker:
    """`celery worker` for these queues, with one process that works."""

    def __init__(self, environment: Mapping[str, str], queues: str, log: Path, app: str = "flexhub.celery") -> None:
        arguments = (sys.executable, "-m", "celery", "-A", app, "worker", "-Q", queues, "-n", f"{queues}@bench")
        quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "INFO")
        self._log = log
        with log.open("ab") as file:
            self._process = subprocess.Popen(  # Our own program.
                (*arguments, "--pool", "prefork", "--concurrency", "1", *quiet),
                cwd=ROOT,
                # As in production.
                env=dict(environment) | {"LOG_LEVEL": "INFO"},
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    def await_ready(self) -> None:
        wait_for(self._is_ready, "the worker is ready")

    @property
    def cpu_s(self) -> float:
        """Of the process that works, and of the one that hands it its tasks."""
        return tree_cpu_s(psutil.Process(self._process.pid))

    def end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(PATIENCE_S)

    def errors(self) -> list[str]:
        return re.findall(r".*(?:ERROR|Traceback|raised unexpected).*", self._log.read_text(errors="replace"))

    def _is_ready(self) -> bool:
        text = self._log.read_text(errors="replace")
        assert self._process.poll() is None, f"the worker ended:\n{text[-4000:]}"
        return "ready." in text


def tree_cpu_s(process: psutil.Process) -> float:
    """User and system time of a process, of those that it has started, and of those of them that have ended."""
    total = 0.0
    for each in (process, *process.children(recursive=True)):
        try:
            times = each.cpu_times()
        except psutil.NoSuchProcess:
            continue  # It ends just now, and its parent counts it from then on.
        total += times.user + times.system + times.children_user + times.children_system
    return total


@dataclass(frozen=True, slots=True)
class Servers:
    """PostgreSQL and Redis of a world."""

    postgres: psutil.Process
    redis: psutil.Process

    @classmethod
    def of(cls, world: World) -> Servers:
        import psycopg
        from redis import Redis

        with psycopg.connect(world.environment["DATABASE_URL"], connect_timeout=10) as connection:
            postmaster = psutil.Process(connection.info.backend_pid).parent()
        assert postmaster is not None
        client: Any = Redis.from_url(world.environment["REDIS_URL"], socket_timeout=10)
        with client:
            pid = client.info("server")["process_id"]
        return cls(postmaster, psutil.Process(pid))


class Wakes:
    """Sends the task that looks at a site, as the gateway does."""

    def __init__(self, redis_url: str) -> None:
        from flexhub.celery import app

        self._app = app
        # A world has its own servers, and the application may be of an earlier one.
        self._connection = app.connection_for_write(redis_url)

    def send(self, tenant_id: UUID, site_id: UUID) -> None:
        self._app.send_task(
            "cem_service.tasks.react",
            kwargs={"tenant_id": str(tenant_id), "site_id": str(site_id)},
            connection=self._connection,
            expires=TASK_LIFE_S,
            ignore_result=True,
        )

    def close(self) -> None:
        self._connection.release()


@contextmanager
def hub_clock() -> Iterator[Clock]:
    """In this process; others are given it as `FLEXHUB_CLOCK`."""
    from django.conf import settings

    clock, before = Clock.starting_at(BEGINS, factor=1.0), settings.CLOCK
    settings.CLOCK = clock
    try:
        yield clock
    finally:
        settings.CLOCK = before
