"""Which line an address asks for."""

from __future__ import annotations

from flexhub.bus.line import Line, ServerLine
from flexhub.bus.worker_line import ServerWorkerLine, WorkerLine


def open_line(url: str, *, timeout_s: float) -> Line:
    return ServerLine(url, timeout_s=timeout_s)


def open_worker_line(url: str, *, timeout_s: float, connections: int) -> WorkerLine:
    return ServerWorkerLine(url, timeout_s=timeout_s, connections=connections)
