"""The gateway without processes and sockets: an ASGI server's end made of queues, and a bus that can be cut off."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from flexhub.bus import Batch, BatchResult, BusUnavailable, Envelope, SeatInfo, TenantUse, UseReport
from flexhub.bus.memory import MemoryGatewayBus
from flexhub.clock import Clock
from flexhub.gateway import consumers, limits
from flexhub.gateway.auth import Doorkeeper
from flexhub.gateway.database import DatabaseUnavailable
from flexhub.gateway.process import GatewayProcess
from flexhub.gateway.seats import Seat
from flexhub.gateway.tenant_load import Allowance
from flexhub.gateway.tenant_loads import TenantLoads
from flexhub.gateway.wake_sender import WakeSender
from flexhub.pairing.services import NodeIdentity
from flexhub.pairing.standing import Credential
from s2.messages import (
    ControlType,
    EnergyManagementRole,
    HandshakeResponse,
    Message,
    SelectControlType,
    dump_message,
)
from s2.session import Session
from s2.strictness import STRICT, Strictness
from s2.versions import WireProfile

Document = dict[str, Any]
NOW = datetime(2026, 4, 21, 12, 0, tzinfo=UTC)
TIMEOUT_S = 60.0


class SwitchableBus(MemoryGatewayBus):
    """As in memory, and unreachable while `down`."""

    down = False

    async def renew(self) -> bool:
        self._reach()
        return await super().renew()

    async def claim_seat(self, info: SeatInfo) -> int:
        self._reach()
        return await super().claim_seat(info)

    async def release_seat(self, link_id: UUID, token: int) -> bool:
        self._reach()
        return await super().release_seat(link_id, token)

    async def tell_use(self, use: Mapping[UUID, TenantUse]) -> list[UseReport]:
        self._reach()
        return await super().tell_use(use)

    async def read_inbox(self, block_ms: int, count: int = 256) -> list[Envelope]:
        self._reach()
        return await super().read_inbox(min(block_ms, 20), count)

    async def last_looks(self, site_ids: Sequence[UUID]) -> list[str | None]:
        self._reach()
        return await super().last_looks(site_ids)

    async def write(self, batch: Batch) -> BatchResult:
        self._reach()
        return await super().write(batch)

    def _reach(self) -> None:
        if self.down:
            raise BusUnavailable("switched off by the test")


def identity(**changes: Any) -> NodeIdentity:
    values: dict[str, Any] = {
        "node_id": uuid4(),
        "role": "RM",
        "tenant_id": uuid4(),
        "site_id": uuid4(),
        "link_id": uuid4(),
        "peer_node_id": uuid4(),
        "peer_hosted": True,
        "device_name": "Alder battery",
    }
    return NodeIdentity(**(values | changes))


class CredentialsInMemory:
    """Knows what the test has ended, and which tokens' use was noted; unreachable while `down`."""

    def __init__(self) -> None:
        self.ended_token_ids: set[int] = set()
        self.asked: list[set[Credential]] = []
        self.noted: list[int] = []
        self.down = False

    async def ended(self, held: Collection[Credential]) -> set[Credential]:
        if self.down:
            raise DatabaseUnavailable("switched off by the test")
        self.asked.append(set(held))
        return {each for each in held if each.token_id in self.ended_token_ids}

    async def note_use(self, token_ids: Collection[int]) -> None:
        self.noted += sorted(token_ids)

    def close(self) -> None:
        """Holds nothing."""


PLENTY = Allowance(sessions=1_000, messages_per_s=100_000)


class GivenAllowances:
    """What tenants may use as a test says, without a database; it may be changed. `down`: nothing is known."""

    def __init__(self, of_all: Allowance = PLENTY) -> None:
        self.of_all = of_all
        self.down = False
        self.asked: list[set[UUID]] = []

    @property
    def fallback(self) -> Allowance:
        return PLENTY

    async def read(self, tenant_ids: Collection[UUID]) -> Mapping[UUID, Allowance]:
        if self.down:
            raise DatabaseUnavailable("switched off by the test")
        self.asked.append(set(tenant_ids))
        return dict.fromkeys(tenant_ids, self.of_all)

    def close(self) -> None:
        """Nothing is held open."""


def make_process(
    bus: MemoryGatewayBus,
    clock: Clock,
    sender: WakeSender | None = None,
    *,
    credentials: CredentialsInMemory | None = None,
    allowances: GivenAllowances | None = None,
    drain_s: float = limits.DRAIN_S,
    cem_release_after_s: float = limits.CEM_RELEASE_AFTER_S,
) -> GatewayProcess:
    sender, credentials = sender or WakeSender(lambda wake: None), credentials or CredentialsInMemory()
    loads = TenantLoads(bus, allowances or GivenAllowances())
    return GatewayProcess(
        bus,
        clock,
        sender,
        credentials,
        loads,
        ack_timeout_s=10,
        max_frame_bytes=1024,
        cem_release_after_s=cem_release_after_s,
        drain_s=drain_s,
    )


