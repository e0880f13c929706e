"""Answers an upgrade request with an HTTP status instead of a WebSocket.

Servers that offer the ASGI extension `websocket.http.response` (ours, uvicorn) send the status; others answer 403.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a socket is not opened. `reason` is shown to the peer, so it never holds a secret."""

    status: HTTPStatus
    reason: str
    headers: tuple[tuple[bytes, bytes], ...] = ()


UNKNOWN_PATH = Refusal(HTTPStatus.NOT_FOUND, "S2 is spoken at /s2/v0/<node id>.\n")


async def refuse(scope: Scope, send: Send, refusal: Refusal) -> None:
    """Answer a connection whose `websocket.connect` event was taken already."""
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": 1008, "reason": refusal.reason})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *refusal.headers]
    await send({"type": "websocket.http.response.start", "status": refusal.status.value, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": refusal.reason.encode()})
