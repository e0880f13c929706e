"""A CEM for one RM: our Session behind a WebSocket on the loopback interface, for peers that bring their own client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from s2.events import AcknowledgementMissing, Event, MessageReceived, MessageRefused, ReceptionUnmatched
from s2.findings import Finding
from s2.messages import (
    ControlType,
    EnergyManagementRole,
    Message,
    PowerMeasurement,
    ResourceManagerDetails,
    SelectControlType,
)
from s2.session import Session

#: Makes a message for an RM that has described itself.
Order = Callable[[], Message]


class LoopbackCEM:
    """Selects a control type; then each measurement brings the next order, once the one before has come to its end.

    `events` and `texts` hold all that happened and all that we sent. `satisfied` is set by the measurement after the
    last order, or at the end of the session.
    """

    def __init__(
        self, control_type: ControlType, *orders: Order, ack_timeout: timedelta = timedelta(seconds=10)
    ) -> None:
        self.session = Session(EnergyManagementRole.CEM, new_id=new_id, ack_timeout=ack_timeout)
        self.events: list[Event] = []
        self.texts: list[str] = []
        self.satisfied = asyncio.Event()
        self._control_type = control_type
        self._orders = list(orders)

    async def converse(self, socket: ServerConnection) -> None:
        """One connection, to its end."""
        try:
            events = self.session.start(datetime.now(UTC))
            while not self.session.closed:
                self._act_on(events)
                await self._send(socket)
                events = await self._next_events(socket)
            self.events += events
            await self._send(socket)
        except ConnectionClosed:
            return
        finally:
            self.satisfied.set()

    @property
    def findings(self) -> list[Finding]:
        bearers = (MessageReceived, MessageRefused, ReceptionUnmatched, AcknowledgementMissing)
        return [finding for event in self.events if isinstance(event, bearers) for finding in event.findings]

    def heard(self, kind: type[Message]) -> list[Any]:
        """The accepted messages of that kind, oldest first."""
        messages = (event.message for event in self.events if isinstance(event, MessageReceived))
        return [message for message in messages if isinstance(message, kind)]

    def answers(self) -> list[str]:
        """The statuses of all our ReceptionStatuses."""
        return [each["status"] for each in map(json.loads, self.texts) if each["message_type"] == "ReceptionStatus"]

    async def _next_events(self, socket: ServerConnection) -> list[Event]:
        due = self.session.next_deadline()
        pause = None if due is None else max(0.0, (due - datetime.now(UTC)).total_seconds())
        try:
            frame = await asyncio.wait_for(socket.recv(), pause)
        except TimeoutError:
            return self.session.tick(datetime.now(UTC))
        if isinstance(frame, bytes):
            return self.session.receive_bytes(frame, datetime.now(UTC))
        return self.session.receive_text(frame, datetime.now(UTC))

    async def _send(self, socket: ServerConnection) -> None:
        for text in self.session.data_to_send():
            self.texts.append(text)
            await socket.send(text)

    def _act_on(self, events: list[Event]) -> None:
        self.events += events
        for event in events:
            if not isinstance(event, MessageReceived):
                continue
            if isinstance(event.message, ResourceManagerDetails):
                self._say(SelectControlType(message_id=new_id(), control_type=self._control_type))
            elif isinstance(event.message, PowerMeasurement):
                self._go_on()

    def _go_on(self) -> None:
        if self.session.ledger.open_entries():
            return
        if self._orders:
            self._say(self._orders.pop(0)())
        else:
            self.satisfied.set()

    def _say(self, message: Message) -> None:
        self.session.send(message, datetime.now(UTC))


def new_id() -> str:
    return str(uuid4())


@asynccontextmanager
async def listening(cem: LoopbackCEM) -> AsyncIterator[str]:
    """The address at which the CEM answers."""
    async with serve(cem.converse, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}"
