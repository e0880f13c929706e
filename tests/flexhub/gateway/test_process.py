"""The process object with sessions on it, without sockets: outages, restarts, newer connections, and the end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from flexhub.bus import Batch, BatchResult, Envelope
from flexhub.bus.memory import MemoryWorkerBus
from flexhub.bus.memory_store import MemoryStore
from flexhub.gateway import seats, writer
from flexhub.gateway.auth import Doorkeeper
from flexhub.gateway.process import GatewayProcess
from s2.messages import ControlType, FRBCTimerStatus, Message, SelectControlType, dump_message
from s2.strictness import STRICT, Strictness
from s2.versions import WireProfile
from tests.support.clock import FixedClock
from tests.support.gateway_inside import NOW, TIMEOUT_S, FakeSocket, SwitchableBus, details, identity, make_process
from tests.support.resources import measurement, new_id

WHO = identity()
pytestmark = pytest.mark.usefixtures("impatient")


@pytest.fixture
async def device(process: GatewayProcess) -> AsyncIterator[FakeSocket]:
    """Past its handshake and details."""
    socket = FakeSocket(process, WHO)
    await socket.shake_hands()
    assert (await socket.ask(details()))["status"] == "OK"
    yield socket
    socket.hang_up()
    await asyncio.wait_for(socket.served, TIMEOUT_S)


async def eventually(look: Callable[[], object]) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while not look():  # noqa: ASYNC110  # What is looked at tells nobody when it changes.
            await asyncio.sleep(0.001)


def fields_of(worker: MemoryWorkerBus) -> set[str]:
    snapshot = worker.snapshots([WHO.link_id])[WHO.link_id]
    return set(snapshot.fields()) if snapshot else set()


@pytest.mark.parametrize(
    ("strictness", "status", "severity"),
    [(STRICT, "INVALID_MESSAGE", "error"), (Strictness(lenient=True), "OK", "warning")],
)
async def test_a_device_is_judged_as_strictly_as_its_type_wants(
    process: GatewayProcess, worker: MemoryWorkerBus, strictness: Strictness, status: str, severity: str
) -> None:
    who = identity(strictness=strictness)
    socket = FakeSocket(process, who)
    await socket.shake_hands()

    assert (await socket.ask(details() | {"colour": "red"}))["status"] == status

    await eventually(lambda: len(worker.conversation(who.link_id)) >= 4)
    (told,) = [entry for entry in worker.conversation(who.link_id) if "colour" in entry.text]
    assert [(each["rule"], each["severity"]) for each in told.findings] == [("R-09", severity)]
    socket.hang_up()
    await asyncio.wait_for(socket.served, TIMEOUT_S)


async def test_asks_to_send_again_while_redis_is_away_and_forgets_nothing(
    device: FakeSocket, bus: SwitchableBus, worker: MemoryWorkerBus, process: GatewayProcess, clock: FixedClock
) -> None:
    bus.down = True
    acknowledged = measurement(1.0, clock.now())
    assert (await device.ask(acknowledged))["status"] == "OK"
    await eventually(lambda: not process.writer.available)
    refused = measurement(2.0, clock.now())
    assert (await device.ask(refused))["status"] == "TEMPORARY_ERROR"

    bus.down = False
    await eventually(lambda: process.writer.available)

    assert (await device.ask(refused))["status"] == "OK"
    stored: list[float] = []

    def all_stored() -> bool:
        stored.extend(row.value for row in worker.take_telemetry().rows)
        return len(stored) >= 2

    await eventually(all_stored)
    assert stored == [1.0, 2.0]
    statuses = [entry.status for entry in worker.conversation(WHO.link_id) if "PowerMeasurement" in entry.text]
    assert statuses == ["OK", "TEMPORARY_ERROR", "OK"]


async def test_what_no_worker_had_stored_is_written_again_after_redis_came_back_empty(
    device: FakeSocket, store: MemoryStore, worker: MemoryWorkerBus, clock: FixedClock
) -> None:
    assert (await device.ask(measurement(1.0, clock.now())))["status"] == "OK"

    store.restart_empty()

    await eventually(lambda: [row.value for row in worker.take_telemetry().rows] == [1.0])


async def test_takes_its_seats_again_after_redis_came_back_empty(
    device: FakeSocket, store: MemoryStore, worker: MemoryWorkerBus
) -> None:
    await eventually(lambda: fields_of(worker) == {"profile", "ResourceManagerDetails"})

    store.restart_empty()

    await eventually(lambda: fields_of(worker) == {"profile", "ResourceManagerDetails"})


async def test_tells_why_the_server_closed_on_a_broken_frame(process: GatewayProcess, worker: MemoryWorkerBus) -> None:
    socket = FakeSocket(process, WHO)
    await socket.shake_hands()

    socket.hang_up(1007)
    await asyncio.wait_for(socket.served, TIMEOUT_S)

    await eventually(lambda: any(entry.findings for entry in worker.conversation(WHO.link_id)))
    finding = worker.conversation(WHO.link_id)[0].findings[0]
    assert finding["text"] == "a text frame holds UTF-8; the connection was closed with 1007"


async def test_a_newer_socket_of_the_same_device_wins(
    device: FakeSocket, process: GatewayProcess, worker: MemoryWorkerBus
) -> None:
    newer = FakeSocket(process, WHO)
    await newer.shake_hands()

    closing = await device.event()

    assert (closing["type"], closing["code"]) == ("websocket.close", 4409)
    device.hang_up(4409)
    await device.served
    assert (await newer.ask(details()))["status"] == "OK"
    assert len(worker.sessions()) == 1


async def test_a_newer_socket_at_another_process_wins(
    device: FakeSocket, store: MemoryStore, clock: FixedClock, worker: MemoryWorkerBus
) -> None:
    other = make_process(SwitchableBus(store), clock)
    newer = FakeSocket(other, WHO)
    await newer.shake_hands()

    assert (await device.event())["code"] == 4409
    device.hang_up(4409)
    await device.served
    # The older one's end took nothing of the newer one's along.
    assert len(worker.sessions()) == 1
    await other.stop()


async def test_a_process_that_was_paused_does_not_take_back_what_moved_on(
    device: FakeSocket, bus: SwitchableBus, store: MemoryStore, clock: FixedClock, worker: MemoryWorkerBus
) -> None:
    bus.down = True
    with store.lock:
        store.remove(bus._incarnation)
    other = make_process(SwitchableBus(store), clock)
    newer = FakeSocket(other, WHO)
    await newer.shake_hands()
    (before,) = worker.sessions()

    bus.down = False

    assert (await device.event())["code"] == 4409
    (after,) = worker.sessions()
    assert after.token == before.token
    await other.stop()


async def test_gives_its_seat_back_even_when_redis_was_away_at_the_end(
    process: GatewayProcess, bus: SwitchableBus, worker: MemoryWorkerBus
) -> None:
    socket = FakeSocket(process, WHO)
    await socket.shake_hands()
    bus.down = True
    socket.hang_up()
    await asyncio.wait_for(socket.served, TIMEOUT_S)
    assert len(worker.sessions()) == 1

    bus.down = False

    await eventually(lambda: not worker.sessions())


async def test_an_instruction_for_a_session_that_is_gone_is_told(
    process: GatewayProcess, bus: SwitchableBus, store: MemoryStore, worker: MemoryWorkerBus
) -> None:
    socket = FakeSocket(process, WHO)
    await socket.shake_hands()
    instruction = {
        "message_type": "FRBC.Instruction",
        "message_id": new_id(),
        "id": "late",
        "actuator_id": "actuator",
        "operation_mode": "charge",
        "operation_mode_factor": 0.5,
        "execution_time": "2026-04-21T10:00:00Z",
        "abnormal_condition": False,
    }
    socket.hang_up()
    await socket.served

    store.offer(bus._incarnation, Envelope(WHO.link_id, "message", json.dumps(instruction), token=1))

    await eventually(lambda: store.ledger.entries)
    assert [(row.instruction_id, row.status) for row in worker.take_ledger().rows] == [("late", "UNDELIVERED")]


async def test_sends_what_workers_publish(device: FakeSocket, worker: MemoryWorkerBus) -> None:
    select = SelectControlType(message_id=str(uuid4()), control_type=ControlType.FILL_RATE_BASED_CONTROL)

    worker.publish(WHO.link_id, Envelope(WHO.link_id, "message", dump_message(select, WireProfile.V1_0_0)))

    sent = await device.receive()
    assert sent["control_type"] == "FILL_RATE_BASED_CONTROL"
    device.acknowledge(sent)
    await eventually(lambda: "control_type" in fields_of(worker))


async def test_deadlines_run_on_the_hubs_clock(device: FakeSocket, worker: MemoryWorkerBus, clock: FixedClock) -> None:
    select = SelectControlType(message_id=str(uuid4()), control_type=ControlType.FILL_RATE_BASED_CONTROL)
    worker.publish(WHO.link_id, Envelope(WHO.link_id, "message", dump_message(select, WireProfile.V1_0_0)))
    await device.receive()

    clock.advance(11)

    await eventually(lambda: any(entry.findings for entry in worker.conversation(WHO.link_id)))
    assert worker.conversation(WHO.link_id)[0].findings[0]["rule"] == "R-01"


async def test_refuses_new_sockets_while_redis_is_away_and_while_stopping(
    process: GatewayProcess, bus: SwitchableBus, device: FakeSocket
) -> None:
    bus.down = True
    assert (await FakeSocket(process, identity()).event())["status"] == 503
    bus.down = False

    process.stopping = True
    assert (await FakeSocket(process, identity()).event())["status"] == 503


async def test_refuses_a_socket_whose_token_was_checked_while_it_began_to_stop(
    process: GatewayProcess, worker: MemoryWorkerBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def admit(*_: object) -> object:
        process.stopping = True
        return WHO

    monkeypatch.setattr(Doorkeeper, "admit", admit)

    assert (await FakeSocket(process, WHO).event())["status"] == 503
    assert worker.sessions() == []


async def test_what_one_message_runs_into_is_set_aside_and_does_not_cost_others_theirs(
    device: FakeSocket, bus: SwitchableBus, store: MemoryStore, worker: MemoryWorkerBus, process: GatewayProcess
) -> None:
    select = SelectControlType(message_id=str(uuid4()), control_type=ControlType.FILL_RATE_BASED_CONTROL)
    with store.lock:
        for payload in ("broken", dump_message(select, WireProfile.V1_0_0)):
            token = process.seats[WHO.link_id].token
            store.offer(bus._incarnation, Envelope(WHO.link_id, "message", payload, token=token))

    assert (await device.receive())["message_type"] == "SelectControlType"

    (entry,) = worker.poison().entries
    assert (entry.source, "broken" in entry.text, str(WHO.link_id) in entry.text) == ("inbox", True, True)


async def test_a_device_that_invents_timers_is_told_to_wait_and_does_not_grow_our_memory(
    device: FakeSocket, worker: MemoryWorkerBus, process: GatewayProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seats, "SNAPSHOT_FIELDS_LIMIT", 5)
    select = SelectControlType(message_id=str(uuid4()), control_type=ControlType.FILL_RATE_BASED_CONTROL)
    worker.publish(WHO.link_id, Envelope(WHO.link_id, "message", dump_message(select, WireProfile.V1_0_0)))
    device.acknowledge(await device.receive())

    given = [(await device.ask(timer_status(number)))["status"] for number in range(10)]

    assert given == ["OK"] * 2 + ["TEMPORARY_ERROR"] * 8
    assert len(process.seats[WHO.link_id]._folded) == 5


def timer_status(number: int) -> Message:
    return FRBCTimerStatus(
        message_id=new_id(),
        timer_id=f"timer-{number}",
        actuator_id="actuator",
        finished_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


async def test_acknowledges_only_what_redis_has(
    device: FakeSocket, bus: SwitchableBus, worker: MemoryWorkerBus
) -> None:
    takes, write = asyncio.Event(), bus.write

    async def slow_write(batch: Batch) -> BatchResult:
        await takes.wait()
        return await write(batch)

    bus.write = slow_write  # type: ignore[method-assign]  # Redis that takes its time.
    device.send(measurement(1.0, NOW))
    answer = asyncio.create_task(device.receive())
    done, _ = await asyncio.wait([answer], timeout=0.05)
    assert not done
    assert not worker.take_telemetry().rows

    takes.set()

    assert (await answer)["status"] == "OK"
    assert len(worker.take_telemetry().rows) == 1


async def test_a_redis_that_is_slow_holds_no_acknowledgement_up_for_long(
    device: FakeSocket, bus: SwitchableBus, worker: MemoryWorkerBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "WRITTEN_WITHIN_S", 0.02)
    takes, write = asyncio.Event(), bus.write

    async def slow_write(batch: Batch) -> BatchResult:
        await takes.wait()
        return await write(batch)

    bus.write = slow_write  # type: ignore[method-assign]  # Redis that takes its time.
    assert (await device.ask(measurement(1.0, NOW)))["status"] == "OK"
    assert not worker.take_telemetry().rows

    takes.set()

    await eventually(lambda: worker.take_telemetry().rows)
