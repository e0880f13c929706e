"""What both servers promise about sockets, with real peers that do not behave; times are short, bounds are generous."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest
from django.conf import settings
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from flexhub.gateway.limits import RETRY_AFTER_S
from flexhub.gateway.refusals import TOO_BUSY
from tests.support.edge_server import MAX_FRAME_BYTES
from tests.support.gateway import RunningGateway, running_gateway
from tests.support.raw_peer import CLOSE, PING, PONG, TEXT, RawPeer

# With a close frame or without; the servers differ in how they tell it.
BY_THE_PEER = ("1000 None", "1000", "1005 None", "1006 None")
MAX_BODY_BYTES = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
EDGE = ("-m", "tests.support.edge_server")


@pytest.fixture(scope="module", params=["daphne", "uvicorn"])
def edge(request: pytest.FixtureRequest) -> Iterator[RunningGateway]:
    environment = os.environ | {
        "DEBUG": "1",
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "DJANGO_SETTINGS_MODULE": "flexhub.settings",
        "PYTHONPATH": "platform",
        "S2_SERVER": request.param,
    }
    with running_gateway(environment, (sys.executable, *EDGE)) as running:
        # Daphne looks at its sockets from two seconds after its start on.
        with RawPeer(running.port, "/echo") as peer:
            peer.read_to_the_end()
        ending(running)
        yield running
        running.signal(signal.SIGTERM)
        assert running.process.wait(20) == 0


def ending(edge: RunningGateway) -> str:
    """How the next socket ended, as its application was told."""
    assert edge.process.stdout is not None
    for line in edge.process.stdout:
        if line.startswith("ended "):
            return line.removeprefix("ended ").strip()
    raise AssertionError("the server is gone")


async def test_puts_off_a_peer_that_nobody_has_time_for(edge: RunningGateway) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"ws://127.0.0.1:{edge.port}/slow"):
            pass

    answer = refused.value.response
    assert answer.status_code == 503
    assert RETRY_AFTER_S[0] <= int(answer.headers["Retry-After"]) <= RETRY_AFTER_S[1]
    assert answer.body == TOO_BUSY.reason.encode()
    # The server goes on, and the application that was too slow does no harm.
    with RawPeer(edge.port, "/echo") as peer:
        peer.send(TEXT, b"hello")
        while (received := peer.receive())[0] == PING:
            pass
        assert received == (TEXT, b"hello")
    assert ending(edge) in BY_THE_PEER


@pytest.mark.parametrize("begun", [b"", b"GET /echo HTTP/1.1\r\nHost: localhost\r\n"])
def test_lets_go_of_a_connection_that_asks_for_nothing(edge: RunningGateway, begun: bytes) -> None:
    with socket.create_connection(("127.0.0.1", edge.port), timeout=20) as silent:
        silent.sendall(begun)

        # Whatever it says about that, it ends.
        with suppress(ConnectionError):
            while silent.recv(1_000):
                pass


@pytest.mark.parametrize(
    ("headers", "sent"),
    [
        (b"Content-Length: 10000000000\r\nExpect: 100-continue\r\n", b""),
        (b"Content-Length: 10000000000\r\n", b"x" * 3 * MAX_BODY_BYTES),
        (
            b"Transfer-Encoding: chunked\r\n",
            (b"10000\r\n" + b"x" * 0x10000 + b"\r\n") * (MAX_BODY_BYTES // 0x10000 + 1),
        ),
    ],
    ids=["announced", "under way", "in chunks"],
)
def test_refuses_a_body_that_is_too_large_before_it_is_here(edge: RunningGateway, headers: bytes, sent: bytes) -> None:
    answer = post(edge, headers, sent)

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"This request is too large.\n" in answer


def test_takes_a_body_that_is_not_too_large(edge: RunningGateway) -> None:
    for headers, sent in (
        (b"Content-Length: %d\r\n" % MAX_BODY_BYTES, b"x" * MAX_BODY_BYTES),
        (b"Transfer-Encoding: chunked\r\n", b"%x\r\n%s\r\n0\r\n\r\n" % (MAX_BODY_BYTES, b"x" * MAX_BODY_BYTES)),
    ):
        answer = post(edge, headers, sent)

        assert answer.startswith(b"HTTP/1.1 200 ")
        assert str(MAX_BODY_BYTES).encode() in answer


def post(edge: RunningGateway, headers: bytes, body: bytes) -> bytes:
    """All that is answered until the server hangs up; it may do so before the whole body is sent."""
    answer = b""
    with socket.create_connection(("127.0.0.1", edge.port), timeout=20) as peer, suppress(ConnectionError):
        with suppress(ConnectionError):
            peer.sendall(b"POST /any HTTP/1.1\r\nHost: localhost\r\n" + headers + b"\r\n" + body)
        while part := peer.recv(65_536):
            answer += part
    return answer


def test_cuts_off_a_peer_that_sends_but_answers_no_ping(edge: RunningGateway) -> None:
    with RawPeer(edge.port, "/echo") as peer:
        pings = 0
        with suppress(ConnectionError):
            while True:
                opcode, _ = peer.receive()
                if opcode == PING:
                    pings += 1
                    peer.send(TEXT, b"I live")

    assert pings >= 1
    assert ending(edge) == "1006 it answered no ping for 1.3 s"


def test_keeps_a_peer_that_only_answers_pings(edge: RunningGateway) -> None:
    with RawPeer(edge.port, "/echo") as peer:
        for _ in range(6):
            opcode, payload = peer.receive()
            assert opcode == PING
            peer.send(PONG, payload)

        peer.send(TEXT, b"still here")
        assert peer.receive() == (TEXT, b"still here")

    assert ending(edge) in BY_THE_PEER


def test_cuts_off_a_peer_that_does_not_read(edge: RunningGateway) -> None:
    with RawPeer(edge.port, "/flood", receive_buffer=4_096) as peer:
        assert ending(edge) == "1006 it did not read what was sent to it for 0.6 s"
        peer.read_to_the_end()


def test_does_not_read_more_than_its_application_takes(edge: RunningGateway) -> None:
    frame, frames = b"x" * 65_536, 1_024
    with RawPeer(edge.port, "/deaf", timeout_s=0.5) as peer:
        sent = 0
        with suppress(TimeoutError):
            while sent < frames:
                peer.send(TEXT, frame)
                sent += 1
        assert sent < frames

        # The peer waits for us. That it could not be heard meanwhile is not held against it.
        peer.wait_at_most(20)
        while (received := peer.receive())[0] != PING:
            pass
        assert received[0] == PING

    assert ending(edge) in BY_THE_PEER


def test_lets_a_goodbye_that_crosses_the_peers_own_arrive(edge: RunningGateway) -> None:
    assert edge.process.stdout is not None
    with RawPeer(edge.port, "/abrupt") as peer:
        peer.send(TEXT, b"hello")
        while edge.process.stdout.readline() != "busy\n":
            pass
        peer.send(CLOSE, (1000).to_bytes(2))

        while (received := peer.receive())[0] == PING:
            pass
        assert received == (CLOSE, (4000).to_bytes(2) + b"enough")

    ending(edge)


async def test_compresses_what_is_long_and_keeps_nothing_for_the_next(edge: RunningGateway) -> None:
    async with connect(f"ws://127.0.0.1:{edge.port}/echo", compression="deflate") as socket:
        assert socket.response is not None
        agreed = socket.response.headers["Sec-WebSocket-Extensions"]
        assert agreed.startswith("permessage-deflate")
        assert "client_no_context_takeover" in agreed
        assert "client_max_window_bits=10" in agreed
        for text in ("short", "long " * 20_000, "", "long " * 20_000, "x" * 600):
            if text:
                await socket.send(text)
                assert await socket.recv() == text

    assert ending(edge) in BY_THE_PEER


@pytest.mark.parametrize("compression", [None, "deflate"])
async def test_refuses_a_frame_above_the_limit(edge: RunningGateway, compression: str | None) -> None:
    async with connect(f"ws://127.0.0.1:{edge.port}/echo", compression=compression) as socket:
        await socket.send("x" * MAX_FRAME_BYTES)
        with suppress(ConnectionClosed):
            await socket.send("x" * (MAX_FRAME_BYTES + 1))
            while True:
                await socket.recv()

    assert socket.protocol.close_code == 1009
    assert ending(edge).startswith("1009 ")
