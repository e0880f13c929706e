from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flexhub.request_size import Receive, Scope, Send, bounded


async def echo(_scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with all that came."""
    body, more = b"", True
    while more:
        event = await receive()
        body, more = body + event["body"], event["more_body"]
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": body})


async def ask(*parts: bytes, length: bytes | None = None) -> tuple[int, bytes]:
    """The answer to a request with this body, of which the bound lets ten bytes in."""
    waiting = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    waiting[-1]["more_body"] = False
    sent: list[Mapping[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return waiting.pop(0)

    async def send(event: Mapping[str, Any]) -> None:
        sent.append(event)

    headers = [] if length is None else [(b"content-length", length)]
    await bounded(echo, 10)({"type": "http", "headers": headers}, receive, send)
    start, body = sent
    return start["status"], body["body"]


async def test_lets_in_what_is_small_enough() -> None:
    assert await ask(b"12345", b"67890", length=b"10") == (200, b"1234567890")


async def test_refuses_what_is_announced_as_too_large_without_reading_it() -> None:
    status, reason = await ask(b"", length=b"11")

    assert (status, reason) == (413, b"This request is too large.\n")


async def test_refuses_what_turns_out_too_large() -> None:
    assert (await ask(b"12345", b"67890", b"1"))[0] == 413


async def test_leaves_a_length_that_is_none_to_the_server() -> None:
    assert (await ask(b"1", length=b"-5"))[0] == 200
