"""A small hub for the load generator to speak to: it judges what it hears, and misbehaves when told to."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import count
from uuid import uuid4

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from flexhub.load.engine.targets import Target
from s2.events import CloseRequested, Event, MessageReceived, MessageRefused, ReceptionUnmatched
from s2.messages import (
    ControlType,
    EnergyManagementRole,
    Message,
    ResourceManagerDetails,
    SelectControlType,
)
from s2.session import Session

TOKEN = "s2n_token-of-a-test"  # Opens nothing.
_ids = count()


def targets(number: int, token: str = TOKEN) -> list[Target]:
    return [Target(EnergyManagementRole.RM, uuid4(), token) for _ in range(number)]


def new_id() -> str:
    return f"hub-{next(_ids)}"


@dataclass(slots=True)
class LoadHub:
    """`findings` is what its strict sessions have against the generator; `heard` counts messages by type.

    `refuses` answers each upgrade with that status, `takes` makes it answer messages with TEMPORARY_ERROR while it is
    False, and `answers` makes it silent.
    """

    findings: list[str] = field(default_factory=list)
    heard: Counter[str] = field(default_factory=Counter)
    sessions: list[tuple[Session, ServerConnection]] = field(default_factory=list)
    connections: int = 0
    refuses: HTTPStatus | None = None
    takes: Callable[[], bool] = lambda: True
    answers: Callable[[], bool] = lambda: True
    selects: bool = True
    server: Server | None = None

    @property
    def url(self) -> str:
        assert self.server is not None
        return f"ws://127.0.0.1:{next(iter(self.server.sockets)).getsockname()[1]}"

    async def hears(self, measurements: int) -> None:
        """Wait until it has heard so many."""
        await eventually(lambda: self.heard["PowerMeasurement"] >= measurements)

    async def say_to_all(self, make: Callable[[], Message]) -> None:
        for session, socket in list(self.sessions):
            session.send(make(), datetime.now(UTC))
            await self._flush(session, socket)

    async def serve(self, socket: ServerConnection) -> None:
        self.connections += 1
        session = Session(EnergyManagementRole.CEM, new_id=new_id)
        self.sessions.append((session, socket))
        try:
            session.start(datetime.now(UTC))
            await self._flush(session, socket)
            async for frame in socket:
                assert isinstance(frame, str)
                if not self.answers():
                    continue
                for event in session.receive_text(frame, datetime.now(UTC), available=self.takes()):
                    await self._note(event, session, socket)
                await self._flush(session, socket)
        except ConnectionClosed:
            pass
        finally:
            self.sessions.remove((session, socket))

    def admit(self, _: ServerConnection, request: Request) -> Response | None:
        status = self.refuses
        if status is None and request.headers.get("Authorization") != f"Bearer {TOKEN}":
            status = HTTPStatus.UNAUTHORIZED
        if status is None:
            return None
        return Response(status.value, status.phrase, Headers({"Content-Length": "0", "Connection": "close"}), b"")

    async def _note(self, event: Event, session: Session, socket: ServerConnection) -> None:
        if isinstance(event, MessageReceived):
            self.heard[event.message.message_type] += 1
            if isinstance(event.message, ResourceManagerDetails) and self.selects:
                frbc = ControlType.FILL_RATE_BASED_CONTROL
                session.send(SelectControlType(message_id=new_id(), control_type=frbc), datetime.now(UTC))
        if isinstance(event, MessageReceived | MessageRefused | ReceptionUnmatched):
            self.findings += [f"{each.rule}: {each.text}" for each in event.findings]
        elif isinstance(event, CloseRequested):
            await self._flush(session, socket)
            await socket.close(event.code, event.reason)

    async def _flush(self, session: Session, socket: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            for text in session.data_to_send():
                await socket.send(text)


async def eventually(condition: Callable[[], object], timeout_s: float = 20) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110  # Nothing tells when a peer has got so far.
            await asyncio.sleep(0.01)


@asynccontextmanager
async def load_hub(hub: LoadHub | None = None, port: int = 0) -> AsyncIterator[LoadHub]:
    hub = hub or LoadHub()
    async with serve(hub.serve, "127.0.0.1", port, process_request=hub.admit, close_timeout=1) as hub.server:
        yield hub
        await asyncio.sleep(0)
