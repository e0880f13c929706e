"""One conversation over a real socket with a real process: good input, bad input, and two sockets at once."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from flexhub.bus import Envelope, LedgerRow, LogEntry, PublishResult, SeatRecord
from flexhub.bus.worker_side import RedisWorkerBus
from s2.messages import ControlType, SelectControlType, dump_message
from s2.versions import WireProfile
from tests.support.gateway import TIMEOUT_S, Document, RunningGateway, SocketDevice, device_at
from tests.support.registry import Household
from tests.support.resources import battery_description, measurement, store_messages

NOW = datetime.now(UTC)


@pytest.fixture
async def device(gateway: RunningGateway, household: Household) -> AsyncIterator[SocketDevice]:
    async with device_at(gateway.url(household.rm_node.pk), household.token) as device:
        yield device


@pytest.fixture
async def battery(device: SocketDevice, household: Household, worker_bus: RedisWorkerBus) -> SocketDevice:
    """Under FRBC, with its description and statuses accepted."""
    await device.shake_hands()
    assert (await device.ask(details()))["status"] == "OK"
    await select(device, household, worker_bus, ControlType.FILL_RATE_BASED_CONTROL)
    for message in store_messages(
        battery_description(), levels=(0.0, 10.0), level=5.0, active=[("actuator", "idle", 0.0)], now=NOW
    ):
        answer = await device.ask(message)
        assert answer["status"] == "OK", answer
    return device


def details(**changes: Any) -> Document:
    return {
        "message_type": "ResourceManagerDetails",
        "message_id": str(uuid4()),
        "resource_id": "battery-1",
        "roles": [{"role": "ENERGY_STORAGE", "commodity": "ELECTRICITY"}],
        "instruction_processing_delay": 0,
        "available_control_types": ["FILL_RATE_BASED_CONTROL"],
        "provides_forecast": False,
        "provides_power_measurement_types": ["ELECTRIC.POWER.L1"],
    } | changes


async def select(device: SocketDevice, household: Household, bus: RedisWorkerBus, control_type: ControlType) -> None:
    """As the hosted CEM's task does."""
    message = SelectControlType(message_id=str(uuid4()), control_type=control_type)
    envelope = Envelope(household.link.pk, "message", dump_message(message, WireProfile.V1_0_0), message.message_id)
    # The details may still be on their way to Redis; the seat is there since the socket opened.
    assert bus.publish(household.link.pk, envelope) is PublishResult.DELIVERED
    assert (await device.expect("SelectControlType"))["control_type"] == control_type


async def eventually(look: Callable[[], Any]) -> Any:
    """What the gateway does after an acknowledgement is soon, not at once."""
    deadline = time.monotonic() + TIMEOUT_S
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not come to pass"
        await asyncio.sleep(0.02)
    return found


async def logged(bus: RedisWorkerBus, link_id: UUID, judge: Callable[[LogEntry], bool]) -> LogEntry:
    entry: LogEntry = await eventually(lambda: next((each for each in bus.conversation(link_id) if judge(each)), None))
    return entry


def sessions_of(bus: RedisWorkerBus, household: Household) -> list[SeatRecord]:
    return [session for session in bus.sessions() if session.info.link_id == household.link.pk]


def ledger_of(bus: RedisWorkerBus, household: Household) -> list[LedgerRow]:
    """New rows of this household's link; others are taken and dropped."""
    delivery = bus.take_ledger()
    bus.confirm_ledger(delivery)
    return [row for row in delivery.rows if row.link_id == household.link.pk]


async def test_folds_an_accepted_conversation(
    battery: SocketDevice, household: Household, worker_bus: RedisWorkerBus
) -> None:
    link_id = household.link.pk
    message = measurement(1234.0, NOW)

    assert (await battery.ask(message))["status"] == "OK"

    def folded() -> Any:
        snapshot = worker_bus.snapshots([link_id])[link_id]
        return snapshot if snapshot and "PowerMeasurement" in snapshot.fields() else None

    snapshot = await eventually(folded)
    assert snapshot.messages["PowerMeasurement"] == message
    assert snapshot.control_type == "FILL_RATE_BASED_CONTROL"
    assert {"profile", "ResourceManagerDetails", "FRBC.SystemDescription", "FRBC.StorageStatus"} <= set(
        snapshot.fields()
    )
    rows = await eventually(lambda: [row for row in worker_bus.take_telemetry().rows if row.link_id == link_id])
    assert [(row.tenant_id, row.site_id, row.quantity, row.value) for row in rows] == [
        (household.tenant.pk, household.site.pk, "ELECTRIC.POWER.L1", 1234.0)
    ]
    assert [session.info.name for session in sessions_of(worker_bus, household)] == ["Alder battery"]
    sent = [entry for entry in worker_bus.conversation(link_id) if entry.direction == "sent"]
    types = [json.loads(entry.text)["message_type"] for entry in reversed(sent)]
    assert types == ["Handshake", "HandshakeResponse", "SelectControlType"]


def actuator_status(**changes: Any) -> Document:
    return {
        "message_type": "FRBC.ActuatorStatus",
        "message_id": str(uuid4()),
        "actuator_id": "actuator",
        "active_operation_mode_id": "charge",
        "operation_mode_factor": 0.5,
    } | changes


def description_with_transition_to(mode_id: str, message_id: str) -> Document:
    (message,) = store_messages(battery_description(), levels=(0.0, 10.0), level=None, active=[], now=NOW)
    document: Document = json.loads(dump_message(message, WireProfile.V1_0_0))
    document["actuators"][0]["transitions"][0]["to"] = mode_id
    return document | {"message_id": message_id}


