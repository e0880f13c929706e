"""A link whose two ends are both remote, over real sockets: at one gateway process, and at two."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from flexhub.bus import TelemetryRow, end_id
from flexhub.bus.worker_side import RedisWorkerBus
from flexhub.devices.models import Link, Node
from flexhub.devices.services import create_cem_node, link_nodes
from flexhub.pairing.services import issue_node_token
from s2.events import Event, MessageReceived
from s2.messages import (
    ControlType,
    EnergyManagementRole,
    FRBCInstruction,
    InstructionStatus,
    InstructionStatusUpdate,
    Message,
    SelectControlType,
    parse_message,
)
from s2.session import Session
from s2.versions import WireProfile
from tests.support.gateway import TIMEOUT_S, RunningGateway, device_at, running_gateway
from tests.support.registry import Household, make_device
from tests.support.resources import battery_description, measurement, store_messages

NOW = datetime.now(UTC)
CEM, RM = EnergyManagementRole.CEM, EnergyManagementRole.RM


class SessionPeer:
    """A Session that holds a socket, comes back when it is closed, and keeps what it heard."""

    def __init__(self, role: EnergyManagementRole, url: str, token: str) -> None:
        self.role = role
        self.url = url
        self.token = token
        self.session: Session | None = None
        self.openings = 0
        self.events: list[Event] = []
        self._socket: Any = None
        self._changed = asyncio.Event()

    async def live(self) -> None:
        while True:
            try:
                await self._connect()
            except (OSError, InvalidStatus, ConnectionClosed, TimeoutError):
                self.session = None
            self._changed.set()
            await asyncio.sleep(0.2)

    async def say(self, *messages: Message) -> None:
        assert self.session is not None
        for each in messages:
            self.session.send(each, datetime.now(UTC))
        await self._flush()

    def heard(self, kind: str) -> list[Any]:
        messages = [each.message for each in self.events if isinstance(each, MessageReceived)]
        return [each for each in messages if each.message_type == kind]

    def is_open(self) -> bool:
        return self.session is not None and self.session.profile is not None and not self.session.closed

    async def _connect(self) -> None:
        async with device_at(self.url, self.token) as device:
            self.openings += 1
            self._socket = device.socket
            self.session = Session(self.role, new_id=lambda: str(uuid4()))
            self.session.start(datetime.now(UTC))
            await self._flush()
            while not self.session.closed:
                try:
                    async with asyncio.timeout(0.1):
                        frame = await device.socket.recv(decode=True)
                except TimeoutError:
                    self.events += self.session.tick(datetime.now(UTC))
                else:
                    assert isinstance(frame, str)
                    self.events += self.session.receive_text(frame, datetime.now(UTC))
                await self._flush()

    async def blurt(self, text: str) -> None:
        """Say what a Session would not."""
        await self._socket.send(text)

    async def _flush(self) -> None:
        assert self.session is not None
        for text in self.session.data_to_send():
            await self._socket.send(text)


async def until(look: Any, timeout_s: float = TIMEOUT_S) -> None:
    async with asyncio.timeout(timeout_s):
        while not look():  # noqa: ASYNC110  # What is looked at tells nobody when it changes.
            await asyncio.sleep(0.02)


@pytest.fixture(scope="module")
def second_gateway(module_environment: dict[str, str]) -> Iterator[RunningGateway]:
    with running_gateway(module_environment) as running:
        yield running


class Relayed:
    """A household whose device is paired with a box of its own."""

    def __init__(self, household: Household) -> None:
        self.box: Node = create_cem_node(site=household.site, name="box")
        self.link: Link = link_nodes(rm_node=household.rm_node, cem_node=self.box)
        self.household = household
        self.box_token = issue_node_token(self.box)

    def rm_at(self, gateway: RunningGateway) -> SessionPeer:
        return SessionPeer(RM, gateway.url(self.household.rm_node.pk), self.household.token)

    def cem_at(self, gateway: RunningGateway) -> SessionPeer:
        path = f"{self.box.pk}/{self.household.rm_node.pk}"
        return SessionPeer(CEM, gateway.url(path), self.box_token)


@pytest.fixture
def relayed(household: Household) -> Relayed:
    return Relayed(household)


@asynccontextmanager
async def living(*peers: SessionPeer) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(peer.live()) for peer in peers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def details() -> Message:
    document = {
        "message_type": "ResourceManagerDetails",
        "message_id": str(uuid4()),
        "resource_id": "battery-1",
        "roles": [{"role": "ENERGY_STORAGE", "commodity": "ELECTRICITY"}],
        "instruction_processing_delay": 0,
        "available_control_types": ["FILL_RATE_BASED_CONTROL"],
        "provides_forecast": False,
        "provides_power_measurement_types": ["ELECTRIC.POWER.L1"],
    }
    return parse_message(json.dumps(document), WireProfile.V1_0_0)


async def control(rm: SessionPeer, cem: SessionPeer) -> None:
    """Come as far as FRBC with a battery's menu."""
    await until(lambda: rm.is_open() and cem.is_open())
    rm.events.clear()
    cem.events.clear()
    await rm.say(details())
    await until(lambda: cem.heard("ResourceManagerDetails"))
    frbc = ControlType.FILL_RATE_BASED_CONTROL
    await cem.say(SelectControlType(message_id=str(uuid4()), control_type=frbc))
    await until(lambda: rm.heard("SelectControlType"))
    menu = store_messages(
        battery_description(), levels=(0.0, 10.0), level=5.0, active=[("actuator", "idle", 0.0)], now=NOW
    )
    await rm.say(*menu)
    await until(lambda: cem.heard(menu[-1].message_type))


