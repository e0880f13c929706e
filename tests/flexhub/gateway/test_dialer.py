"""Connections to real servers, on the loopback interface."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from flexhub.gateway.dialer import DialFailed, DialledSocket, Dialler
from flexhub.gateway.limits import Patience
from flexhub.gateway.resolver import Found, Resolver
from tests.support.servers_elsewhere import certificate_for, server_elsewhere

TOKEN = "geheim-1"
HASTY = Patience(ping_every_s=0.2, pong_within_s=0.3, read_within_s=0.5)


def dialler(**options: Any) -> Dialler:
    return Dialler(**({"max_frame_bytes": 1_000, "plain": True, "private": True} | options))


async def event(socket_: DialledSocket) -> dict[str, Any]:
    return await asyncio.wait_for(socket_.receive(), 20)


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def test_speaks_as_an_asgi_server_would() -> None:
    seen: list[Headers] = []

    async def handler(connection: ServerConnection) -> None:
        assert connection.request is not None
        seen.append(connection.request.headers)
        await echo(connection)

    async with server_elsewhere(handler) as port:
        connection = await dialler().connect(f"ws://127.0.0.1:{port}/s2?a=b", TOKEN)
        await connection.send({"type": "websocket.accept"})
        await connection.send({"type": "websocket.send", "text": "grüß"})
        assert await event(connection) == {"type": "websocket.receive", "text": "grüß"}
        assert connection.peer == f"127.0.0.1:{port}"

        await connection.send({"type": "websocket.close", "code": 4409, "reason": "ü" * 100})
        end = await event(connection)
        await connection.send({"type": "websocket.send", "text": "to nobody"})
        await connection.close()

    assert (end["type"], end["code"]) == ("websocket.disconnect", 4409)
    assert seen[0]["Authorization"] == f"Bearer {TOKEN}"
    assert seen[0]["User-Agent"] == "flexhub"
    assert "Sec-WebSocket-Extensions" not in seen[0]


async def test_shows_no_token_where_there_is_none() -> None:
    seen: list[Headers] = []

    async def handler(connection: ServerConnection) -> None:
        assert connection.request is not None
        seen.append(connection.request.headers)

    async with server_elsewhere(handler) as port:
        await (await dialler().connect(f"ws://127.0.0.1:{port}", "")).close()

    assert "Authorization" not in seen[0]


async def test_tells_how_the_peer_closed_and_that_it_broke_off() -> None:
    async def closes(connection: ServerConnection) -> None:
        await connection.close(1013, "later")

    async def breaks(connection: ServerConnection) -> None:
        connection.transport.abort()

    for handler, code, reason in ((closes, 1013, "later"), (breaks, 1006, "")):
        async with server_elsewhere(handler) as port:
            end = await event(await dialler().connect(f"ws://127.0.0.1:{port}", TOKEN))

        assert end == {"type": "websocket.disconnect", "code": code, "reason": reason}


async def test_hands_binary_frames_on() -> None:
    async with server_elsewhere(lambda connection: connection.send(b"\x00")) as port:
        assert (await event(await dialler().connect(f"ws://127.0.0.1:{port}", TOKEN)))["bytes"] == b"\x00"


async def test_a_frame_above_the_limit_is_answered_with_1009() -> None:
    codes: list[int | None] = []

    async def handler(connection: ServerConnection) -> None:
        await connection.send("x" * 1_001)
        await connection.wait_closed()
        codes.append(connection.protocol.close_code)

    async with server_elsewhere(handler) as port:
        end = await event(await dialler().connect(f"ws://127.0.0.1:{port}", TOKEN))

    assert end["code"] == 1009
    assert codes == [1009]


async def test_a_frame_that_is_not_utf_8_is_answered_with_1007() -> None:
    codes: list[int | None] = []

    async def handler(connection: ServerConnection) -> None:
        connection.protocol.send_text(b"\xff")
        connection.send_data()
        await connection.wait_closed()
        codes.append(connection.protocol.close_code)

    async with server_elsewhere(handler) as port:
        end = await event(await dialler().connect(f"ws://127.0.0.1:{port}", TOKEN))

    assert end["code"] == 1007
    assert codes == [1007]


@pytest.mark.parametrize(
    ("status", "refused", "text"),
    [
        (HTTPStatus.UNAUTHORIZED, True, "does not take our token"),
        (HTTPStatus.FORBIDDEN, True, "does not take our token"),
        (HTTPStatus.SERVICE_UNAVAILABLE, False, "HTTP 503"),
        (HTTPStatus.FOUND, False, "follows no redirects"),
    ],
)
async def test_says_what_an_upgrade_was_refused_with(status: HTTPStatus, refused: bool, text: str) -> None:
    reached: list[str] = []

    def refuse(connection: ServerConnection, request: Request) -> Response | None:
        reached.append(request.path)
        response = connection.respond(status, "no")
        response.headers["Location"] = "/elsewhere"
        return response

    async with server_elsewhere(echo, process_request=refuse) as port:
        with pytest.raises(DialFailed, match=text) as caught:
            await dialler().connect(f"ws://127.0.0.1:{port}/here", TOKEN)

    assert caught.value.refused is refused
    assert TOKEN not in str(caught.value)
    assert reached == ["/here"]


async def test_says_what_stood_in_the_way() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(DialFailed, match=r"no answer within 0\.3 s"):
            await dialler(timeout_s=0.3).connect(f"ws://127.0.0.1:{port}", TOKEN)
    with pytest.raises(DialFailed, match="refused"):
        await dialler().connect(f"ws://127.0.0.1:{port}", TOKEN)
    with pytest.raises(DialFailed, match="not a name that can be looked up"):
        await dialler().connect(f"ws://{'x' * 70}.example", TOKEN)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as other:
        port = other.sockets[0].getsockname()[1]
        with pytest.raises(DialFailed, match="does not speak WebSocket"):
            await dialler().connect(f"ws://127.0.0.1:{port}", TOKEN)


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("ws://127.0.0.1:{port}", {"private": False}),
        ("ws://localhost:{port}", {"private": False}),
        ("ws://ems.example:{port}", {"private": False}),
        ("ws://127.0.0.1:{port}", {"plain": False}),
        ("http://127.0.0.1:{port}", {}),
    ],
)
async def test_does_not_knock_where_it_may_not(url: str, options: dict[str, bool]) -> None:
    knocked: list[str] = []

    async def handler(connection: ServerConnection) -> None:
        knocked.append("who is there")

    async with server_elsewhere(handler) as port:
        resolver = Resolver(private=options.get("private", True), look_up=_home)
        with pytest.raises(DialFailed) as caught:
            await dialler(**options, resolver=resolver).connect(url.format(port=port), TOKEN)

    assert caught.value.refused
    assert knocked == []


async def _home(host: str, port: int) -> Sequence[Found]:
    """Whatever the name, it leads inside."""
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]


async def test_asks_for_the_name_although_it_connects_to_an_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str | None] = []
    tls, authority = certificate_for("ems.example", tmp_path)
    tls.sni_callback = lambda _socket, name, _context: asked.append(name)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))

    async def handler(connection: ServerConnection) -> None:
        assert connection.request is not None
        await connection.send(connection.request.headers["Host"])

    async with server_elsewhere(handler, ssl=tls) as port:
        resolver = Resolver(private=True, look_up=_home)
        connection = await dialler(resolver=resolver).connect(f"wss://ems.example:{port}/", TOKEN)
        assert (await event(connection))["text"] == f"ems.example:{port}"
        await connection.close()

        with pytest.raises(DialFailed, match="TLS: Hostname mismatch"):
            await dialler(resolver=resolver).connect(f"wss://other.example:{port}/", TOKEN)

    assert asked == ["ems.example", "other.example"]


async def test_trusts_no_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    tls, _ = certificate_for("ems.example", tmp_path)

    async with server_elsewhere(echo, ssl=tls) as port:
        with pytest.raises(DialFailed, match="TLS: self-signed certificate"):
            await dialler(resolver=Resolver(private=True, look_up=_home)).connect(f"wss://ems.example:{port}/", TOKEN)


async def test_gives_up_a_peer_that_answers_no_ping() -> None:
    over = asyncio.Event()

    async def deaf(connection: ServerConnection) -> None:
        connection.transport.pause_reading()
        await over.wait()

    async with server_elsewhere(deaf, close_timeout=0.1) as port:
        end = await event(await dialler(patience=HASTY).connect(f"ws://127.0.0.1:{port}", TOKEN))
        over.set()

    assert end == {"type": "websocket.disconnect", "code": 1006, "reason": HASTY.no_pong}


async def test_cuts_off_a_peer_that_does_not_read() -> None:
    over = asyncio.Event()

    async def deaf(connection: ServerConnection) -> None:
        connection.transport.pause_reading()
        await over.wait()

    patience = Patience(ping_every_s=60, pong_within_s=60, read_within_s=0.5)
    async with server_elsewhere(deaf, close_timeout=0.1) as port:
        connection = await dialler(patience=patience).connect(f"ws://127.0.0.1:{port}", TOKEN)
        async with asyncio.timeout(20):
            for _ in range(200):
                await connection.send({"type": "websocket.send", "text": "x" * 1_000_000})

        assert await event(connection) == {"type": "websocket.disconnect", "code": 1006, "reason": patience.not_read}
        over.set()


async def test_does_not_read_on_while_nobody_takes_it_in() -> None:
    sent = 0

    async def flood(connection: ServerConnection) -> None:
        nonlocal sent
        try:
            while True:
                await connection.send("x" * 1_000)
                sent += 1
        except ConnectionClosed:
            return

    async with server_elsewhere(flood, close_timeout=0.1) as port:
        connection = await dialler().connect(f"ws://127.0.0.1:{port}", TOKEN)
        before = -1
        async with asyncio.timeout(60):
            while not sent or sent != before:
                before = sent
                await asyncio.sleep(0.3)
        closing = asyncio.create_task(connection.close())
        while (await event(connection))["type"] != "websocket.disconnect":
            pass
        await closing

    # What the two kernels and the library hold; a peer's flood is some hundred thousand a second.
    assert 0 < sent < 50_000


async def test_never_logs_a_token(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with server_elsewhere(echo) as port:
        await (await dialler().connect(f"ws://127.0.0.1:{port}", TOKEN)).close()

    # The server's side is the library's own, and writes the headers that it got.
    ours = [record for record in caplog.records if not record.name.startswith("websockets.server")]
    assert TOKEN not in "".join(record.getMessage() for record in ours)
