"""Daphne as a gateway needs it, in two small subclasses.

Four things Daphne 4.2 does not do by itself:

1. Refuse before the upgrade with a status of our choice. Daphne answers every refusal with 403. Here the scope offers
   the ASGI extension `websocket.http.response`, and its two events become the HTTP answer, so that a device with a bad
   token reads 401 and its author looks at the token instead of at the firewall.
2. Tell the peer and the application why a frame was too much. Autobahn drops the TCP connection without a word; here
   it closes with 1009 (or 1002, 1007), and the application gets that code and the reason at once.
3. Push back. A peer that sends but does not read would fill our memory with its answers: while its send buffer is
   full we stop reading from it. (This also lets go of the HTTP request, which Daphne keeps for the socket's life.)
4. End in order: stop listening, let the sessions say goodbye, then stop the applications that are left.

The rest, and uvicorn as a whole, works as it comes: the application only uses ASGI.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from autobahn.websocket.types import ConnectionDeny
from daphne.server import Server
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet import defer

from flexhub.gateway.limits import PING_INTERVAL_S, PONG_TIMEOUT_S

# How long a peer may take to answer our close frame; a 2 MiB upload that we no longer want must drain meanwhile.
_CLOSE_HANDSHAKE_S = 5
# A device that opened TCP must finish its request within this time, the check of its token included.
_CONNECT_TIMEOUT_S = 10

Message = dict[str, Any]


class GatewayProtocol(WebSocketProtocol):  # type: ignore[misc]  # Daphne ships no types.
    """One WebSocket. Adds the HTTP refusal and the reason of a failed connection."""

    # Daphne's own flag: hand no more frames to the application.
    muted: bool = False
    _denial: tuple[int, list[tuple[str, str]], bytearray] | None = None

    def onOpen(self) -> None:  # noqa: N802
        super().onOpen()
        self.transport.unregisterProducer()
        self.transport.registerProducer(_PauseReading(self.transport), True)

    def handle_reply(self, message: Message) -> None:
        kind = message["type"]
        if kind == "websocket.http.response.start":
            headers = [(name.decode("latin1"), value.decode("latin1")) for name, value in message.get("headers", [])]
            self._denial = (message["status"], headers, bytearray())
        elif kind == "websocket.http.response.body" and self._denial is not None:
            self._denial[2].extend(message.get("body", b""))
            if not message.get("more_body", False):
                self._deny(self._denial[0])
        elif kind == "websocket.close" and self.state != self.STATE_CONNECTING:
            self.serverClose(message.get("code"), message.get("reason"))
        else:
            super().handle_reply(message)

    def serverClose(self, code: int | None = None, reason: str | None = None) -> None:  # noqa: N802
        """Close with a reason too, and with codes below 3000, which autobahn's public method keeps for itself."""
        self.sendCloseFrame(code=code or 1000, reasonUtf8=reason.encode()[:123] if reason else None, isReply=False)

    def failHandshake(self, reason: str, code: int = 400, responseHeaders: Any = None) -> None:  # noqa: ARG002, N802, N803
        """The HTTP answer in front of an upgrade that does not happen, complete enough for a client to read its end."""
        status, headers, body = self._denial or (code, [], bytearray(reason.encode()))
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", "Connection: close", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers]
        self.wasNotCleanReason = reason
        self.sendData("\r\n".join([*lines, "", ""]).encode("latin1") + bytes(body))
        self.dropConnection(abort=False)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N802, N803
        """As Daphne's, save that traffic does not postpone the ping: S2 Connect wants one every 30 s in any case."""
        if self.muted:
            return
        content: Message = {"bytes": payload} if isBinary else {"text": payload.decode("utf8")}
        self.application_queue.put_nowait({"type": "websocket.receive", **content})

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        """Straight to the frame parser; autobahn's own version formats a debug line for every packet and drops it."""
        self._dataReceived(data)

    def _deny(self, status: int) -> None:
        denial = ConnectionDeny(status, HTTPStatus(status).phrase)  # type: ignore[no-untyped-call]  # Partly typed.
        self.handshake_deferred.errback(denial)
        del self.handshake_deferred
        self.server.protocol_disconnected(self)

    def _fail_connection(self, code: int, reason: str) -> None:
        """Autobahn's single point for "the peer broke the WebSocket protocol": too big, not UTF-8, unmasked."""
        if not self.muted and hasattr(self, "application_queue"):
            self.muted = True
            self.application_queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        super()._fail_connection(code, reason)


class _PauseReading:
    """Twisted's IPushProducer, called when a socket's send buffer fills and empties."""

    __slots__ = ("_transport",)

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    def pauseProducing(self) -> None:  # noqa: N802
        self._transport.pauseProducing()

    def resumeProducing(self) -> None:  # noqa: N802
        self._transport.resumeProducing()

    def stopProducing(self) -> None:  # noqa: N802
        """The connection is lost; nothing is left to pause."""


class GatewayServer(Server):  # type: ignore[misc]  # Daphne ships no types.
    """Daphne on one inherited listening socket, with a goodbye before it stops.

    `on_shutdown` runs after the server stopped listening and before its applications are cancelled.
    """

    def __init__(
        self,
        application: Callable[..., Awaitable[None]],
        *,
        listening_fd: int,
        max_frame_bytes: int,
        on_ready: Callable[[], None],
        on_shutdown: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(
            application,
            endpoints=[f"fd:fileno={listening_fd}"],
            ping_interval=PING_INTERVAL_S,
            ping_timeout=PONG_TIMEOUT_S,
            # A session lives for months; Daphne's default would close it after a day.
            websocket_timeout=-1,
            websocket_connect_timeout=_CONNECT_TIMEOUT_S,
            websocket_handshake_timeout=_CONNECT_TIMEOUT_S,
            websocket_max_message_size=max_frame_bytes,
            websocket_max_frame_size=max_frame_bytes,
            ready_callable=self._before_running,
            server_name="flexhub",
        )
        self._on_ready = on_ready
        self._on_shutdown = on_shutdown

    def _before_running(self) -> None:
        """Daphne calls this once its factories exist and before the first connection."""
        self.ws_factory.protocol = GatewayProtocol
        self.ws_factory.setProtocolOptions(failByDrop=False, closeHandshakeTimeout=_CLOSE_HANDSHAKE_S)
        self._on_ready()

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        if scope["type"] == "websocket":
            scope["extensions"] = {"websocket.http.response": {}}
        return super().create_application(protocol, scope)

    def kill_all_applications(self) -> defer.Deferred[None]:
        """Twisted waits for this before it stops the loop."""
        return defer.Deferred.fromFuture(asyncio.ensure_future(self._end()))

    async def _end(self) -> None:
        for listener in self.listeners:
            listener.addCallback(lambda port: port.stopListening())
        await self._on_shutdown()
        running = [task for details in self.connections.values() if (task := details.get("application_instance"))]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
