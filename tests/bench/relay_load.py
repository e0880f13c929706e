"""Links with a socket at either end, and a load of messages and their ReceptionStatuses across them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from uuid import UUID, uuid4

from websockets.asyncio.client import ClientConnection

from s2.messages import ControlType, FRBCActuatorStatus, SelectControlType, dump_message
from s2.receptions import reception_text
from s2.versions import WireProfile
from tests.bench.load import details, measurements
from tests.bench.world import Credentials, World
from tests.support.gateway import Document, RunningGateway, SocketDevice, device_at
from tests.support.resources import battery_description, store_messages

#: Messages without answer that a Resource Manager has at once.
WINDOW = 4

_ID_MARK = '"message_id":"'
_ID_LENGTH = 36
_factors = count()


@dataclass(frozen=True, slots=True)
class LinkCredentials:
    """What the two ends of a link sign in with."""

    link_id: UUID
    rm: Credentials
    cem: Credentials


@dataclass(frozen=True, slots=True)
class Ends:
    """The two sockets of one link."""

    rm: SocketDevice
    cem: SocketDevice


def make_links(world: World, number: int) -> list[LinkCredentials]:
    """Batteries that are paired with one box of their building."""
    from flexhub.devices.models import Node
    from flexhub.devices.services import create_cem_node, link_nodes
    from flexhub.pairing.services import issue_node_token
    from tenants.scope import platform_scope, tenant_scope

    batteries = world.devices(number)
    with platform_scope("the bench pairs its batteries"):
        nodes = [Node.objects.select_related("site").get(pk=each.node_id) for each in batteries]
    site = nodes[0].site
    with tenant_scope(site.tenant_id):
        box = create_cem_node(site=site, name="box")
        token = issue_node_token(box)
        links = [link_nodes(rm_node=node, cem_node=box) for node in nodes]
    cem = Credentials(box.pk, token)
    return [LinkCredentials(link.pk, rm, cem) for link, rm in zip(links, batteries, strict=True)]


async def open_relayed(
    stack: AsyncExitStack, links: Iterable[LinkCredentials], rm_at: RunningGateway, cem_at: RunningGateway
) -> list[Ends]:
    """Sockets at gateways, brought under FRBC."""
    opened: list[Ends] = []
    for link in links:
        rm = device_at(rm_at.url(link.rm.node_id), link.rm.token, ping_interval=None)
        cem = device_at(cem_at.url(f"{link.cem.node_id}/{link.rm.node_id}"), link.cem.token, ping_interval=None)
        opened.append(Ends(await stack.enter_async_context(rm), await stack.enter_async_context(cem)))
    await asyncio.gather(*map(_introduce, opened))
    return opened


async def open_bare(stack: AsyncExitStack, links: Iterable[LinkCredentials], server: RunningGateway) -> list[Ends]:
    """Sockets at a baseline, which knows no sessions."""
    opened: list[Ends] = []
    for link in links:
        sockets = [
            await stack.enter_async_context(device_at(server.url(f"{link.link_id}/{role}"), None, ping_interval=None))
            for role in ("rm", "cem")
        ]
        opened.append(Ends(*sockets))
    return opened


async def _introduce(ends: Ends) -> None:
    """From the Handshakes to a battery's whole menu."""
    rm, cem = ends.rm, ends.cem
    versions = {"supported_protocol_versions": ["1.0.0"]}
    await _both_ask(
        (rm, {"message_type": "Handshake", "message_id": str(uuid4()), "role": "RM"} | versions),
        (cem, {"message_type": "Handshake", "message_id": str(uuid4()), "role": "CEM"} | versions),
    )
    for each in (rm, cem):
        await each.expect("Handshake")
    response = {"message_type": "HandshakeResponse", "message_id": str(uuid4())}
    select = SelectControlType(message_id=str(uuid4()), control_type=ControlType.FILL_RATE_BASED_CONTROL)
    await _tell(cem, rm, response | {"selected_protocol_version": "1.0.0"})
    await _tell(rm, cem, details())
    await _tell(cem, rm, json.loads(dump_message(select, WireProfile.V1_0_0)))
    now = datetime.now(UTC)
    active = [("actuator", "idle", 0.0)]
    for message in store_messages(battery_description(), levels=(0.0, 10.0), level=5.0, active=active, now=now):
        await _tell(rm, cem, json.loads(dump_message(message, WireProfile.V1_0_0)))


async def _both_ask(*asked: tuple[SocketDevice, Document]) -> None:
    answers = await asyncio.gather(*(device.ask(document) for device, document in asked))
    assert [each["status"] for each in answers] == ["OK"] * len(asked), answers


async def _tell(speaker: SocketDevice, listener: SocketDevice, document: Document) -> None:
    answer, _ = await asyncio.gather(speaker.ask(document), listener.expect(document["message_type"]))
    assert answer["status"] == "OK", answer


def statements(number: int) -> list[str]:
    """What batteries say all day: PowerMeasurement and FRBC.ActuatorStatus by turns, no two alike."""
    texts: list[str] = []
    for text in measurements(-(-number // 2)):
        texts += (text, _actuator_status())
    return texts[:number]


def _actuator_status() -> str:
    status = FRBCActuatorStatus(
        message_id=str(uuid4()),
        actuator_id="actuator",
        active_operation_mode_id="charge",
        operation_mode_factor=next(_factors) % 1000 / 1000,
    )
    return dump_message(status, WireProfile.V1_0_0)


async def converse(links: Sequence[Ends], texts: Sequence[str], per_s: float) -> None:
    """Have the texts said at this rate, spread over the links, and each of them answered end to end."""
    start = asyncio.get_running_loop().time()
    async with asyncio.TaskGroup() as group:
        for place, ends in enumerate(links):
            moments = ((start + number / per_s) for number in range(place, len(texts), len(links)))
            group.create_task(_converse_on(ends, texts[place :: len(links)], moments))


async def _converse_on(ends: Ends, texts: Sequence[str], moments: Iterator[float]) -> None:
    rm, cem, room = ends.rm.socket, ends.cem.socket, asyncio.Semaphore(WINDOW)
    async with asyncio.TaskGroup() as group:
        group.create_task(_answer(cem, len(texts)))
        group.create_task(_hear(rm, len(texts), room))
        loop = asyncio.get_running_loop()
        for text, moment in zip(texts, moments, strict=True):
            await asyncio.sleep(max(0.0, moment - loop.time()))
            await room.acquire()
            await rm.send(text)


async def _answer(cem: ClientConnection, number: int) -> None:
    for _ in range(number):
        text = await cem.recv()
        assert isinstance(text, str)
        start = text.index(_ID_MARK) + len(_ID_MARK)
        await cem.send(reception_text(text[start : start + _ID_LENGTH]))


async def _hear(rm: ClientConnection, number: int, room: asyncio.Semaphore) -> None:
    for _ in range(number):
        answer = await rm.recv()
        assert isinstance(answer, str)
        assert '"status":"OK"' in answer, answer
        room.release()