def instruction(number: int) -> Message:
    return FRBCInstruction(
        message_id=str(uuid4()),
        id=f"instruction-{number}",
        actuator_id="actuator",
        operation_mode="charge",
        operation_mode_factor=0.5,
        execution_time=datetime.now(UTC),
        abnormal_condition=False,
    )


def succeeded(instruction_id: str) -> Message:
    return InstructionStatusUpdate(
        message_id=str(uuid4()),
        instruction_id=instruction_id,
        status_type=InstructionStatus.SUCCEEDED,
        timestamp=datetime.now(UTC),
    )


@pytest.mark.parametrize("apart", [False, True])
async def test_two_peers_converse_across_the_hub(
    relayed: Relayed,
    gateway: RunningGateway,
    second_gateway: RunningGateway,
    worker_bus: RedisWorkerBus,
    apart: bool,
) -> None:
    rm, cem = relayed.rm_at(gateway), relayed.cem_at(second_gateway if apart else gateway)
    async with living(rm, cem):
        await control(rm, cem)
        await cem.say(instruction(1))
        await until(lambda: rm.heard("FRBC.Instruction"))
        await rm.say(succeeded("instruction-1"))
        await until(lambda: cem.heard("InstructionStatusUpdate"))
        values = [float(number) for number in range(200)]
        for start in range(0, 200, 20):
            await rm.say(*(measurement(value, NOW) for value in values[start : start + 20]))
            await cem.say(*(instruction(number) for number in range(1000 + start, 1020 + start)))
            await asyncio.sleep(0.01)
        await until(lambda: len(cem.heard("PowerMeasurement")) == 200 and len(rm.heard("FRBC.Instruction")) == 201)

        assert [each.values[0].value for each in cem.heard("PowerMeasurement")] == values
        told = [each.id for each in rm.heard("FRBC.Instruction")]
        assert told[1:] == [f"instruction-{number}" for number in range(1000, 1200)]
        assert (rm.openings, cem.openings) == (1, 1)
        living_seats = {seat.info.link_id: seat for seat in worker_bus.sessions()}
        link_id = relayed.link.pk
        assert living_seats[link_id].control_type == "FILL_RATE_BASED_CONTROL"
        assert living_seats[end_id(link_id, "CEM")].info.name == "box"
        shown = [json.loads(each.text)["message_type"] for each in worker_bus.conversation(link_id)]
        assert {"PowerMeasurement", "FRBC.Instruction"} <= set(shown)
        # The far end may hear the last measurements before they are in the stream, though never their sender of an OK.
        rows: list[TelemetryRow] = []

        def arrived() -> bool:
            rows.extend(row for row in worker_bus.take_telemetry().rows if row.link_id == link_id)
            return len(rows) >= 200

        await until(arrived)
        assert [row.value for row in rows] == values


