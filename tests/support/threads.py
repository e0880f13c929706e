"""Threads of a test that use the database: their connections close with them, their errors come out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.db import connections

from tests.support.registry import query

PATIENCE_S = 120.0
POLL_S = 0.02


@contextmanager
def database_threads(number: int) -> Iterator[Callable[..., Future[Any]]]:
    """Starts a call in a thread of its own. At the end all have ended, and none has failed."""
    started: list[Future[Any]] = []

    def start(call: Callable[..., Any], *args: Any) -> Future[Any]:
        started.append(threads.submit(with_connection_closed, call, *args))
        return started[-1]

    with ThreadPoolExecutor(number) as threads:
        yield start
        for future in started:
            future.result(PATIENCE_S)


def await_that(look: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not look():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(POLL_S)


def somebody_waits_for_a_lock() -> bool:
    return bool(query("SELECT 1 FROM pg_locks WHERE NOT granted"))


def with_connection_closed(call: Callable[..., Any], *args: Any) -> Any:
    try:
        return call(*args)
    finally:
        connections.close_all()
