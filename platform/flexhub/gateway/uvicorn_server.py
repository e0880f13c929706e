"""Uvicorn as a gateway needs it, in two subclasses.

What uvicorn does not do by itself:

1. Let go of a peer that does not read. Its own close waits until all that was sent is read, which may be never.
2. Answer an upgrade for which the application has no time.
3. Say why it cut a connection off, and spare a peer whose pong we have not read yet.
4. Let the peer read why a frame was too much: uvicorn closes on what is still coming in, and the peer sees a reset.
5. Compress without keeping anything between two messages (permessage-deflate).
6. Let go of connections that ask for nothing; uvicorn waits for the first request without end.
7. End in order: let the sessions say goodbye before their sockets are closed, and exit with 0.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.extensions.base import Extension
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.frames import Frame
from websockets.http11 import Request
from websockets.typing import ExtensionParameter

from flexhub.gateway import limits
from flexhub.gateway.limits import Patience
from flexhub.gateway.refusals import TOO_BUSY

# How long a peer may take to see our close frame; a 2 MiB upload that we no longer want must drain meanwhile.
_CLOSE_HANDSHAKE_S = 5
# Web requests that have not ended by then are cancelled; the devices' sessions are over before.
_WEB_GRACE_S = 3


class GatewayConfig(uvicorn.Config):
    """Uvicorn's configuration, with what our sockets need besides."""

    def __init__(self, application: Any, *, max_frame_bytes: int, deflate: bool, patience: Patience) -> None:
        super().__init__(
            application,
            http=GatewayRequest,
            ws=GatewaySocket,
            ws_max_size=max_frame_bytes,
            ws_ping_interval=patience.ping_every_s,
            ws_ping_timeout=patience.pong_within_s,
            ws_per_message_deflate=deflate,
            # The goodbye is ours; the logs are configured already, and the application writes its own of each session.
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=_WEB_GRACE_S,
        )
        self.patience = patience


class GatewayRequest(H11Protocol):
    """One connection, until it asks for a WebSocket."""

    config: GatewayConfig

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # As uvicorn's.
        super().connection_made(transport)
        self.loop.call_later(self.config.patience.ask_within_s, self._let_go)

    def _let_go(self) -> None:
        if self.cycle is None and self.transport.get_protocol() is self:
            self.transport.close()


class GatewaySocket(WebSocketsSansIOProtocol):
    """One WebSocket."""

    config: GatewayConfig
    _unread: asyncio.TimerHandle | None = None

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        if self.config.ws_per_message_deflate:
            self.conn.available_extensions = [_DEFLATE]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        # Whatever the kernel does not take at once counts as not read, however little it is.
        self.transport.set_write_buffer_limits(high=0)

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if not self.handshake_complete:
            self.loop.call_later(self.config.patience.answer_within_s, self._put_off)

    def data_received(self, data: bytes) -> None:
        if self.conn.parser_exc is None:
            super().data_received(data)

    def handle_parser_exception(self) -> None:
        close = self.conn.close_sent
        if close is None or self.close_sent:
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": close.code, "reason": close.reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        # Our side is closed, and theirs is read to its end.
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.close_timer = self.loop.call_later(_CLOSE_HANDSHAKE_S, self.transport.abort)

    def pause_writing(self) -> None:
        super().pause_writing()
        patience = self.config.patience
        self._unread = self.loop.call_later(patience.read_within_s, self._cut, patience.not_read)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._is_read()

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_read()
        super().connection_lost(exc)

    def keepalive_timeout(self) -> None:
        if self.read_paused:
            # The application is behind, and the pong may wait with the rest.
            self.pong_timer = None
            self.send_keepalive_ping()
        else:
            self._cut(self.config.patience.no_pong)

    def _put_off(self) -> None:
        if self.handshake_complete or self.initial_response is not None:
            return
        response = self.conn.reject(TOO_BUSY.status, TOO_BUSY.reason)
        for name, value in TOO_BUSY.all_headers():
            response.headers.pop(name.decode(), None)
            response.headers[name.decode()] = value.decode()
        self.conn.send_response(response)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.handshake_complete = self.close_sent = True
        self.transport.close()

    def _is_read(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _cut(self, reason: str) -> None:
        """End the connection at once, with all that waits in it, and tell the application why."""
        self.queue.put_nowait({"type": "websocket.disconnect", "code": limits.CLOSE_ABNORMAL, "reason": reason})
        self.close_sent = True
        self.transport.abort()


class _Deflate(PerMessageDeflate):
    def encode(self, frame: Frame) -> Frame:
        """What is short would hardly shrink, and goes as it is."""
        return frame if len(frame.data) < limits.DEFLATE_FROM_BYTES else super().encode(frame)


class _DeflateFactory(ServerPerMessageDeflateFactory):
    def process_request_params(
        self, params: Sequence[ExtensionParameter], accepted_extensions: Sequence[Extension]
    ) -> tuple[list[ExtensionParameter], PerMessageDeflate]:
        answer, agreed = super().process_request_params(params, accepted_extensions)
        return answer, _Deflate(
            agreed.remote_no_context_takeover,
            agreed.local_no_context_takeover,
            agreed.remote_max_window_bits,
            agreed.local_max_window_bits,
            agreed.compress_settings,
        )


# Small windows and no context between messages, in both directions.
_DEFLATE = _DeflateFactory(
    server_no_context_takeover=True,
    client_no_context_takeover=True,
    server_max_window_bits=limits.DEFLATE_WINDOW_BITS,
    client_max_window_bits=limits.DEFLATE_WINDOW_BITS,
    compress_settings={"memLevel": limits.DEFLATE_MEMORY_LEVEL},
)


class UvicornServer(uvicorn.Server):
    """Uvicorn on one inherited listening socket, with a goodbye before it stops.

    `on_shutdown` runs while it still listens, so that whoever connects meanwhile is told to come back later.
    """

    def __init__(
        self,
        application: Any,
        *,
        listening_fd: int,
        max_frame_bytes: int,
        deflate: bool,
        patience: Patience,
        on_ready: Callable[[], None],
        on_shutdown: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(
            GatewayConfig(application, max_frame_bytes=max_frame_bytes, deflate=deflate, patience=patience)
        )
        self._listening_fd = listening_fd
        self._on_ready = on_ready
        self._on_shutdown = on_shutdown

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        super().run(sockets or [socket.socket(fileno=os.dup(self._listening_fd))])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._on_shutdown()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, save that a signal which ended us in order does not end us again: the exit code is 0."""
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
