"""A device with a power envelope that stays connected, does as it is told, and remembers what it was answered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from s2.errors import LocalProtocolError
from s2.events import CloseRequested, ControlTypeSelected, Event, MessageReceived, Opened
from s2.messages import (
    Commodity,
    CommodityQuantity,
    ControlType,
    EnergyManagementRole,
    InstructionStatus,
    InstructionStatusUpdate,
    Message,
    PEBCInstruction,
    PEBCPowerConstraints,
    PEBCPowerEnvelopeConsequenceType,
    PEBCPowerEnvelopeLimitType,
    PowerMeasurement,
    PowerValue,
    ResourceManagerDetails,
    Role,
    RoleType,
)
from s2.session import Session
from tests.support.resources import allowed

RECONNECT_S = 0.5
TICK_S = 0.1
PEAK_W = 6000.0
DONE = (InstructionStatus.ACCEPTED, InstructionStatus.STARTED, InstructionStatus.SUCCEEDED)


@dataclass(slots=True)
class EnvelopeDevice:
    """`offer()` publishes new constraints, which the energy manager answers with a new instruction.

    `answers` holds all ReceptionStatuses that came for a message, by its id; `says_of_each` the statuses that it sends
    for each instruction.
    """

    url: str
    token: str
    reconnects: bool = True
    says_of_each: tuple[InstructionStatus, ...] = DONE
    connections: int = 0
    close_codes: list[int] = field(default_factory=list)
    answers: dict[str, list[str]] = field(default_factory=dict)
    instructions: list[PEBCInstruction] = field(default_factory=list)
    session: Session | None = None
    _socket: ClientConnection | None = None

    async def live(self) -> None:
        """Stay connected until cancelled, or until the first close without `reconnects`."""
        while True:
            with suppress(OSError, TimeoutError, WebSocketException):
                await self._converse()
            if not self.reconnects and self.connections:
                return
            await asyncio.sleep(RECONNECT_S)

    @property
    def controlled(self) -> bool:
        return self.session is not None and self.session.control_type is ControlType.POWER_ENVELOPE_BASED_CONTROL

    async def offer(self) -> str:
        """Publish constraints under a new id, and return it. The present ones are replaced."""
        offered = constraints()
        await self.say(offered)
        return offered.id

    async def measure(self, power_w: float) -> str:
        """Report this power; returns the message's id."""
        message_id = str(uuid4())
        value = PowerValue(commodity_quantity=CommodityQuantity.ELECTRIC_POWER_L1, value=power_w)
        await self.say(
            PowerMeasurement(message_id=message_id, measurement_timestamp=datetime.now(UTC), values=(value,))
        )
        return message_id

    async def say(self, *messages: Message) -> None:
        """Send; what cannot be said now, because the connection or the control type is gone, is dropped."""
        if self.session is None:
            return
        for message in messages:
            with suppress(LocalProtocolError):
                self.session.send(message, datetime.now(UTC))
        with suppress(ConnectionClosed):
            await self._flush()

    async def _converse(self) -> None:
        headers = {"Authorization": f"Bearer {self.token}"}
        async with connect(self.url, additional_headers=headers, compression=None, close_timeout=1) as socket:
            self._socket, self.connections = socket, self.connections + 1
            self.session = session = Session(EnergyManagementRole.RM, new_id=lambda: str(uuid4()))
            try:
                await self._handle(session.start(datetime.now(UTC)))
                while True:
                    await self._hear(session, socket)
            except ConnectionClosed:
                self.close_codes.append(socket.protocol.close_code or 1006)
            finally:
                self.session = self._socket = None

    async def _hear(self, session: Session, socket: ClientConnection) -> None:
        try:
            async with asyncio.timeout(TICK_S):
                text = await socket.recv()
        except TimeoutError:
            await self._handle(session.tick(datetime.now(UTC)))
            return
        assert isinstance(text, str)
        document = json.loads(text)
        if document["message_type"] == "ReceptionStatus":
            self.answers.setdefault(document["subject_message_id"], []).append(document["status"])
        await self._handle(session.receive_text(text, datetime.now(UTC)))

    async def _handle(self, events: list[Event]) -> None:
        await self._flush()
        for event in events:
            match event:
                case Opened():
                    await self.say(details())
                case ControlTypeSelected(control_type=ControlType.POWER_ENVELOPE_BASED_CONTROL):
                    await self.say(constraints())
                case MessageReceived(message=PEBCInstruction() as instruction):
                    self.instructions.append(instruction)
                    await self.say(*obedience(instruction.id, self.says_of_each))
                case CloseRequested() if self._socket is not None:
                    await self._socket.close(event.code, event.reason)
                case _:
                    pass

    async def _flush(self) -> None:
        if self.session is None or self._socket is None:
            return
        for text in self.session.data_to_send():
            await self._socket.send(text)


@asynccontextmanager
async def living_device(url: str, token: str, **options: Any) -> AsyncIterator[EnvelopeDevice]:
    device = EnvelopeDevice(url, token, **options)
    living = asyncio.create_task(device.live())
    try:
        yield device
    finally:
        living.cancel()
        with suppress(asyncio.CancelledError):
            await living


def details() -> ResourceManagerDetails:
    return ResourceManagerDetails(
        message_id=str(uuid4()),
        resource_id="roof",
        roles=(Role(role=RoleType.ENERGY_PRODUCER, commodity=Commodity.ELECTRICITY),),
        instruction_processing_delay=0,
        available_control_types=(ControlType.POWER_ENVELOPE_BASED_CONTROL,),
        provides_forecast=False,
        provides_power_measurement_types=(CommodityQuantity.ELECTRIC_POWER_L1,),
    )


def constraints() -> PEBCPowerConstraints:
    return PEBCPowerConstraints(
        message_id=str(uuid4()),
        id=str(uuid4()),
        valid_from=datetime.now(UTC) - timedelta(seconds=1),
        consequence_type=PEBCPowerEnvelopeConsequenceType.VANISH,
        allowed_limit_ranges=(
            allowed(PEBCPowerEnvelopeLimitType.LOWER_LIMIT, -PEAK_W, 0.0),
            allowed(PEBCPowerEnvelopeLimitType.UPPER_LIMIT, 0.0, 0.0),
        ),
    )


def obedience(instruction_id: str, statuses: Iterable[InstructionStatus] = DONE) -> list[InstructionStatusUpdate]:
    return [
        InstructionStatusUpdate(
            message_id=str(uuid4()),
            instruction_id=instruction_id,
            status_type=status,
            timestamp=datetime.now(UTC),
        )
        for status in statuses
    ]
