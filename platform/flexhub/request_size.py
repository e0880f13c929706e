"""A bound for what a web request may bring along.

Django bounds the forms that it parses, but neither what it writes to a temporary file before that, nor what the REST
framework reads as JSON. So a body that is larger than any of ours gets no further than here. What comes before that is
for the server to bound: uvicorn stops reading, and Daphne is helped by `flexhub.gateway.daphne_request`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

TOO_LARGE = b"This request is too large.\n"
_HEADERS = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]


class _TooLarge(Exception):
    """More came than may come."""


def bounded(application: Application, max_bytes: int) -> Application:
    """An ASGI application for HTTP that answers 413 to a larger body, and leaves everything else to `application`."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if _announced(scope) > max_bytes:
                raise _TooLarge
            # It reads the whole body before it answers anything.
            await application(scope, _counted(receive, max_bytes), send)
        except _TooLarge:
            await send({"type": "http.response.start", "status": 413, "headers": _HEADERS})
            await send({"type": "http.response.body", "body": TOO_LARGE})

    return serve


def _announced(scope: Scope) -> int:
    """What the request says of its size. The server has made sure that the header is a number, and true."""
    lengths = [int(value) for name, value in scope["headers"] if name == b"content-length" and value.isdigit()]
    return max(lengths, default=0)


def _counted(receive: Receive, max_bytes: int) -> Receive:
    came = 0

    async def receive_counted() -> dict[str, Any]:
        nonlocal came
        event = await receive()
        came += len(event.get("body", b""))
        if came > max_bytes:
            raise _TooLarge
        return event

    return receive_counted