NIL = "00000000-0000-0000-0000-000000000000"
BAD_INPUT: dict[str, tuple[str | bytes, str, str, str]] = {
    # What: (the frame, its message_id or NIL, the status, a part of the finding)
    "not JSON": ("{not json", NIL, "INVALID_DATA", "not JSON"),
    "an array": ("[1, 2]", NIL, "INVALID_DATA", "object"),
    "unknown type": ('{"message_type":"Nonsense","message_id":"m-1"}', "m-1", "INVALID_MESSAGE", "message_type"),
    "missing field": (
        '{"message_type":"FRBC.StorageStatus","message_id":"m-2"}',
        "m-2",
        "INVALID_MESSAGE",
        "present_fill_level",
    ),
    "factor 1.3": (
        json.dumps(actuator_status(message_id="m-3", operation_mode_factor=1.3)),
        "m-3",
        "INVALID_CONTENT",
        "R-20",
    ),
    "unknown mode in a status": (
        json.dumps(actuator_status(message_id="m-6", active_operation_mode_id="nap")),
        "m-6",
        "INVALID_CONTENT",
        "R-60",
    ),
    "unknown mode in a description": (
        json.dumps(description_with_transition_to("nap", "m-4")),
        "m-4",
        "INVALID_CONTENT",
        "nap",
    ),
    "binary frame": (b"\x00\x01", NIL, "INVALID_DATA", "binary"),
    "wrong state": (
        json.dumps(
            {
                "message_type": "OMBC.TimerStatus",
                "message_id": "m-5",
                "timer_id": "timer",
                "finished_at": "2026-04-21T10:00:00Z",
            }
        ),
        "m-5",
        "INVALID_CONTENT",
        "R-12",
    ),
}


async def test_answers_bad_input_and_lives_on(
    battery: SocketDevice, household: Household, worker_bus: RedisWorkerBus
) -> None:
    for what, (frame, message_id, status, part) in BAD_INPUT.items():
        answer = await battery.ask(frame)

        assert (answer["subject_message_id"], answer["status"]) == (message_id, status), what

        def shows(entry: LogEntry, status: str = status, part: str = part) -> bool:
            return entry.status == status and part in json.dumps(entry.findings)

        entry = await logged(worker_bus, household.link.pk, shows)
        assert entry.direction == "received", what

    assert (await battery.ask(measurement(1.0, NOW)))["status"] == "OK"


async def test_closes_on_a_frame_above_the_limit_and_records_why(
    battery: SocketDevice, household: Household, worker_bus: RedisWorkerBus
) -> None:
    await battery.send("x" * (2 * 1024 * 1024))

    assert await battery.closed() == 1009
    entry = await logged(worker_bus, household.link.pk, lambda entry: bool(entry.findings))
    assert "1048576 bytes at most" in str(entry.findings[0]["text"])
    await eventually(lambda: not sessions_of(worker_bus, household))


async def test_the_newest_socket_of_a_device_wins(
    battery: SocketDevice, gateway: RunningGateway, household: Household, worker_bus: RedisWorkerBus
) -> None:
    async with device_at(gateway.url(household.rm_node.pk), household.token) as newer:
        await newer.shake_hands()

        assert await battery.closed() == 4409
        assert (await newer.ask(details()))["status"] == "OK"
        assert len(sessions_of(worker_bus, household)) == 1


async def test_a_killed_process_frees_its_seats(
    own_gateway: RunningGateway, household: Household, worker_bus: RedisWorkerBus
) -> None:
    async with device_at(own_gateway.url(household.rm_node.pk), household.token) as device:
        await device.shake_hands()
        assert len(sessions_of(worker_bus, household)) == 1

        own_gateway.signal(signal.SIGKILL)

        await eventually(lambda: not sessions_of(worker_bus, household))


async def test_refuses_to_send_what_would_break_a_rule(
    battery: SocketDevice, household: Household, worker_bus: RedisWorkerBus
) -> None:
    instruction = {
        "message_type": "FRBC.Instruction",
        "message_id": str(uuid4()),
        "id": "instruction-1",
        "actuator_id": "actuator",
        "operation_mode": "nap",
        "operation_mode_factor": 0.5,
        "execution_time": NOW.isoformat(),
        "abnormal_condition": False,
    }

    worker_bus.publish(household.link.pk, Envelope(household.link.pk, "message", json.dumps(instruction)))

    (row,) = await eventually(lambda: ledger_of(worker_bus, household))
    assert (row.instruction_id, row.status) == ("instruction-1", "REFUSED")
    assert "nap" in json.dumps(row.findings)


async def test_reports_what_became_of_an_instruction(
    battery: SocketDevice, household: Household, worker_bus: RedisWorkerBus
) -> None:
    instruction = {
        "message_type": "FRBC.Instruction",
        "message_id": str(uuid4()),
        "id": "instruction-2",
        "actuator_id": "actuator",
        "operation_mode": "charge",
        "operation_mode_factor": 0.5,
        "execution_time": NOW.isoformat(),
        "abnormal_condition": False,
    }

    worker_bus.publish(household.link.pk, Envelope(household.link.pk, "message", json.dumps(instruction)))
    assert (await battery.expect("FRBC.Instruction"))["id"] == "instruction-2"
    update = {
        "message_type": "InstructionStatusUpdate",
        "message_id": str(uuid4()),
        "instruction_id": "instruction-2",
        "status_type": "SUCCEEDED",
        "timestamp": NOW.isoformat(),
    }
    assert (await battery.ask(update))["status"] == "OK"

    rows: list[tuple[str | None, str | None]] = []

    def ended() -> bool:
        rows.extend((row.reception, row.status) for row in ledger_of(worker_bus, household))
        return rows[-1:] == [("OK", "SUCCEEDED")]

    await eventually(ended)
    assert rows == [("OK", None), ("OK", "SUCCEEDED")]
