"""An energy manager of a building, behind a real WebSocket: it connects to the hub and speaks with one RM."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TypeVar
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from s2.events import Event, MessageReceived
from s2.findings import Finding
from s2.messages import (
    ControlType,
    EnergyManagementRole,
    InstructionStatus,
    InstructionStatusUpdate,
    Message,
    SelectControlType,
)
from s2.session import Session

PATIENCE_S = 60.0

_Message = TypeVar("_Message")


class BuildingCEM:
    """One connection. `kind` is what the device at the other end is, for whoever makes instructions for it."""

    def __init__(self, socket: ClientConnection, kind: str) -> None:
        self.kind = kind
        self.session = Session(EnergyManagementRole.CEM, new_id=lambda: str(uuid4()))
        self.events: list[Event] = []
        self.texts: list[str] = []
        self._socket = socket
        self._changed = asyncio.Event()

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)

    async def run(self) -> None:
        """Converse until the connection ends."""
        self._note(self.session.start(self.now))
        try:
            while not self.session.closed:
                await self._send()
                self._note(self.session.receive_text(str(await self._socket.recv()), self.now))
            await self._send()
        except ConnectionClosed:
            return
        finally:
            self._changed.set()

    async def select(self, control_type: ControlType) -> None:
        await self.say(SelectControlType(message_id=str(uuid4()), control_type=control_type))

    async def say(self, message: Message) -> None:
        self.session.send(message, self.now)
        await self._send()

    async def until(self, done: Callable[[], bool]) -> None:
        """Wait for what the RM says. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE_S):
            while not done():
                self._changed.clear()
                await self._changed.wait()

    def heard(self, kind: type[_Message]) -> list[_Message]:
        return [message for message in self._messages() if isinstance(message, kind)]

    def course(self, instruction_id: str) -> list[InstructionStatus]:
        updates = self.heard(InstructionStatusUpdate)
        return [each.status_type for each in updates if each.instruction_id == instruction_id]

    @property
    def findings(self) -> list[Finding]:
        return [finding for event in self.events for finding in getattr(event, "findings", ())]

    def answers(self) -> set[str]:
        """The statuses of all that we have acknowledged."""
        return {each["status"] for each in map(json.loads, self.texts) if each["message_type"] == "ReceptionStatus"}

    def _messages(self) -> list[Message]:
        return [event.message for event in self.events if isinstance(event, MessageReceived)]

    def _note(self, events: list[Event]) -> None:
        self.events += events
        self._changed.set()

    async def _send(self) -> None:
        for text in self.session.data_to_send():
            self.texts.append(text)
            await self._socket.send(text)


@asynccontextmanager
async def connected(url: str, token: str, kind: str) -> AsyncIterator[BuildingCEM]:
    async with connect(url, additional_headers={"Authorization": f"Bearer {token}"}) as socket:
        cem = BuildingCEM(socket, kind)
        running = asyncio.create_task(cem.run())
        try:
            yield cem
        finally:
            running.cancel()
            await asyncio.wait([running])
