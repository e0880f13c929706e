"""A house link in one process: two sessions that speak with each other, as each would with a peer elsewhere."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from flexhub.bus import BusUnavailable, Envelope, PublishResult
from flexhub.bus.memory import MemoryWorkerBus
from flexhub.bus.memory_store import MemoryStore
from flexhub.gateway import limits, writer
from flexhub.gateway.house import PEER, hold_house
from flexhub.gateway.process import GatewayProcess
from flexhub.gateway.seats import Seat
from s2.messages import FRBCInstruction, SelectControlType, dump_message
from s2.versions import WireProfile
from tests.support.clock import FixedClock
from tests.support.gateway_inside import TIMEOUT_S, SwitchableBus, details, make_process
from tests.support.outgoing_links import house_ends
from tests.support.remote_cem import FRBC, HostedTask, battery_messages, instruction

RM, CEM = house_ends()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FLUSH_PAUSE_S", "REDIS_RETRY_S", "REDIS_RETRY_MAX_S"):
        monkeypatch.setattr(writer, name, 0.001)
    monkeypatch.setattr(limits, "TICK_S", 0.001)
    monkeypatch.setattr(limits, "GOODBYE_S", 5)


@pytest.fixture
async def process(bus: SwitchableBus, clock: FixedClock) -> AsyncIterator[GatewayProcess]:
    process = make_process(bus, clock)
    process.max_frame_bytes = 1024 * 1024
    yield process
    bus.down = False
    if not process.stopping:
        await process.stop()


class House:
    """The link, held, and both workers at its ends."""

    def __init__(self, process: GatewayProcess, worker: MemoryWorkerBus) -> None:
        self.seats: list[Seat] = []
        self.task = HostedTask(worker, RM.link_id)
        self.worker = worker
        self.held = asyncio.create_task(hold_house(process, RM, CEM, opened=self.seats.append))

    async def opened(self) -> None:
        await eventually(lambda: "opened" in [kind for kind, _ in self.task.heard()])
        await eventually(lambda: self.snapshot() is not None and self.snapshot().profile is not None)

    def snapshot(self) -> Any:
        return self.worker.snapshots([RM.link_id])[RM.link_id]

    def order(self, message: SelectControlType | FRBCInstruction) -> None:
        """As the energy manager's task does."""
        text = dump_message(message, WireProfile.V1_0_0)
        envelope = Envelope(RM.link_id, "message", text, message.message_id)
        assert self.worker.publish(RM.link_id, envelope) is PublishResult.DELIVERED

    async def ended(self) -> dict[str, Any]:
        return await asyncio.wait_for(self.held, TIMEOUT_S)


@pytest.fixture
async def house(process: GatewayProcess, worker: MemoryWorkerBus) -> House:
    house = House(process, worker)
    await house.opened()
    return house


async def eventually(look: Callable[[], object]) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while not look():  # noqa: ASYNC110  # What is looked at tells nobody when it changes.
            await asyncio.sleep(0.001)


def held_ends(worker: MemoryWorkerBus) -> dict[UUID, str]:
    return {record.info.link_id: record.info.peer for record in worker.sessions()}


def said_at(worker: MemoryWorkerBus, end: UUID) -> set[tuple[str, str]]:
    return {(entry.direction, json.loads(entry.text)["message_type"]) for entry in worker.conversation(end)}


async def test_both_ends_have_a_seat_and_a_conversation_of_their_own(house: House, worker: MemoryWorkerBus) -> None:
    assert held_ends(worker) == {RM.end_id: PEER, CEM.end_id: PEER}
    as_cem = {("sent", "Handshake"), ("received", "Handshake"), ("sent", "HandshakeResponse")}
    as_rm = {("sent", "Handshake"), ("received", "Handshake"), ("received", "HandshakeResponse")}
    await eventually(lambda: said_at(worker, RM.end_id) == as_cem)
    await eventually(lambda: said_at(worker, CEM.end_id) == as_rm)


