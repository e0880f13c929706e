"""One WebSocket of many: websockets' protocol without I/O, on an asyncio transport.

The library's own connection has a task of its own and a `send` that waits, and one slow server would then hold up the
messages to all others. Here sending is a plain call; whoever sends looks at `full` first.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from ssl import SSLContext
from typing import Protocol, cast

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import WebSocketURI

OPEN_TIMEOUT_S = 15.0
CLOSE_TIMEOUT_S = 5.0
MAX_FRAME_BYTES = 1 << 20
LOST = 1006


@dataclass(frozen=True, slots=True)
class Ended:
    """How a connection ended. `status` is the HTTP answer where the upgrade was refused.

    Without it and without `code` nobody answered, and `reason` says what was in the way.
    """

    reason: str
    status: int | None = None
    code: int | None = None


class User(Protocol):
    """Whom a socket tells; `socket_ended` comes once and last, whatever happens."""

    def socket_opened(self) -> None: ...

    def text_received(self, text: str) -> None: ...

    def bytes_received(self, data: bytes) -> None: ...

    def socket_ended(self, ended: Ended) -> None: ...


class Socket(asyncio.Protocol):
    """`full`: the peer does not read, and what is sent now only fills our memory."""

    def __init__(self, uri: WebSocketURI, token: str, user: User) -> None:
        self.full = False
        self._user = user
        self._protocol = ClientProtocol(uri, max_size=MAX_FRAME_BYTES)
        self._token = token
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._parts: list[bytes] = []
        self._opcode = Opcode.TEXT
        self._refused: Response | None = None
        self._late = ""
        self._eof = False

    @property
    def open(self) -> bool:
        return self._protocol.state is State.OPEN

    def send(self, text: str) -> None:
        """Nothing happens where the socket is closing already."""
        if self.open:
            self._protocol.send_text(text.encode())
            self._flush()

    async def dial(self, tls: SSLContext | None) -> None:
        """Open TCP (and TLS) and ask for the upgrade; the user hears how that ends. Raises OSError."""
        loop, uri = asyncio.get_running_loop(), self._protocol.wsuri
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                await loop.create_connection(lambda: self, uri.host, uri.port, ssl=tls)
        except OSError:
            self.abort()
            raise

    def close(self, code: int, reason: str) -> None:
        if self._protocol.state is State.CONNECTING:
            self.abort()
        elif self.open:
            self._protocol.send_close(code, reason[:100])
            self._flush()
            self._end_in(CLOSE_TIMEOUT_S, "the close frame was not answered")

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # -- What asyncio calls --------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        request = self._protocol.connect()
        request.headers["Authorization"] = f"Bearer {self._token}"
        self._protocol.send_request(request)
        self._flush()
        self._end_in(OPEN_TIMEOUT_S, "the upgrade was not answered")

    def data_received(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        self._take_in()

    def eof_received(self) -> None:
        self._feed_eof()
        self._take_in()

    def pause_writing(self) -> None:
        self.full = True

    def resume_writing(self) -> None:
        self.full = False

    def connection_lost(self, exc: Exception | None) -> None:
        self._feed_eof()
        self._stop_timer()
        protocol = self._protocol
        if self._refused is not None:
            ended = Ended(self._refused.reason_phrase, status=self._refused.status_code)
        elif protocol.state is State.CONNECTING or protocol.handshake_exc is not None:
            ended = Ended(self._late or "no WebSocket answer")
        else:
            why = self._late or (type(exc).__name__ if exc is not None else "")
            ended = Ended(protocol.close_reason or why, code=int(protocol.close_code or LOST))
        self._user.socket_ended(ended)

    # -- Inside --------------------------------------------------------------------------------------------------------

    def _take_in(self) -> None:
        for event in self._protocol.events_received():
            if isinstance(event, Response):
                self._answered(event)
            elif isinstance(event, Frame):
                self._frame(event)
        self._flush()
        if self._protocol.close_expected() and self._timer is None:
            self._end_in(CLOSE_TIMEOUT_S, "the connection was not closed")

    def _answered(self, response: Response) -> None:
        self._stop_timer()
        if self.open:
            self._user.socket_opened()
        else:
            self._refused = response

    def _frame(self, frame: Frame) -> None:
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return  # Pings and closes are answered by the protocol.
        if frame.opcode is not Opcode.CONT:
            self._opcode = frame.opcode
        self._parts.append(bytes(frame.data))
        if frame.fin:
            data, self._parts = b"".join(self._parts), []
            if self._opcode is Opcode.TEXT:
                self._user.text_received(data.decode("utf-8", "replace"))
            else:
                self._user.bytes_received(data)

    def _flush(self) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            self._protocol.data_to_send()
            return
        for data in self._protocol.data_to_send():
            if data:
                transport.write(data)
            elif transport.can_write_eof():
                transport.write_eof()

    def _feed_eof(self) -> None:
        if not self._eof:
            self._eof = True
            self._protocol.receive_eof()

    def _end_in(self, delay_s: float, why: str) -> None:
        self._stop_timer()
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._give_up, why)

    def _give_up(self, why: str) -> None:
        self._late = why
        self.abort()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
