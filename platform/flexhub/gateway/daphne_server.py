"""Daphne as a gateway needs it, in two subclasses.

What Daphne 4.2 does not do by itself:

1. Refuse before the upgrade with a status of our choice. Daphne answers every refusal with 403. Here the scope offers
   the ASGI extension `websocket.http.response`, and its two events become the HTTP answer, so that a device with a bad
   token reads 401 and its author looks at the token instead of at the firewall.
2. Tell the peer and the application why a frame was too much. Autobahn drops the TCP connection without a word; here
   it closes with 1009 (or 1002, 1007), and the application gets that code and the reason at once.
3. Push back, both ways (flow.py): Daphne sends whether the peer reads or not, and reads whether the application takes
   it in or not.
4. Notice a dead peer whatever else it sends. Daphne postpones its ping with every message and autobahn takes any frame
   for a pong; S2 Connect wants a ping every 30 s in any case, and RFC 6455 an answer to each.
5. Compress without keeping anything between two messages (permessage-deflate).
6. Let go soon of connections that ask for nothing, and refuse what brings too much (daphne_request.py).
7. End in order: let the sessions say goodbye, stop listening, then stop the applications that are left.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from http import HTTPStatus
from typing import Any

from autobahn.websocket import protocol as autobahn_protocol
from autobahn.websocket.compress import PerMessageDeflate, PerMessageDeflateOffer, PerMessageDeflateOfferAccept
from autobahn.websocket.types import ConnectionDeny
from daphne.server import Server
from daphne.ws_protocol import WebSocketProtocol
from django.conf import settings
from twisted.internet import defer

from flexhub.gateway import limits
from flexhub.gateway.daphne_request import BoundedRequest
from flexhub.gateway.flow import Flow
from flexhub.gateway.limits import Patience
from flexhub.gateway.refusals import TOO_BUSY, Receive, Scope, Send

# How long a peer may take to answer our close frame; a 2 MiB upload that we no longer want must drain meanwhile.
_CLOSE_HANDSHAKE_S = 5
# Autobahn drops a connection without a word when its handshake takes too long, so that we have to be there before.
_BEFORE_AUTOBAHN_S = 10
# Under this key the scope carries the socket to where its application is started.
_SOCKET = "flexhub.socket"

# For a debug line that is never shown autobahn prints its forty settings prettily with each connection, which costs an
# eighth of what opening a session does.
vars(autobahn_protocol)["pformat"] = repr

Message = dict[str, Any]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class GatewayProtocol(WebSocketProtocol):  # type: ignore[misc]  # Daphne ships no types.
    """One WebSocket."""

    # Daphne's own flag: hand no more frames to the application.
    muted: bool = False
    _denial: tuple[int, list[tuple[str, str]], bytearray] | None = None
    _patience: Patience
    _flow: Flow | None = None
    # When it gave its last sign of life, and when we asked for the last one.
    _heard_at_s: float
    _pinged_at_s: float
    # Autobahn's, where compression was agreed.
    _perMessageCompress: Any  # noqa: N815

    def onOpen(self) -> None:  # noqa: N802
        super().onOpen()
        self._patience = self.server.patience
        self._heard_at_s = self._pinged_at_s = time.monotonic()
        self._flow = Flow(self.transport)
        if self._perMessageCompress is not None:
            self._perMessageCompress = _Deflate.like(self._perMessageCompress)
        # Daphne keeps the HTTP request registered, and with it in memory, for the socket's life.
        self.transport.unregisterProducer()
        self.transport.registerProducer(self._flow, True)

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

    def serverSend(self, content: str | bytes, binary: bool = False) -> None:  # noqa: N802
        """As Daphne's; what is short would hardly shrink, and goes as it is."""
        if self.state == self.STATE_OPEN:
            data = content.encode() if isinstance(content, str) else content
            self.sendMessage(data, binary, doNotCompress=len(data) < limits.DEFLATE_FROM_BYTES)

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:  # noqa: N802
        """As autobahn's, which is for fuzzers too, and formats a debug line for every packet and drops it."""
        if self._flow is None:
            super().sendData(data, sync, chopsize)
        else:
            self._flow.write(data)

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
        """As Daphne's, save that traffic does not postpone the ping, and that we stop reading before much waits."""
        if self.muted:
            return
        content: Message = {"bytes": payload} if isBinary else {"text": payload.decode("utf8")}
        self.application_queue.put_nowait({"type": "websocket.receive", **content})
        if self._flow is not None and self.application_queue.qsize() >= limits.UNREAD_FRAMES:
            self._flow.fall_behind()

    def receiving(self, receive: Receive) -> Receive:
        """The application's way to its frames: reading goes on once it took them all."""

        async def caught_up() -> Message:
            frame = await receive()
            if self._flow is not None and self._flow.behind and self.application_queue.empty():
                self._flow.catch_up()
                self._heard_at_s = time.monotonic()  # Its pong may have waited with the rest.
            return frame

        return caught_up

    async def writable(self) -> None:
        if self._flow is not None:
            await self._flow.writable()

    def onPong(self, payload: bytes) -> None:  # noqa: ARG002, N802
        self._heard_at_s = time.monotonic()

    def check_timeouts(self) -> None:
        """Daphne calls this for every socket, every so often."""
        flow = self._flow
        if flow is None or self.state != self.STATE_OPEN:
            if self.state == self.STATE_CONNECTING and self.duration() > self.server.patience.answer_within_s:
                self._put_off()
            return
        now_s, patience = time.monotonic(), self._patience
        # The look that is next to the moment, be it a little before.
        if now_s - self._pinged_at_s >= patience.ping_every_s - patience.checked_every_s / 2:
            self._pinged_at_s = now_s
            self.sendPing()
        if flow.is_stuck(now_s, patience.read_within_s):
            self._cut(patience.not_read)
        elif now_s - self._heard_at_s >= patience.silence_s and not flow.behind:
            self._cut(patience.no_pong)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:  # noqa: N802, N803
        if self._flow is not None:
            self._flow.stopProducing()
        super().onClose(wasClean, code, reason)

    def _cut(self, reason: str) -> None:
        """End the connection at once, with all that waits in it, and tell the application why."""
        self._tell_application(limits.CLOSE_ABNORMAL, reason)
        self.wasClean = False
        self.wasNotCleanReason = reason
        self.dropConnection(abort=True)

    def dropConnection(self, abort: bool = False) -> None:  # noqa: N802
        """Not by a reset where both sides have said goodbye: that would take our close frame away from its reader."""
        super().dropConnection(abort=abort and not self.wasClean)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        """Straight to the frame parser; autobahn's own version formats a debug line for every packet and drops it."""
        self._dataReceived(data)

    def _put_off(self) -> None:
        """Nobody found the time to answer. Daphne would say 403, which tells a device never to come back."""
        if self._denial is None and hasattr(self, "handshake_deferred"):
            headers = [(name.decode("latin1"), value.decode("latin1")) for name, value in TOO_BUSY.all_headers()]
            self._denial = (TOO_BUSY.status.value, headers, bytearray(TOO_BUSY.reason.encode()))
            self._deny(TOO_BUSY.status.value)

    def _deny(self, status: int) -> None:
        denial = ConnectionDeny(status, HTTPStatus(status).phrase)  # type: ignore[no-untyped-call]  # Partly typed.
        self.handshake_deferred.errback(denial)
        del self.handshake_deferred
        self.server.protocol_disconnected(self)

    def _fail_connection(self, code: int, reason: str) -> None:
        """Autobahn's single point for "the peer broke the WebSocket protocol": too big, not UTF-8, unmasked."""
        self._tell_application(code, reason)
        super()._fail_connection(code, reason)

    def _tell_application(self, code: int, reason: str) -> None:
        if not self.muted and hasattr(self, "application_queue"):
            self.muted = True
            self.application_queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})