async def test_an_instruction_goes_from_one_worker_to_the_other(house: House, clock: FixedClock) -> None:
    house.task.say(details(FRBC))
    await eventually(lambda: "ResourceManagerDetails" in house.snapshot().fields())
    house.order(SelectControlType(message_id=str(uuid4()), control_type=FRBC))
    await eventually(lambda: ("selected", FRBC.value) in house.task.heard())
    for message in battery_messages(clock.now()):
        house.task.say(message)
    await eventually(lambda: {"FRBC.SystemDescription", "FRBC.StorageStatus"} <= set(house.snapshot().fields()))
    order = instruction(clock.now())

    house.order(order)

    await eventually(lambda: house.task.heard()[-1] == ("instruction", dump_message(order, WireProfile.V1_0_0)))


async def test_a_hosted_rm_is_released_when_the_hosted_cem_is_silent(
    bus: SwitchableBus, worker: MemoryWorkerBus, clock: FixedClock
) -> None:
    process = make_process(bus, clock, cem_release_after_s=0.2)
    process.max_frame_bytes = 1024 * 1024
    house = House(process, worker)
    await house.opened()
    house.task.say(details(FRBC))
    await eventually(lambda: "ResourceManagerDetails" in house.snapshot().fields())
    house.order(SelectControlType(message_id=str(uuid4()), control_type=FRBC))
    await eventually(lambda: ("selected", FRBC.value) in house.task.heard())

    with worker.site_lock(RM.site_id, 5) as lock:
        lock.looked = True  # The last time that a worker does.

    await eventually(lambda: house.task.heard()[-1] == ("selected", "NO_SELECTION"))
    await eventually(lambda: house.snapshot().is_released)
    await process.stop()


async def test_when_one_end_goes_the_other_one_does(
    house: House, process: GatewayProcess, worker: MemoryWorkerBus
) -> None:
    (seat,) = [each for each in house.seats if each.info.link_id == RM.end_id]
    await seat.close(1002, "a broken end")

    assert (await house.ended())["code"] == 1002
    assert held_ends(worker) == {}
    # That it closed for a reason of its own is no breach of the peer's.
    assert await process.writer.drained(TIMEOUT_S)
    assert [entry.findings for entry in worker.conversation(RM.end_id) if entry.findings] == []


async def test_a_stopping_process_takes_leave_of_both(
    house: House, process: GatewayProcess, worker: MemoryWorkerBus
) -> None:
    await process.stop()

    assert (await house.ended())["code"] == 1000
    assert held_ends(worker) == {}
    requests = [entry.text for entry in worker.conversation(RM.link_id) if "SessionRequest" in entry.text]
    assert any("RECONNECT" in text for text in requests)


async def test_a_newer_seat_at_one_end_ends_both(
    house: House, process: GatewayProcess, store: MemoryStore, clock: FixedClock
) -> None:
    other = make_process(SwitchableBus(store), clock)
    newer = asyncio.create_task(hold_house(other, RM, CEM, opened=lambda _: None))

    assert (await house.ended())["code"] == 4409

    await other.stop()
    await asyncio.wait_for(newer, TIMEOUT_S)


async def test_leaves_nothing_behind_where_no_seat_can_be_had(
    process: GatewayProcess, bus: SwitchableBus, worker: MemoryWorkerBus
) -> None:
    await process.start()
    bus.down = True

    with pytest.raises(BusUnavailable):
        await hold_house(process, RM, CEM, opened=lambda _: None)

    assert process.seats == {}


async def test_an_end_that_cannot_open_takes_the_other_one_with_it(
    process: GatewayProcess, bus: SwitchableBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    await process.start()
    claim = bus.claim_seat

    async def claim_one(info: Any) -> int:
        if info.link_id == CEM.end_id:
            raise BusUnavailable("this one is lost")
        return await claim(info)

    monkeypatch.setattr(bus, "claim_seat", claim_one)

    with pytest.raises(BusUnavailable):
        await asyncio.wait_for(hold_house(process, RM, CEM, opened=lambda _: None), TIMEOUT_S)

    assert process.seats == {}


async def test_ends_with_the_task_that_holds_it(house: House, process: GatewayProcess, worker: MemoryWorkerBus) -> None:
    house.held.cancel()

    with pytest.raises(asyncio.CancelledError):
        await house.ended()
    assert process.seats == {}
