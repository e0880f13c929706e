"""Peers that are servers elsewhere: the gateway connects to them over real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID, uuid4

import pytest
from django.db import connections

from flexhub.bus import Envelope, PublishResult
from flexhub.bus.worker_side import RedisWorkerBus
from flexhub.devices.models import Link
from flexhub.devices.services import create_cem_node, link_nodes
from flexhub.pairing.dialled import change_dialled_end, create_dialled_end
from flexhub.pairing.models import DialledEnd
from s2.messages import EnergyManagementRole, FRBCInstruction, SelectControlType, dump_message, parse_message
from s2.versions import WireProfile
from tenants.scope import tenant_scope
from tests.support.gateway import TIMEOUT_S, RunningGateway, running_gateway
from tests.support.gateway_inside import details
from tests.support.peer_elsewhere import TOKEN, PeerElsewhere, until
from tests.support.registry import Household, make_device
from tests.support.remote_cem import FRBC, HostedTask, battery_messages, instruction

# Whichever of the two was there first may be asked to come again.
MET_S = 60.0

Found = TypeVar("Found")


# Who dials is the same code under either server, which only starts and ends it: one test shows both.
BOTH_SERVERS = pytest.mark.parametrize("gateway", ["daphne", "uvicorn"], indirect=True)


@pytest.fixture(scope="module", params=["daphne"])
def gateway(request: pytest.FixtureRequest, dialling_environment: dict[str, str]) -> Iterator[RunningGateway]:
    with running_gateway(dialling_environment | {"S2_SERVER": request.param}) as running:
        yield running


@pytest.fixture
def cem_elsewhere() -> Iterator[PeerElsewhere]:
    peer = PeerElsewhere(EnergyManagementRole.CEM)
    yield peer
    peer.listener.close()


@pytest.fixture
def dialled(household: Household, rm_elsewhere: PeerElsewhere, private_addresses: None) -> DialledEnd:
    """Alder's battery speaks for itself, at an address of its own."""
    return create_dialled_end(link=household.link, role="RM", url=rm_elsewhere.url(), token=TOKEN)


async def in_database(act: Callable[[], Found]) -> Found:
    """What `act` returns, from a thread that leaves no connection behind."""

    def work() -> Found:
        try:
            return act()
        finally:
            connections.close_all()

    return await asyncio.to_thread(work)


async def until_noted(row: DialledEnd, state: str) -> DialledEnd:
    def read() -> DialledEnd:
        with tenant_scope(row.tenant_id):
            return DialledEnd.objects.get(pk=row.pk)

    async with asyncio.timeout(TIMEOUT_S):
        while (found := await in_database(read)).state != state:  # noqa: ASYNC110  # As above.
            await asyncio.sleep(0.1)
    return found


def order(bus: RedisWorkerBus, link_id: UUID, message: SelectControlType | FRBCInstruction) -> None:
    """As the hosted CEM's task does."""
    envelope = Envelope(link_id, "message", dump_message(message, WireProfile.V1_0_0), message.message_id)
    assert bus.publish(link_id, envelope) is PublishResult.DELIVERED


@BOTH_SERVERS
async def test_connects_to_a_device_that_is_a_server(
    gateway: RunningGateway, dialled: DialledEnd, rm_elsewhere: PeerElsewhere, worker_bus: RedisWorkerBus
) -> None:
    link_id = dialled.link_id
    async with rm_elsewhere.listening():
        await until(lambda: rm_elsewhere.open_paths() == {"/s2"})
        await rm_elsewhere.say(parse_message(json.dumps(details(FRBC)), WireProfile.V1_0_0))
        await until(lambda: "ResourceManagerDetails" in fields_of(worker_bus, link_id))
        order(worker_bus, link_id, SelectControlType(message_id=str(uuid4()), control_type=FRBC))
        await until(lambda: rm_elsewhere.heard("SelectControlType"))
        await rm_elsewhere.say(*battery_messages(datetime.now(UTC)))
        await until(lambda: "FRBC.StorageStatus" in fields_of(worker_bus, link_id))
        command = instruction(datetime.now(UTC))

        order(worker_bus, link_id, command)

        await until(lambda: rm_elsewhere.heard("FRBC.Instruction") == [command])
        assert (await until_noted(dialled, "CONNECTED")).error == ""
        await in_database(lambda: change_dialled_end(dialled, enabled=False))
        await until(lambda: not rm_elsewhere.sessions)
        assert [each.request for each in rm_elsewhere.heard("SessionRequest")] == ["TERMINATE"]
        assert rm_elsewhere.openings == ["/s2"]


