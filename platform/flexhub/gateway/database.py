"""What the event loop asks the database: in a thread of its own, and with a timeout."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import Error, close_old_connections, connections

Answer = TypeVar("Answer")


class DatabaseUnavailable(Exception):
    """The database did not answer. The text names the kind of trouble only: the error's own may quote the query."""


class ConnectionThread:
    """One thread with one connection, which it alone can close; whoever asks waits for the one before."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._closed = False

    async def run(self, question: Callable[[], Answer]) -> Answer:
        """Raises what `question` raises."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, _at_the_edges_of_a_request, question)

    def close(self) -> None:
        """Closing again changes nothing."""
        if not self._closed:
            self._closed = True
            self._thread.submit(connections.close_all)
            self._thread.shutdown(wait=False)


class DatabaseThread(ConnectionThread):
    """A thread whose answers come within a time."""

    def __init__(self, name: str, *, timeout_s: float) -> None:
        super().__init__(name)
        self._timeout_s = timeout_s

    async def ask(self, question: Callable[[], Answer]) -> Answer:
        """Raises DatabaseUnavailable, and what `question` raises that is no trouble of the database."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self.run(question)
        except (Error, TimeoutError) as error:
            raise DatabaseUnavailable(type(error).__name__) from error


def _at_the_edges_of_a_request(question: Callable[[], Answer]) -> Answer:
    # No request surrounds this thread's work, so what Django does at a request's edges is done here.
    close_old_connections()
    try:
        return question()
    finally:
        close_old_connections()
