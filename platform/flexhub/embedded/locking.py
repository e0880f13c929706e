"""One starter at a time. The kernel lets go of the lock when its holder ends, so it is never stale."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flexhub.embedded.errors import EmbeddedError


@contextmanager
def exclusive(path: Path, report: Callable[[str], None], *, timeout_s: float = 90.0) -> Iterator[None]:
    """Hold the lock file. Raises EmbeddedError when another process holds it for longer than `timeout_s`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        _acquire(file.fileno(), path, report, timeout_s)
        yield


def _acquire(descriptor: int, path: Path, report: Callable[[str], None], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    told = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise EmbeddedError(f"another process holds {path} for more than {timeout_s:.0f} s") from None
            if not told:
                report("waiting for another process that is starting or stopping the services")
                told = True
            time.sleep(0.05)
        else:
            return