async def test_a_breach_is_answered_by_its_own_gateway(
    relayed: Relayed, gateway: RunningGateway, second_gateway: RunningGateway, worker_bus: RedisWorkerBus
) -> None:
    rm, cem = relayed.rm_at(gateway), relayed.cem_at(second_gateway)
    async with living(rm, cem):
        await control(rm, cem)
        heard = len(cem.events)
        broken = {
            "message_type": "FRBC.ActuatorStatus",
            "message_id": "broken-1",
            "actuator_id": "actuator",
            "active_operation_mode_id": "charge",
            "operation_mode_factor": 1.3,
        }

        await rm.blurt(json.dumps(broken))

        def shown() -> bool:
            entries = worker_bus.conversation(relayed.link.pk)
            return any(each.status == "INVALID_CONTENT" and "broken-1" in each.text for each in entries)

        await until(shown)
        assert len(cem.events) == heard


async def test_without_the_far_end_the_near_one_is_told(relayed: Relayed, gateway: RunningGateway) -> None:
    async with device_at(gateway.url(relayed.box.pk), relayed.box_token) as box:
        answer = await box.ask({"message_type": "Handshake", "message_id": "hello-1", "role": "CEM"})
        assert (answer["subject_message_id"], answer["status"]) == ("hello-1", "TEMPORARY_ERROR")
        rm = relayed.rm_at(gateway)
        async with living(rm):
            # It does not say it again, so it has to come anew.
            assert (await box.expect("SessionRequest"))["request"] == "RECONNECT"
            assert await box.closed() == 1000


async def test_both_meet_again_after_one_gateway_was_killed(
    relayed: Relayed, gateway: RunningGateway, own_gateway: RunningGateway
) -> None:
    rm, cem = relayed.rm_at(gateway), relayed.cem_at(own_gateway)
    async with living(rm, cem):
        await control(rm, cem)

        own_gateway.signal(signal.SIGKILL)
        cem.url = relayed.cem_at(gateway).url
        await until(lambda: rm.openings > 1 and cem.openings > 1, 40)

        await control(rm, cem)
        await cem.say(instruction(7))
        await until(lambda: rm.heard("FRBC.Instruction"))


async def test_a_gateway_that_stops_asks_its_own_peer_and_the_other_to_reconnect(
    relayed: Relayed, gateway: RunningGateway, own_gateway: RunningGateway
) -> None:
    rm, cem = relayed.rm_at(gateway), relayed.cem_at(own_gateway)
    async with living(rm, cem):
        await control(rm, cem)
        cem.url = relayed.cem_at(gateway).url

        assert own_gateway.stop() == 0
        await until(lambda: rm.openings > 1 and cem.openings > 1)

        await control(rm, cem)
        assert rm.heard("SelectControlType")


@pytest.fixture
def second_rm(relayed: Relayed) -> Node:
    node: Node = make_device(relayed.household.site, name="Second").node
    link_nodes(rm_node=node, cem_node=relayed.box)
    return node


async def test_a_box_with_several_links_has_to_name_one(
    relayed: Relayed, second_rm: Node, gateway: RunningGateway
) -> None:
    async def status(path: str, token: str) -> int:
        with pytest.raises(InvalidStatus) as refused:
            async with device_at(gateway.url(path), token):
                pass
        return refused.value.response.status_code

    assert await status(f"{relayed.box.pk}", relayed.box_token) == 409
    assert await status(f"{relayed.box.pk}", relayed.box_token + "x") == 401
    assert await status(f"{relayed.box.pk}/{uuid4()}", relayed.box_token) == 401
    async with device_at(gateway.url(f"{relayed.box.pk}/{second_rm.pk}"), relayed.box_token):
        pass