class _Deflate(PerMessageDeflate):
    """Forgets its state with each message: some 20 KB that an idle socket does not need."""

    @classmethod
    def like(cls, other: PerMessageDeflate) -> _Deflate:
        return cls(
            True,
            other.server_no_context_takeover,
            other.client_no_context_takeover,
            other.server_max_window_bits,
            other.client_max_window_bits,
            other.mem_level,
            other.max_message_size,
        )

    def end_compress_message(self) -> bytes:
        data: bytes = super().end_compress_message()  # type: ignore[no-untyped-call]  # Partly typed.
        self._compressor = None
        return data

    def end_decompress_message(self) -> None:
        super().end_decompress_message()  # type: ignore[no-untyped-call]  # Partly typed.
        self._decompressor = None


def accept_deflate(offers: Iterable[object]) -> PerMessageDeflateOfferAccept | None:
    """Small windows and no context between messages, in both directions; None for an offer that rules that out."""
    bits = limits.DEFLATE_WINDOW_BITS
    for offer in offers:
        if isinstance(offer, PerMessageDeflateOffer) and offer.accept_no_context_takeover:
            return PerMessageDeflateOfferAccept(  # type: ignore[no-untyped-call]  # Partly typed.
                offer,
                request_no_context_takeover=True,
                request_max_window_bits=bits if offer.accept_max_window_bits else 0,
                no_context_takeover=True,
                window_bits=min(bits, offer.request_max_window_bits or bits),
                mem_level=limits.DEFLATE_MEMORY_LEVEL,
            )
    return None


