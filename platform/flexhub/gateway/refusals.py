"""Answers an upgrade request with an HTTP status instead of a WebSocket.

Servers that offer the ASGI extension `websocket.http.response` (ours, uvicorn) send the status; others answer 403.

Whoever is refused for now (503), or for being one too many (429), is told when to come back. Each is told another time,
since what put one of them off puts thousands off at the same moment.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flexhub.gateway.limits import QUOTA_RETRY_AFTER_S, RETRY_AFTER_S

_RETRY_AFTER_S = {
    HTTPStatus.SERVICE_UNAVAILABLE: RETRY_AFTER_S,
    HTTPStatus.TOO_MANY_REQUESTS: QUOTA_RETRY_AFTER_S,
}

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a socket is not opened. `reason` is shown to the peer, so it never holds a secret."""

    status: HTTPStatus
    reason: str
    headers: tuple[tuple[bytes, bytes], ...] = ()

    def all_headers(self) -> list[tuple[bytes, bytes]]:
        """Those of the answer, save its length."""
        headers = [(b"content-type", b"text/plain; charset=utf-8"), *self.headers]
        if (between_s := _RETRY_AFTER_S.get(self.status)) is not None:
            delay_s = random.randint(*between_s)  # noqa: S311  # Spreads a herd, hides nothing.
            headers.append((b"retry-after", b"%d" % delay_s))
        return headers


UNKNOWN_PATH = Refusal(HTTPStatus.NOT_FOUND, "S2 is spoken at /s2/v0/<node id>.\n")
TOO_BUSY = Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "This server has no time for you now; try again later.\n")


async def refuse(scope: Scope, send: Send, refusal: Refusal) -> None:
    """Answer a connection whose `websocket.connect` event was taken already."""
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": 1008, "reason": refusal.reason})
        return
    await send(
        {"type": "websocket.http.response.start", "status": refusal.status.value, "headers": refusal.all_headers()}
    )
    await send({"type": "websocket.http.response.body", "body": refusal.reason.encode()})