def fields_of(bus: RedisWorkerBus, link_id: UUID) -> set[str]:
    snapshot = bus.snapshots([link_id])[link_id]
    return set() if snapshot is None else set(snapshot.fields())


async def test_connects_a_hosted_rm_to_an_energy_manager_that_is_a_server(
    gateway: RunningGateway, hosted: Link, cem_elsewhere: PeerElsewhere, worker_bus: RedisWorkerBus
) -> None:
    task = HostedTask(worker_bus, hosted.pk)
    async with cem_elsewhere.listening():
        await until(lambda: cem_elsewhere.open_paths() == {"/s2"})
        await until(lambda: task.heard() == [("opened", "1.0.0")])
        task.say(details(FRBC))
        await until(lambda: cem_elsewhere.heard("ResourceManagerDetails"))
        await cem_elsewhere.say(SelectControlType(message_id=str(uuid4()), control_type=FRBC))
        await until(lambda: task.heard()[-1] == ("selected", FRBC.value))
        for message in battery_messages(datetime.now(UTC)):
            task.say(message)
        await until(lambda: cem_elsewhere.heard("FRBC.StorageStatus"))
        command = instruction(datetime.now(UTC))

        await cem_elsewhere.say(command)

        await until(lambda: task.heard()[-1] == ("instruction", dump_message(command, WireProfile.V1_0_0)))


@pytest.fixture
def hosted(household: Household, cem_elsewhere: PeerElsewhere, private_addresses: None) -> Link:
    """A device of Alder's that its vendor's cloud speaks for, and an energy manager of Alder's own."""
    device = make_device(household.site, name="Cloud boiler", hosted=True)
    link = link_nodes(rm_node=device.node, cem_node=create_cem_node(site=household.site, name="box"))
    create_dialled_end(link=link, role="CEM", url=cem_elsewhere.url(), token=TOKEN)
    return link


async def test_relays_between_two_servers(
    gateway: RunningGateway, both_elsewhere: Link, rm_elsewhere: PeerElsewhere, cem_elsewhere: PeerElsewhere
) -> None:
    async with rm_elsewhere.listening(), cem_elsewhere.listening():
        await until(lambda: rm_elsewhere.open_paths() == cem_elsewhere.open_paths() == {"/s2"}, MET_S)
        offer = parse_message(json.dumps(details(FRBC)), WireProfile.V1_0_0)
        await rm_elsewhere.say(offer)
        await until(lambda: cem_elsewhere.heard("ResourceManagerDetails") == [offer])
        choice = SelectControlType(message_id=str(uuid4()), control_type=FRBC)

        await cem_elsewhere.say(choice)

        await until(lambda: rm_elsewhere.heard("SelectControlType") == [choice])


@pytest.fixture
def both_elsewhere(
    household: Household, rm_elsewhere: PeerElsewhere, cem_elsewhere: PeerElsewhere, private_addresses: None
) -> Link:
    """Alder's battery and an energy manager of Alder's own, both at addresses of their own."""
    link = link_nodes(rm_node=household.rm_node, cem_node=create_cem_node(site=household.site, name="box"))
    for role, peer in (("RM", rm_elsewhere), ("CEM", cem_elsewhere)):
        create_dialled_end(link=link, role=role, url=peer.url(), token=TOKEN)
    return link


async def test_tells_people_that_a_token_is_refused_and_takes_a_better_one(
    gateway: RunningGateway, dialled: DialledEnd, rm_elsewhere: PeerElsewhere
) -> None:
    rm_elsewhere.token = "another"
    async with rm_elsewhere.listening():
        refused = await until_noted(dialled, "REFUSED")
        assert refused.error == "it answered HTTP 401; it does not take our token"
        assert rm_elsewhere.refused == 1

        await in_database(lambda: change_dialled_end(dialled, token="another"))

        await until(lambda: rm_elsewhere.open_paths() == {"/s2"})
        await until_noted(dialled, "CONNECTED")


async def test_follows_a_changed_address_and_a_deleted_link(
    gateway: RunningGateway, dialled: DialledEnd, rm_elsewhere: PeerElsewhere
) -> None:
    async with rm_elsewhere.listening():
        await until(lambda: rm_elsewhere.open_paths() == {"/s2"})

        await in_database(lambda: change_dialled_end(dialled, url=rm_elsewhere.url("/new")))
        await until(lambda: rm_elsewhere.open_paths() == {"/new"})
        await in_database(lambda: delete(dialled))
        await until(lambda: not rm_elsewhere.sessions)

    assert rm_elsewhere.openings == ["/s2", "/new"]


def delete(row: DialledEnd) -> None:
    with tenant_scope(row.tenant_id):
        Link.objects.get(pk=row.link_id).delete()
