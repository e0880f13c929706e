"""Where a change comes from: bound by whoever lets it in, written into the audit trail and into each log line.

A request is bound by `OriginMiddleware`, a task by `TenantTask`, a command by `TracedCommand`. What a task does goes on
under the trace id of its sender, so that one id leads from a click to all that followed from it. Without any binding,
as in a shell, rows say nothing about their origin.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum

from structlog.contextvars import bound_contextvars

# Version 00 has these four parts and no more; a later one may go on after another dash (W3C Trace Context, 3.2.2).
_TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?", re.DOTALL)
_TRACE_ID = re.compile(r"(?!0{32})[0-9a-f]{32}")


class Via(StrEnum):
    """Which way a change came in."""

    ADMIN = "admin"
    WEB = "web"
    API = "api"
    GATEWAY = "gateway"
    TASK = "task"
    COMMAND = "command"


def new_trace_id() -> str:
    return secrets.token_hex(16)


@dataclass(frozen=True, slots=True)
class Origin:
    """`ip` is the client's address as far as we trust what we are told; `trace_id` has 32 hexadecimal digits."""

    via: Via | None = None
    ip: str | None = None
    trace_id: str = field(default_factory=new_trace_id)


_UNKNOWN = Origin(trace_id="")
_current: ContextVar[Origin] = ContextVar("origin", default=_UNKNOWN)


def current() -> Origin:
    return _current.get()


@contextmanager
def bound(origin: Origin) -> Iterator[None]:
    """What happens in this block, in this thread or coroutine, comes from there."""
    token = _current.set(origin)
    try:
        with bound_contextvars(trace_id=origin.trace_id):
            yield
    finally:
        _current.reset(token)


def is_trace_id(text: object) -> bool:
    return isinstance(text, str) and _TRACE_ID.fullmatch(text) is not None


def trace_id_of(traceparent: str) -> str | None:
    """The trace id in the header of that name; None where the header is not valid.

    Whoever sends it chooses it, so it joins rows and lines and proves nothing.
    """
    found = _TRACEPARENT.fullmatch(traceparent.strip())
    if found is None or (found[1] == "00" and found[4]) or set(found[3]) == {"0"} or not is_trace_id(found[2]):
        return None
    return found[2]
