"""Lets a process go on when nobody takes its log.

A pipe that is not read holds 64 KiB, and then whoever writes into it waits. In an event loop that would be every
session. So a thread writes, and waits in its place; what comes meanwhile is kept up to a bound and counted beyond it.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections import deque
from collections.abc import Callable

# Some megabytes. A log that is so far behind has lost its reader.
LIMIT = 10_000
# At the end of the process, for what is still to be written.
DRAIN_S = 2.0


class LogSpool:
    """A text file to write to that never makes anybody wait. `dropped_line` makes the line that tells of a gap."""

    def __init__(self, descriptor: int, dropped_line: Callable[[int], str], *, limit: int = LIMIT) -> None:
        self._descriptor = descriptor
        self._dropped_line = dropped_line
        self._limit = limit
        self._lines: deque[str] = deque()
        self._dropped = 0
        self._more = threading.Condition()
        self._writing = False
        # Not through a buffered file, whose lock a waiting thread would hold when the interpreter ends.
        self._thread = threading.Thread(target=self._run, name="log-spool", daemon=True)
        self._thread.start()
        atexit.register(self.drain, DRAIN_S)

    def write(self, text: str) -> None:
        with self._more:
            if len(self._lines) < self._limit:
                self._lines.append(text)
            else:
                self._dropped += 1
            self._more.notify_all()

    def flush(self) -> None:
        """Nobody waits here."""

    def drain(self, timeout_s: float) -> bool:
        """Wait until all is written; False when that took too long."""
        with self._more:
            return self._more.wait_for(lambda: not (self._lines or self._dropped or self._writing), timeout_s)

    def _run(self) -> None:
        while True:
            text = self._next()
            try:
                _write(self._descriptor, text.encode("utf-8", "backslashreplace"))
            except OSError:
                # Whoever read is gone for good, and there is nobody else to tell.
                return
            finally:
                with self._more:
                    self._writing = False
                    self._more.notify_all()

    def _next(self) -> str:
        """What is there, as one text. A gap comes after all that was kept before it."""
        with self._more:
            self._more.wait_for(lambda: self._lines or self._dropped)
            self._writing = True
            parts = list(self._lines)
            self._lines.clear()
            if self._dropped:
                parts.append(self._dropped_line(self._dropped))
                self._dropped = 0
            return "".join(parts)


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
