"""Two gateway processes without sockets, with one end of a relayed link at each: outages, restarts, and late comers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest

from flexhub.bus import Batch, BatchResult, BusUnavailable, Envelope, SeatAddress, end_id
from flexhub.bus.memory import MemoryWorkerBus
from flexhub.bus.memory_store import MemoryStore
from flexhub.gateway import keeper, limits, writer
from flexhub.gateway.process import GatewayProcess
from s2.messages import ControlType
from tests.support.clock import FixedClock
from tests.support.gateway_inside import TIMEOUT_S, Document, FakeSocket, SwitchableBus, details, identity, make_process
from tests.support.resources import measurement

LINK, SITE, TENANT = uuid4(), uuid4(), uuid4()
HERE: Document = {"link_id": LINK, "site_id": SITE, "tenant_id": TENANT, "peer_hosted": False}
RM = identity(**HERE, token_id=1)
CEM = identity(**HERE, token_id=2, role="CEM", device_name="box")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FLUSH_PAUSE_S", "REDIS_RETRY_S", "REDIS_RETRY_MAX_S"):
        monkeypatch.setattr(writer, name, 0.001)
    monkeypatch.setattr(keeper, "LEASE_RENEWAL_S", 0.01)
    monkeypatch.setattr(limits, "TICK_S", 0.001)
    monkeypatch.setattr(limits, "REDIS_RETRY_S", 0.001)
    monkeypatch.setattr(limits, "GOODBYE_S", 0.2)
    monkeypatch.setattr(limits, "DRAIN_S", 0.02)


@pytest.fixture
async def other(store: MemoryStore, clock: FixedClock) -> AsyncIterator[GatewayProcess]:
    process = make_process(SwitchableBus(store), clock)
    yield process
    await process.stop()


class Joined:
    """An RM at one process and a CEM at the other, past their Handshakes and the details."""

    def __init__(self, process: GatewayProcess, other: GatewayProcess) -> None:
        self.rm, self.cem = FakeSocket(process, RM), FakeSocket(other, CEM)

    async def greet(self) -> None:
        for socket in (self.rm, self.cem):
            assert (await socket.event())["type"] == "websocket.accept"
        self.rm.send(handshake("RM"))
        self.rm.acknowledge(await self.cross(handshake("CEM"), self.cem, self.rm, "Handshake"))
        self.cem.acknowledge(await self.cem.receive())
        response = {
            "message_type": "HandshakeResponse",
            "message_id": str(uuid4()),
            "selected_protocol_version": "1.0.0",
        }
        for message, speaker, listener in ((response, self.cem, self.rm), (details(), self.rm, self.cem)):
            listener.acknowledge(await self.cross(message, speaker, listener, message["message_type"]))
            await until_ok(speaker, message["message_id"])

    async def cross(self, message: Document, speaker: FakeSocket, listener: FakeSocket, kind: str) -> Document:
        speaker.send(message)
        while (heard := await listener.receive())["message_type"] != kind:
            assert heard["status"] == "OK", heard
        return heard


async def until_ok(socket: FakeSocket, message_id: str) -> None:
    while (heard := await socket.receive()).get("subject_message_id") != message_id:
        assert heard["status"] == "OK", heard


def handshake(role: str) -> Document:
    versions = {"supported_protocol_versions": ["1.0.0"]}
    return {"message_type": "Handshake", "message_id": str(uuid4()), "role": role} | versions


@pytest.fixture
async def joined(process: GatewayProcess, other: GatewayProcess) -> AsyncIterator[Joined]:
    joined = Joined(process, other)
    await joined.greet()
    yield joined
    for socket in (joined.rm, joined.cem):
        socket.hang_up()
        await asyncio.wait_for(socket.served, TIMEOUT_S)


async def eventually(look: Callable[[], Any]) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while not look():  # noqa: ASYNC110  # What is looked at tells nobody when it changes.
            await asyncio.sleep(0.001)


async def test_redis_away_means_again_later(
    joined: Joined, process: GatewayProcess, bus: SwitchableBus, clock: FixedClock
) -> None:
    bus.down = True
    message = measurement(1.0, clock.now())

    assert (await joined.rm.ask(message))["status"] == "TEMPORARY_ERROR"
    bus.down = False
    await eventually(lambda: process.writer.available)

    joined.rm.send(message)
    heard = await joined.cem.receive()
    joined.cem.acknowledge(heard)
    assert heard["message_type"] == "PowerMeasurement"
    assert (await joined.rm.receive())["status"] == "OK"


async def test_what_redis_took_without_saying_so_is_told_once(
    joined: Joined, bus: SwitchableBus, process: GatewayProcess, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, message, later = bus.write, measurement(1.0, clock.now()), measurement(2.0, clock.now())

    async def write_and_lose_the_answer(batch: Batch) -> BatchResult:
        monkeypatch.setattr(bus, "write", write)
        await write(batch)
        raise BusUnavailable("the connection broke")

    monkeypatch.setattr(bus, "write", write_and_lose_the_answer)
    assert (await joined.rm.ask(message))["status"] == "TEMPORARY_ERROR"
    heard = await joined.cem.receive()
    await eventually(lambda: process.writer.available)
    joined.rm.send(message)
    joined.rm.send(later)
    afterwards = await joined.cem.receive()
    for each in (heard, afterwards):
        joined.cem.acknowledge(each)

    assert (heard["message_id"], afterwards["message_id"]) == (message.message_id, later.message_id)
    assert [(await joined.rm.receive())["status"] for _ in range(2)] == ["OK", "OK"]


async def test_only_what_the_far_peer_took_is_measured(
    joined: Joined, worker: MemoryWorkerBus, clock: FixedClock
) -> None:
    for value, status in ((1.0, "TEMPORARY_ERROR"), (2.0, "OK")):
        joined.rm.send(measurement(value, clock.now()))
        joined.cem.acknowledge(await joined.cem.receive(), status)
        assert (await joined.rm.receive())["status"] == status

    rows: list[float] = []

    def measured() -> bool:
        rows.extend(row.value for row in worker.take_telemetry().rows)
        return bool(rows)

    await eventually(measured)
    assert rows == [2.0]


async def test_the_link_shows_what_the_energy_manager_has_taken(
    joined: Joined, worker: MemoryWorkerBus, clock: FixedClock
) -> None:
    def shown() -> Mapping[str, str]:
        snapshot = worker.snapshots([LINK])[LINK]
        return {} if snapshot is None else snapshot.fields()

    await eventually(lambda: "ResourceManagerDetails" in shown())
    for value, status in ((1.0, "OK"), (2.0, "INVALID_CONTENT")):
        joined.rm.send(measurement(value, clock.now()))
        joined.cem.acknowledge(await joined.cem.receive(), status)
        assert (await joined.rm.receive())["status"] == status

    await eventually(lambda: "PowerMeasurement" in shown())
    assert json.loads(shown()["PowerMeasurement"])["values"][0]["value"] == 1.0
    assert shown()["profile"] == "1.0.0"


async def test_a_peer_that_does_not_read_costs_no_more_than_what_it_is_to_read(
    joined: Joined, other: GatewayProcess, clock: FixedClock
) -> None:
    seat, full, reads = other.seats[end_id(LINK, "CEM")], asyncio.Event(), asyncio.Event()
    send = seat.send

    async def send_slowly(event: Mapping[str, Any]) -> None:
        full.set()
        await reads.wait()
        await send(event)

    seat.send = send_slowly
    assert seat.relay is not None
    tasks = len(other._tasks)
    said = [measurement(float(number), clock.now()) for number in range(50)]
    joined.rm.send(said[0])
    await full.wait()
    for message in said[1:]:
        joined.rm.send(message)
    await eventually(lambda: seat.relay is not None and len(seat.relay.out) == 49)

    # The one that is sending, and one for all the rest.
    assert len(other._tasks) <= tasks + 2
    reads.set()
    heard = [(await joined.cem.receive())["message_id"] for _ in said]
    assert heard == [message.message_id for message in said]


async def test_redis_that_comes_back_empty_lets_both_start_over(joined: Joined, store: MemoryStore) -> None:
    store.restart_empty()

    assert (await joined.rm.receive())["request"] == "RECONNECT"
    assert (await joined.cem.receive())["request"] == "RECONNECT"


async def test_the_end_of_one_socket_lets_the_other_start_over(joined: Joined) -> None:
    joined.cem.hang_up()

    assert (await joined.rm.receive())["request"] == "RECONNECT"


async def test_a_newer_socket_of_one_end_lets_the_other_start_over(
    joined: Joined, process: GatewayProcess, other: GatewayProcess, worker: MemoryWorkerBus
) -> None:
    newer = FakeSocket(process, CEM)

    assert (await joined.rm.receive())["request"] == "RECONNECT"
    assert (await joined.cem.event())["code"] == 4409
    assert {seat.info.link_id for seat in worker.sessions()} == {LINK, end_id(LINK, "CEM")}
    newer.hang_up()
    await asyncio.wait_for(newer.served, TIMEOUT_S)


async def test_the_end_of_one_peers_token_ends_its_socket_and_lets_the_other_start_over(
    joined: Joined, worker: MemoryWorkerBus
) -> None:
    for end in (LINK, end_id(LINK, "CEM")):
        worker.publish(end, Envelope(end, "close", "the token was revoked", str(CEM.token_id)))

    assert (await joined.cem.event())["code"] == limits.CLOSE_TOKEN_ENDED
    joined.cem.hang_up(limits.CLOSE_TOKEN_ENDED)
    assert (await joined.rm.receive())["request"] == "RECONNECT"


async def test_a_stopping_process_takes_leave_of_its_own_peer_and_the_far_one(
    joined: Joined, other: GatewayProcess
) -> None:
    stopping = asyncio.create_task(other.stop())

    request = await joined.cem.receive()
    assert request["request"] == "RECONNECT"
    joined.cem.acknowledge(request)
    assert (await joined.cem.event())["code"] == 1000
    joined.cem.hang_up()

    assert (await joined.rm.receive())["request"] == "RECONNECT"
    await asyncio.wait_for(stopping, TIMEOUT_S)


async def test_what_a_worker_publishes_is_for_nobody_on_a_relayed_link(
    joined: Joined, worker: MemoryWorkerBus, process: GatewayProcess, clock: FixedClock
) -> None:
    worker.publish(LINK, Envelope(LINK, "message", '{"message_type":"SelectControlType"}'))

    joined.rm.send(measurement(1.0, clock.now()))
    assert (await joined.cem.receive())["message_type"] == "PowerMeasurement"
    relay = process.seats[LINK].relay
    assert relay is not None
    assert relay.control_type is not ControlType.FILL_RATE_BASED_CONTROL


async def test_a_parcel_for_a_session_that_is_gone_is_answered_with_bye(
    process: GatewayProcess, bus: SwitchableBus, store: MemoryStore
) -> None:
    await process.start()
    asking = SwitchableBus(store)
    await asking.register("asking")
    sender = SeatAddress(end_id(LINK, "CEM"), "asking", 3)
    store.offer(bus.process, Envelope(LINK, "hello", "ready", token=7, sender=sender))

    found: list[Envelope] = []
    while not found:
        found = await asking.read_inbox(20)

    (bye,) = found
    assert (bye.kind, bye.link_id, bye.token) == ("bye", sender.end_id, 3)
    assert bye.sender == SeatAddress(LINK, bus.process, 7)


async def test_gives_the_seat_back_when_redis_goes_before_the_far_end_was_looked_for(
    process: GatewayProcess, bus: SwitchableBus, worker: MemoryWorkerBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = bus.find_seat

    async def goes(_: object) -> None:
        bus.down = True
        bus._reach()

    monkeypatch.setattr(bus, "find_seat", goes)
    assert (await FakeSocket(process, RM).event())["status"] == 503
    monkeypatch.setattr(bus, "find_seat", find)
    bus.down = False

    await eventually(lambda: not worker.sessions())
    assert process.seats == {}


async def test_gives_the_seat_back_when_the_peer_goes_while_the_far_end_is_looked_for(
    process: GatewayProcess, bus: SwitchableBus, worker: MemoryWorkerBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = asyncio.Event()
    monkeypatch.setattr(bus, "find_seat", lambda _: never.wait())
    rm = FakeSocket(process, RM)
    await eventually(lambda: LINK in process.seats)

    rm.served.cancel()

    await eventually(lambda: not worker.sessions())
    assert process.seats == {}


async def test_says_nothing_on_a_socket_before_it_is_open(
    process: GatewayProcess, other: GatewayProcess, bus: SwitchableBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    find, looked = bus.find_seat, asyncio.Event()

    async def waits(end: UUID) -> SeatAddress | None:
        await looked.wait()
        return await find(end)

    monkeypatch.setattr(bus, "find_seat", waits)
    rm = FakeSocket(process, RM)
    await eventually(lambda: LINK in process.seats)
    cem = FakeSocket(other, CEM)
    greeting = handshake("CEM")
    cem.send(greeting)
    await eventually(lambda: process.seats[LINK].session.next_deadline() is not None)

    looked.set()

    assert (await rm.event())["type"] == "websocket.accept"
    assert await rm.receive() == greeting


async def test_nothing_of_a_relayed_link_wakes_a_site(joined: Joined, store: MemoryStore, clock: FixedClock) -> None:
    joined.rm.send(measurement(1.0, clock.now()))
    joined.cem.acknowledge(await joined.cem.receive())
    assert (await joined.rm.receive())["status"] == "OK"

    assert not [name for name, site_id in store.flags if site_id == SITE]
