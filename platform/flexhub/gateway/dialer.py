"""Connections that we open to servers elsewhere, and what is sent over them as ASGI events.

The library's keepalive pings; a peer that answers none is given up after 75 s. One that does not read holds a sender
up, and is cut off when that takes a minute. Redirects are not followed, since they would lead past the check of the
address; proxies of the environment are not used for the same reason.
"""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from collections.abc import Mapping
from functools import cached_property
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from flexhub.gateway import limits
from flexhub.gateway.limits import PATIENCE, Patience
from flexhub.gateway.resolver import Resolver
from flexhub.pairing.addresses import AddressRefused, check_url

# At the level DEBUG the library writes every header, and with them the token.
_QUIET = logging.getLogger("flexhub.gateway.dialer.websockets")
_QUIET.setLevel(logging.CRITICAL + 1)

_NO_PONG = (1011, "keepalive ping timeout")
_PORTS = {"ws": 80, "wss": 443}


class DialFailed(Exception):
    """There is no connection; the text says why, for people, and holds no secret.

    `refused`: the server does not let us in (401, 403), or we may not connect there. Trying again soon is no use.
    """

    def __init__(self, text: str, *, refused: bool = False) -> None:
        super().__init__(text)
        self.refused = refused


class Dialler:
    """`plain` allows ws:// beside wss://, `private` addresses that are not of the public Internet."""

    def __init__(
        self,
        *,
        max_frame_bytes: int,
        plain: bool,
        private: bool,
        resolver: Resolver | None = None,
        patience: Patience = PATIENCE,
        timeout_s: float = limits.DIAL_TIMEOUT_S,
    ) -> None:
        self._max_frame_bytes = max_frame_bytes
        self._plain = plain
        self._private = private
        self._resolver = resolver or Resolver(private=private)
        self._patience = patience
        self._timeout_s = timeout_s

    async def connect(self, url: str, token: str) -> DialledSocket:
        """Raises DialFailed."""
        try:
            check_url(url, plain=self._plain, private=self._private)
            async with asyncio.timeout(self._timeout_s):
                return DialledSocket(await self._connect(url, token), self._patience)
        except TimeoutError as error:
            raise DialFailed(f"no answer within {self._timeout_s:g} s") from error
        except (OSError, InvalidHandshake, EOFError, ValueError) as error:
            raise _failure(error) from error

    async def _connect(self, url: str, token: str) -> ClientConnection:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        connection = await self._resolver.connect(host, port)
        # With a socket of our own the library asks for the name all the same, in TLS (SNI) and in the header Host.
        options: dict[str, Any] = {"ssl": self._tls, "server_hostname": host} if parts.scheme == "wss" else {}
        return await connect(
            url,
            sock=connection,
            additional_headers={"Authorization": f"Bearer {token}"} if token else {},
            user_agent_header="flexhub",
            # Thousands of idle connections must not pay for two windows each.
            compression=None,
            open_timeout=None,
            close_timeout=limits.DIAL_CLOSE_S,
            ping_interval=self._patience.ping_every_s,
            ping_timeout=self._patience.pong_within_s,
            max_size=self._max_frame_bytes,
            max_queue=limits.UNREAD_FRAMES,
            logger=_QUIET,
            **options,
        )

    def close(self) -> None:
        self._resolver.close()

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        # Made once: it reads all certificate authorities, which takes longer than a handshake.
        return ssl.create_default_context()


class DialledSocket:
    """An open connection: `receive` and `send` speak ASGI's WebSocket events."""

    def __init__(self, connection: ClientConnection, patience: Patience) -> None:
        self._connection = connection
        self._patience = patience
        self._cut_because: str | None = None

    @property
    def peer(self) -> str:
        """The address at the other end, for the operator."""
        address = self._connection.remote_address
        return f"{address[0]}:{address[1]}" if address else ""

    async def receive(self) -> dict[str, Any]:
        """The next frame, or how it ended."""
        try:
            data = await self._connection.recv()
        except ConnectionClosed as closed:
            return self._ended(closed)
        except UnicodeDecodeError:
            await self._close(limits.CLOSE_NOT_UTF8, "")
            return _disconnect(limits.CLOSE_NOT_UTF8, "")
        return {"type": "websocket.receive", "text" if isinstance(data, str) else "bytes": data}

    async def send(self, event: Mapping[str, Any]) -> None:
        """Waits while the peer does not read. What is sent to a peer that is gone is dropped; `receive` tells of it."""
        if event["type"] == "websocket.send":
            try:
                async with asyncio.timeout(self._patience.read_within_s):
                    await self._connection.send(event["text"])
            except ConnectionClosed:
                return
            except TimeoutError:
                self._cut(self._patience.not_read)
        elif event["type"] == "websocket.close":
            await self._close(event.get("code", 1000), event.get("reason", ""))

    async def close(self) -> None:
        """For one whose session is over, however it ended."""
        await self._close(1000, "")

    async def _close(self, code: int, reason: str) -> None:
        try:
            # The library waits for the answer that long; before that, for a peer that does not read, without end.
            async with asyncio.timeout(2 * limits.DIAL_CLOSE_S):
                await self._connection.close(code, _fitting(reason))
        except TimeoutError:
            self._cut(self._patience.not_read)

    def _cut(self, reason: str) -> None:
        self._cut_because = self._cut_because or reason
        self._connection.transport.abort()

    def _ended(self, closed: ConnectionClosed) -> dict[str, Any]:
        if self._cut_because is not None:
            return _disconnect(limits.CLOSE_ABNORMAL, self._cut_because)
        first = closed.rcvd if closed.rcvd_then_sent or closed.sent is None else closed.sent
        if first is None:
            return _disconnect(limits.CLOSE_ABNORMAL, "")
        if (first.code, first.reason) == _NO_PONG:
            return _disconnect(limits.CLOSE_ABNORMAL, self._patience.no_pong)
        return _disconnect(first.code, first.reason)


def _disconnect(code: int, reason: str) -> dict[str, Any]:
    return {"type": "websocket.disconnect", "code": code, "reason": reason}


def _fitting(reason: str) -> str:
    """A close frame has room for 123 bytes of it."""
    return reason.encode()[:123].decode(errors="ignore")


def _failure(error: Exception) -> DialFailed:
    """What stood in the way, in words that neither quote the peer nor name addresses of ours."""
    # For a redirect the library raises a ValueError of its own, since it cannot follow with a socket of ours.
    status = error if isinstance(error, InvalidStatus) else error.__cause__
    if isinstance(status, InvalidStatus):
        return _refusal(status.response.status_code)
    if isinstance(error, AddressRefused):
        return DialFailed(str(error), refused=True)
    if isinstance(error, ssl.SSLError):
        return DialFailed(f"TLS: {getattr(error, 'verify_message', None) or error.reason or 'failed'}")
    if isinstance(error, OSError):
        # Those of the name service have numbers of their own, and a text.
        number = error.errno or 0
        return DialFailed(os.strerror(number) if number > 0 else error.strerror or type(error).__name__)
    if isinstance(error, UnicodeError):
        return DialFailed("the host is not a name that can be looked up")
    return DialFailed("what answers there does not speak WebSocket")


def _refusal(status: int) -> DialFailed:
    text = f"it answered HTTP {status}"
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return DialFailed(f"{text}; it does not take our token", refused=True)
    if 300 <= status < 400:
        return DialFailed(f"{text}; the hub follows no redirects")
    return DialFailed(text)
