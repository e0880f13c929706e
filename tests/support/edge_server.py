"""The gateway's server with little patience and small applications: `python -m tests.support.edge_server`.

    /echo   sends back what it gets
    /flood  sends without end
    /deaf   takes nothing in for a while, then everything
    /abrupt says goodbye to its first frame, and lets the peer's own goodbye come before ours has left
    /slow   accepts when nobody waits for it any more

Each but the last says on standard output how its socket ended. Web requests are taken in whole, wherever they go to.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

from django.conf import settings

from flexhub.gateway.limits import Patience
from flexhub.gateway.management.commands.gateway import listen
from flexhub.gateway.refusals import Receive, Scope, Send
from flexhub.gateway.server import GatewayServer
from flexhub.request_size import bounded

PATIENCE = Patience(ask_within_s=1.0, answer_within_s=1.5, ping_every_s=0.3, pong_within_s=1.0, read_within_s=0.6)
MAX_FRAME_BYTES = 1024 * 1024
DEAF_S = 2 * PATIENCE.silence_s
BUSY_S = 0.5
SLOW_S = 3 * PATIENCE.answer_within_s


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await _web(scope, receive, send)
        return
    assert (await receive())["type"] == "websocket.connect"
    if scope["path"] == "/slow":
        await asyncio.sleep(SLOW_S)
        await send({"type": "websocket.accept"})
        return
    await send({"type": "websocket.accept"})
    end = await _APPLICATIONS[scope["path"]](receive, send)
    _say(f"ended {end.get('code')} {end.get('reason')}")


async def _echo(receive: Receive, send: Send) -> dict[str, Any]:
    while (frame := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": frame["text"]})
    return frame


async def _flood(receive: Receive, send: Send) -> dict[str, Any]:
    flooding = asyncio.ensure_future(_send_for_ever(send))
    end = await receive()
    flooding.cancel()
    await asyncio.gather(flooding, return_exceptions=True)
    return end


async def _send_for_ever(send: Send) -> None:
    # The pause lets a server without back-pressure of its own notice; 100 MB a second are flood enough.
    while True:
        await send({"type": "websocket.send", "text": "x" * 100_000})
        await asyncio.sleep(0.001)


async def _deaf(receive: Receive, send: Send) -> dict[str, Any]:
    await asyncio.sleep(DEAF_S)
    return await _echo(receive, _nowhere)


async def _abrupt(receive: Receive, send: Send) -> dict[str, Any]:
    await receive()
    await send({"type": "websocket.close", "code": 4000, "reason": "enough"})
    _say("busy")
    time.sleep(BUSY_S)  # noqa: ASYNC251  # What keeps the loop from doing anything else meanwhile.
    return await receive()


async def _nowhere(_: object) -> None:
    """Takes everything."""


_APPLICATIONS = {"/echo": _echo, "/flood": _flood, "/deaf": _deaf, "/abrupt": _abrupt}


async def _swallow(_scope: Scope, receive: Receive, send: Send) -> None:
    length, more = 0, True
    while more:
        event = await receive()
        length, more = length + len(event["body"]), event["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]})
    await send({"type": "http.response.body", "body": str(length).encode()})


_web = bounded(_swallow, settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


async def _goodbye() -> None:
    """Nothing to say."""


def _say(line: str) -> None:
    # One write, since the log of another thread may come between two.
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        GatewayServer(
            application,
            listening_fd=listener.fileno(),
            max_frame_bytes=MAX_FRAME_BYTES,
            patience=PATIENCE,
            on_ready=lambda: _say(f"listening on http://127.0.0.1:{port}"),
            on_shutdown=_goodbye,
        ).run()


if __name__ == "__main__":
    import django

    django.setup()
    main()
