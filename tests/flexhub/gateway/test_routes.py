from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from flexhub.gateway import routes


@pytest.fixture(autouse=True)
async def own_process() -> AsyncIterator[None]:
    """Made for this test's event loop, and ended with it."""
    parts = (routes._bus, routes._process, routes._outgoing, routes._doorkeeper)
    for part in parts:
        part.cache_clear()
    yield
    await routes.shut_down()
    for part in parts:
        part.cache_clear()


async def replies(path: str) -> list[Mapping[str, Any]]:
    sent: list[Mapping[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(event: Mapping[str, Any]) -> None:
        sent.append(event)

    scope = {"type": "websocket", "path": path, "headers": [], "extensions": {"websocket.http.response": {}}}
    await routes.websocket(scope, receive, send)
    return sent


@pytest.mark.parametrize("path", ["/", "/s2/v0/", "/s2/v0/12", "/s2/v1/8f14e45f-ceea-467f-a0d1-3d1e7e2b0001"])
async def test_refuses_other_paths(path: str) -> None:
    assert (await replies(path))[0]["status"] == 404


@pytest.mark.parametrize(
    "end", ["", "/", "/8f14e45f-ceea-467f-a0d1-3d1e7e2b0002", "/8f14e45f-ceea-467f-a0d1-3d1e7e2b0002/"]
)
async def test_leads_to_the_gateway(end: str) -> None:
    assert (await replies(f"/s2/v0/8f14e45f-ceea-467f-a0d1-3d1e7e2b0001{end}"))[0]["status"] == 401


async def test_a_lifespan_ends_cleanly_although_no_device_ever_came() -> None:
    events = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    sent: list[str] = []

    async def receive() -> dict[str, Any]:
        return next(events)

    async def send(event: Mapping[str, Any]) -> None:
        sent.append(event["type"])

    await asyncio.wait_for(routes.lifespan(receive, send), 10)

    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