class FakeSocket:
    """A device's end of one connection, without a network between."""

    def __init__(self, process: GatewayProcess, who: NodeIdentity) -> None:
        self._incoming: asyncio.Queue[Document] = asyncio.Queue()
        self._outgoing: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
        doorkeeper = Doorkeeper(lambda sign_ins: [who] * len(sign_ins))
        scope: Document = {
            "type": "websocket",
            "path": f"/s2/v0/{who.node_id}",
            "headers": [(b"authorization", b"Bearer token")],
            "client": ["127.0.0.1", 50_000],
            "extensions": {"websocket.http.response": {}},
        }
        self._incoming.put_nowait({"type": "websocket.connect"})
        self.served = asyncio.create_task(
            consumers.serve(process, doorkeeper, who.node_id, scope, self._incoming.get, self._outgoing.put)
        )

    def send(self, message: Message | Document | str) -> None:
        if isinstance(message, dict):
            message = json.dumps(message)
        text = message if isinstance(message, str) else dump_message(message, WireProfile.V1_0_0)
        self._incoming.put_nowait({"type": "websocket.receive", "text": text})

    def hang_up(self, code: int = 1000, reason: str = "") -> None:
        self._incoming.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})

    @property
    def idle(self) -> bool:
        """Whether nothing has come that was not looked at."""
        return self._outgoing.empty()

    async def event(self) -> Mapping[str, Any]:
        """The next ASGI event."""
        return await asyncio.wait_for(self._outgoing.get(), TIMEOUT_S)

    async def receive(self) -> Document:
        """The next message."""
        event = await self.event()
        assert event["type"] == "websocket.send", event
        document: Document = json.loads(event["text"])
        return document

    async def ask(self, message: Message | Document | str) -> Document:
        """Send, and return the answer, which is the next thing that comes."""
        self.send(message)
        return await self.receive()

    async def shake_hands(self, role: str = "RM") -> None:
        """As this role; a CEM then still has to choose the version."""
        assert (await self.event())["type"] == "websocket.accept"
        handshake = await self.receive()
        self.acknowledge(handshake)
        ours = {"message_type": "Handshake", "message_id": str(uuid4()), "role": role}
        assert (await self.ask(ours | {"supported_protocol_versions": ["1.0.0"]}))["status"] == "OK"
        if role == "RM":
            self.acknowledge(await self.receive())

    async def shake_hands_as_cem(self) -> None:
        """Up to the chosen version."""
        await self.shake_hands("CEM")
        choice = HandshakeResponse(message_id=str(uuid4()), selected_protocol_version="1.0.0")
        assert (await self.ask(choice))["status"] == "OK"

    def acknowledge(self, message: Document, status: str = "OK") -> None:
        self.send({"message_type": "ReceptionStatus", "subject_message_id": message["message_id"], "status": status})


def details(*control_types: ControlType) -> Document:
    return {
        "message_type": "ResourceManagerDetails",
        "message_id": str(uuid4()),
        "resource_id": "resource-1",
        "roles": [{"role": "ENERGY_STORAGE", "commodity": "ELECTRICITY"}],
        "instruction_processing_delay": 0,
        "available_control_types": [each.value for each in control_types or (ControlType.FILL_RATE_BASED_CONTROL,)],
        "provides_forecast": False,
        "provides_power_measurement_types": ["ELECTRIC.POWER.L1"],
    }


async def _nowhere(_: Mapping[str, Any]) -> None:
    """A socket that takes everything."""


def controlled_seat(
    control_type: ControlType, token: int, who: NodeIdentity | None = None, strictness: Strictness = STRICT
) -> Seat:
    """A seat whose session is open and under that control type."""
    who = who or identity()
    session = Session(
        EnergyManagementRole.CEM, new_id=lambda: str(uuid4()), agreed=WireProfile.V1_0_0, strictness=strictness
    )
    session.start(NOW)
    session.receive_text(json.dumps(details(control_type)), NOW)
    session.send(SelectControlType(message_id=str(uuid4()), control_type=control_type), NOW)
    info = SeatInfo(who.link_id, who.tenant_id, who.site_id, who.node_id, who.device_name, NOW)
    return Seat(info, token, session, _nowhere, measures_site=True)
