"""A peer that is a server: it speaks S2 with whoever connects and shows the token."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from s2.events import Event, MessageReceived
from s2.messages import EnergyManagementRole, Message
from s2.session import Session
from tests.support.gateway import TIMEOUT_S

TOKEN = "geheim-of-the-peer"


async def until(look: Callable[[], Any], timeout_s: float = TIMEOUT_S) -> Any:
    async with asyncio.timeout(timeout_s):
        while not (found := look()):  # noqa: ASYNC110  # What is looked at tells nobody when it changes.
            await asyncio.sleep(0.02)
    return found


class PeerElsewhere:
    """A server that speaks S2 with whoever shows the token: a session for each path. It keeps what it heard."""

    def __init__(self, role: EnergyManagementRole) -> None:
        self.role = role
        self.token = TOKEN
        self.refused = 0
        self.openings: list[str] = []
        self.sessions: dict[str, Session] = {}
        self.events: list[Event] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: dict[str, ServerConnection] = {}

    def url(self, path: str = "/s2") -> str:
        return f"ws://127.0.0.1:{self.listener.getsockname()[1]}{path}"

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        async with serve(self._converse, sock=self.listener, process_request=self._check, close_timeout=1):
            yield

    async def say(self, *messages: Message, path: str = "/s2") -> None:
        for each in messages:
            self.sessions[path].send(each, datetime.now(UTC))
        await self._flush(path)

    def open_paths(self) -> set[str]:
        return {path for path, each in self.sessions.items() if each.profile is not None and not each.closed}

    def heard(self, kind: str) -> list[Any]:
        messages = [each.message for each in self.events if isinstance(each, MessageReceived)]
        return [each for each in messages if each.message_type == kind]

    def _check(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.headers.get("Authorization") == f"Bearer {self.token}":
            return None
        self.refused += 1
        return connection.respond(HTTPStatus.UNAUTHORIZED, "no\n")

    async def _converse(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        path = connection.request.path
        self.openings.append(path)
        session = self.sessions[path] = Session(self.role, new_id=lambda: str(uuid4()))
        self._sockets[path] = connection
        session.start(datetime.now(UTC))
        try:
            await self._flush(path)
            while not session.closed:
                self.events += session.receive_text(str(await connection.recv()), datetime.now(UTC))
                await self._flush(path)
        except ConnectionClosed:
            pass
        if self.sessions[path] is session:
            del self.sessions[path]

    async def _flush(self, path: str) -> None:
        for text in self.sessions[path].data_to_send():
            await self._sockets[path].send(text)
