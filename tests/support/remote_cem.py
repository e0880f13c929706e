"""A link whose RM is hosted and whose CEM is a peer: the peer's socket, and what the RM's task does on the bus."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from flexhub.bus import Envelope, Letter, PublishResult, WorkerBus, end_id
from flexhub.bus.memory import MemoryWorkerBus
from flexhub.gateway.process import GatewayProcess
from flexhub.pairing.services import NodeIdentity
from s2.messages import (
    ControlType,
    FRBCInstruction,
    InstructionStatus,
    InstructionStatusUpdate,
    Message,
    RevokableObjects,
    RevokeObject,
    SelectControlType,
    dump_message,
)
from s2.versions import WireProfile
from tests.support.gateway_inside import Document, FakeSocket, details, identity
from tests.support.resources import battery_description, store_messages

FRBC = ControlType.FILL_RATE_BASED_CONTROL


def remote_cem(**changes: Any) -> NodeIdentity:
    """Who signs in: the energy manager of a hosted RM that stands in another building."""
    who = {"role": "CEM", "device_name": "box", "peer_site_id": uuid4()}
    return identity(**(who | changes))


class HostedTask:
    """What the task of a hosted RM does, without a device."""

    def __init__(self, worker: WorkerBus, link_id: UUID) -> None:
        self.end_id = end_id(link_id, "CEM")
        self._worker = worker

    @property
    def token(self) -> int | None:
        return self._worker.mail(self.end_id).token

    def letters(self) -> list[Letter]:
        return list(self._worker.mail(self.end_id, count=10_000).letters)

    def heard(self) -> list[tuple[str, str]]:
        return [(letter.kind, letter.payload) for letter in self.letters()]

    def drop_all(self) -> None:
        for letter in self.letters()[-1:]:
            self._worker.drop_mail(self.end_id, letter.id)

    def say(self, message: Message | Document, token: int | None = None) -> str:
        """Publish for this session, or for the one that is living; returns the text."""
        text = json.dumps(message) if isinstance(message, dict) else dump_message(message, WireProfile.V1_0_0)
        envelope = Envelope(self.end_id, "message", text, json.loads(text)["message_id"], token or self.token)
        assert self._worker.publish(self.end_id, envelope) is PublishResult.DELIVERED
        return text


class ControlledLink:
    """The energy manager's socket, and the task at the other end."""

    def __init__(self, process: GatewayProcess, worker: MemoryWorkerBus, who: NodeIdentity, now: datetime) -> None:
        self.task = HostedTask(worker, who.link_id)
        self.socket = FakeSocket(process, who)
        self._now = now

    async def open(self) -> None:
        await self.socket.shake_hands_as_cem()

    async def hear(self, message: Message | Document) -> Document:
        """Have the task say this, and the energy manager acknowledge it."""
        self.task.say(message)
        heard = await self.socket.receive()
        self.socket.acknowledge(heard)
        return heard

    async def select(self, control_type: ControlType = FRBC) -> None:
        selection = SelectControlType(message_id=str(uuid4()), control_type=control_type)
        assert (await self.socket.ask(selection))["status"] == "OK"

    async def control(self) -> None:
        """From the first frame to a battery that can be instructed."""
        await self.open()
        await self.hear(details(FRBC))
        await self.select()
        await self.offer()

    async def offer(self) -> None:
        for message in battery_messages(self._now):
            await self.hear(message)


def battery_messages(now: datetime) -> list[Message]:
    active = [("actuator", "idle", 0.0)]
    return store_messages(battery_description(), levels=(0.0, 10.0), level=5.0, active=active, now=now)


def instruction(now: datetime, mode: str = "charge") -> FRBCInstruction:
    return FRBCInstruction(
        message_id=str(uuid4()),
        id=str(uuid4()),
        actuator_id="actuator",
        operation_mode=mode,
        operation_mode_factor=0.5,
        execution_time=now,
        abnormal_condition=False,
    )


def revocation(of: FRBCInstruction) -> RevokeObject:
    return RevokeObject(message_id=str(uuid4()), object_type=RevokableObjects.FRBC_INSTRUCTION, object_id=of.id)


def status_update(of: FRBCInstruction, status: InstructionStatus, now: datetime) -> InstructionStatusUpdate:
    return InstructionStatusUpdate(message_id=str(uuid4()), instruction_id=of.id, status_type=status, timestamp=now)