class DaphneServer(Server):  # type: ignore[misc]  # Daphne ships no types.
    """Daphne on one inherited listening socket, with a goodbye before it stops.

    `on_shutdown` runs while it still listens, so that whoever connects meanwhile is told to come back later.
    """

    def __init__(
        self,
        application: Application,
        *,
        listening_fd: int,
        max_frame_bytes: int,
        deflate: bool,
        patience: Patience,
        on_ready: Callable[[], None],
        on_shutdown: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(
            partial(_serve, application),
            endpoints=[f"fd:fileno={listening_fd}"],
            # A session lives for months; Daphne's default would close it after a day.
            websocket_timeout=-1,
            websocket_handshake_timeout=patience.answer_within_s + _BEFORE_AUTOBAHN_S,
            websocket_max_message_size=max_frame_bytes,
            websocket_max_frame_size=max_frame_bytes,
            ready_callable=self._before_running,
            server_name="flexhub",
        )
        self.patience = patience
        self.max_body_bytes = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        self._unchecked: list[Any] = []
        self._checked_together = 0
        self._deflate = deflate
        self._on_ready = on_ready
        self._on_shutdown = on_shutdown

    def _before_running(self) -> None:
        """Daphne calls this once its factories exist and before the first connection."""
        self.ws_factory.protocol = GatewayProtocol
        # How long a connection may be silent before its request is whole; Twisted's own minute is for people.
        self.http_factory.timeOut = self.patience.ask_within_s
        self.http_factory.buildProtocol = partial(_bounded, self.http_factory.buildProtocol)
        self.ws_factory.setProtocolOptions(
            failByDrop=False,
            closeHandshakeTimeout=_CLOSE_HANDSHAKE_S,
            perMessageCompressionAccept=accept_deflate if self._deflate else _accept_nothing,
        )
        self._on_ready()

    def create_application(self, protocol: Any, scope: Scope) -> Any:
        if scope["type"] == "websocket":
            scope["extensions"] = {"websocket.http.response": {}}
            scope[_SOCKET] = protocol
        return super().create_application(protocol, scope)

    async def handle_reply(self, protocol: Any, message: Message) -> None:
        """The application's `send`."""
        if message["type"] == "websocket.send":
            await protocol.writable()
        await super().handle_reply(protocol, message)

    def timeout_checker(self) -> None:
        """As Daphne's, at an interval of our own, and some at a time: all at once would hold up those that speak."""
        if not self._unchecked:
            self._unchecked = list(self.connections)
            self._checked_together = -(-len(self._unchecked) // limits.CHECK_PARTS)
        for _ in range(min(self._checked_together, len(self._unchecked))):
            self._unchecked.pop().check_timeouts()
        pause_s = self.patience.checked_every_s / limits.CHECK_PARTS
        asyncio.get_running_loop().call_later(pause_s, self.timeout_checker)

    def kill_all_applications(self) -> defer.Deferred[None]:
        """Twisted waits for this before it stops the loop."""
        return defer.Deferred.fromFuture(asyncio.ensure_future(self._end()))

    async def _end(self) -> None:
        await self._on_shutdown()
        for listener in self.listeners:
            listener.addCallback(lambda port: port.stopListening())
        running = [task for details in self.connections.values() if (task := details.get("application_instance"))]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _serve(application: Application, scope: Scope, receive: Receive, send: Send) -> None:
    socket = scope.pop(_SOCKET, None)
    await application(scope, receive if socket is None else socket.receiving(receive), send)


def _bounded(build: Callable[[Any], Any], address: Any) -> Any:
    """What the factory builds for a new connection, with our own requests."""
    channel = build(address)
    channel.requestFactory = BoundedRequest
    return channel


def _accept_nothing(_offers: Iterable[object]) -> None:
    """No compression."""
