"""A link whose two ends are both ours, in a real gateway process: what one worker says reaches the other."""

from __future__ import annotations

import json
import signal
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from flexhub.bus import Envelope, PublishResult, end_id
from flexhub.bus.worker_side import RedisWorkerBus
from flexhub.devices.models import Link
from s2.messages import FRBCInstruction, SelectControlType, dump_message
from s2.versions import WireProfile
from tenants.scope import tenant_scope
from tests.support.gateway import RunningGateway
from tests.support.gateway_inside import details
from tests.support.peer_elsewhere import until
from tests.support.registry import Household, make_device
from tests.support.remote_cem import FRBC, HostedTask, battery_messages, instruction


@pytest.fixture
def house(household: Household) -> Link:
    """A device of Alder's that its vendor's cloud speaks for, and Alder's hosted energy manager."""
    device = make_device(household.site, name="Cloud boiler", hosted=True)
    with tenant_scope(household.tenant.pk):
        return Link.objects.get(rm_node__device=device)


def order(bus: RedisWorkerBus, link_id: UUID, message: SelectControlType | FRBCInstruction) -> None:
    """As the hosted CEM's task does."""
    envelope = Envelope(link_id, "message", dump_message(message, WireProfile.V1_0_0), message.message_id)
    assert bus.publish(link_id, envelope) is PublishResult.DELIVERED


def fields_of(bus: RedisWorkerBus, link_id: UUID) -> set[str]:
    snapshot = bus.snapshots([link_id])[link_id]
    return set() if snapshot is None else set(snapshot.fields())


def said_at(bus: RedisWorkerBus, end: UUID) -> set[str]:
    return {json.loads(entry.text)["message_type"] for entry in bus.conversation(end)}


async def test_opens_by_itself_and_carries_an_instruction(
    house: Link, own_gateway: RunningGateway, worker_bus: RedisWorkerBus
) -> None:
    task = HostedTask(worker_bus, house.pk)
    await until(lambda: task.heard() == [("opened", "1.0.0")])
    task.say(details(FRBC))
    await until(lambda: "ResourceManagerDetails" in fields_of(worker_bus, house.pk))
    order(worker_bus, house.pk, SelectControlType(message_id=str(uuid4()), control_type=FRBC))
    await until(lambda: task.heard()[-1] == ("selected", FRBC.value))
    for message in battery_messages(datetime.now(UTC)):
        task.say(message)
    await until(lambda: {"FRBC.SystemDescription", "FRBC.StorageStatus"} <= fields_of(worker_bus, house.pk))
    command = instruction(datetime.now(UTC))

    order(worker_bus, house.pk, command)

    await until(lambda: task.heard()[-1] == ("instruction", dump_message(command, WireProfile.V1_0_0)))
    # Each end has a conversation of its own, for people.
    await until(lambda: "FRBC.Instruction" in said_at(worker_bus, house.pk))
    await until(lambda: "FRBC.Instruction" in said_at(worker_bus, end_id(house.pk, "CEM")))


async def test_takes_leave_when_the_process_stops(
    house: Link, own_gateway: RunningGateway, worker_bus: RedisWorkerBus
) -> None:
    ends = {house.pk, end_id(house.pk, "CEM")}
    await until(lambda: ends <= {each.info.link_id for each in worker_bus.sessions()})

    own_gateway.signal(signal.SIGTERM)

    await until(lambda: not ends & {each.info.link_id for each in worker_bus.sessions()})
    assert own_gateway.process.wait(20) == 0
    assert "SessionRequest" in said_at(worker_bus, house.pk)
