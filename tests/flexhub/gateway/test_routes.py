from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import uuid4

import pytest

from flexhub.gateway import routes
from flexhub.gateway.auth import TOKEN_MISSING
from tests.support.registry import Household, make_household


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


async def replies(path: str, *headers: tuple[bytes, bytes], query: str = "") -> list[Mapping[str, Any]]:
    sent: list[Mapping[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(event: Mapping[str, Any]) -> None:
        sent.append(event)

    scope = {
        "type": "websocket",
        "path": path,
        "query_string": query.encode(),
        "headers": headers,
        "extensions": {"websocket.http.response": {}},
    }
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


def bearer(token: str) -> tuple[bytes, bytes]:
    return b"authorization", f"Bearer {token}".encode()


@pytest.fixture
def alder(transactional_db: None) -> Household:
    return make_household("Alder")


@pytest.fixture
def birch(transactional_db: None) -> Household:
    return make_household("Birch")


async def test_whoever_has_no_right_hears_the_same_whatever_there_is(
    alder: Household, birch: Household, caplog: pytest.LogCaptureFixture
) -> None:
    theirs, ours = alder.rm_node.pk, birch.rm_node.pk
    strangers = [
        (f"{theirs}", birch.token),
        (f"{theirs}/{alder.cem_node.pk}", birch.token),
        (f"{theirs}/{birch.cem_node.pk}", birch.token),
        (f"{ours}/{alder.cem_node.pk}", birch.token),
        (f"{alder.link.pk}", birch.token),
        (f"{uuid4()}", birch.token),
        (f"{theirs}", "fhn_wrong"),
        (f"{uuid4()}", "fhn_wrong"),
        (f"{theirs}", "fha_" + alder.token.removeprefix("fhn_")),
    ]

    with caplog.at_level(logging.DEBUG):
        answers = [await replies(f"/s2/v0/{path}", bearer(token)) for path, token in strangers]

    assert answers[0][0]["status"] == 401
    assert all(answer == answers[0] for answer in answers)
    assert not any(token in caplog.text for _, token in strangers)


async def test_takes_a_token_from_the_one_header_only(alder: Household, caplog: pytest.LogCaptureFixture) -> None:
    path, token = f"/s2/v0/{alder.rm_node.pk}", alder.token

    with caplog.at_level(logging.DEBUG):
        answers = [
            await replies(path, query=f"token={token}"),
            await replies(path, query=f"access_token={token}&authorization=Bearer%20{token}"),
            await replies(path, (b"sec-websocket-protocol", f"bearer, {token}".encode())),
            await replies(path, (b"cookie", f"token={token}".encode())),
            await replies(path, (b"x-authorization", f"Bearer {token}".encode())),
            await replies(path, bearer(token), bearer(token)),
            await replies(path, bearer(token + "x" * 100_000)),
        ]

    for answer in answers:
        assert (answer[0]["status"], answer[1]["body"]) == (401, TOKEN_MISSING.reason.encode())
    assert token not in caplog.text


async def test_a_lifespan_ends_cleanly_although_no_device_ever_came() -> None:
    events = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    sent: list[str] = []

    async def receive() -> dict[str, Any]:
        return next(events)

    async def send(event: Mapping[str, Any]) -> None:
        sent.append(event["type"])

    await asyncio.wait_for(routes.lifespan(receive, send), 10)

    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
