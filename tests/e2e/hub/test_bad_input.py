"""Bad input on a session that a hosted CEM is at work on; what a gateway alone answers is in its own tests.

The answers are those of S2's ReceptionStatusValues: INVALID_DATA for what has no usable message_id, INVALID_MESSAGE
for what breaks the schema, INVALID_CONTENT for what breaks a rule. The session goes on after each of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from flexhub.bus import LogEntry
from tests.support.gateway import Document, SocketDevice, device_at
from tests.support.hub import Hub, eventually
from tests.support.registry import Household
from tests.support.resources import battery_description, measurement, store_messages

NIL = "00000000-0000-0000-0000-000000000000"
LIMIT_BYTES = 1024 * 1024


def now() -> str:
    return datetime.now(UTC).isoformat()


def frame(message_type: str, message_id: object, **fields: Any) -> str:
    return json.dumps({"message_type": message_type, "message_id": message_id, **fields})


def power(message_id: object, value: object) -> str:
    values = [{"commodity_quantity": "ELECTRIC.POWER.L1", "value": value}]
    return frame("PowerMeasurement", message_id, measurement_timestamp=now(), values=values)


# What: (the frame, its message_id or NIL, the status)
FRAMES: dict[str, tuple[str | bytes, str, str]] = {
    "nothing": ("", NIL, "INVALID_DATA"),
    "half of a message": (power("b-1", 1.0)[:-20], NIL, "INVALID_DATA"),
    "a number": ("1", NIL, "INVALID_DATA"),
    "null": ("null", NIL, "INVALID_DATA"),
    "a well of brackets": ("[" * 100_000, NIL, "INVALID_DATA"),
    "a tower of objects": ('{"a":' * 20_000 + "1" + "}" * 20_000, NIL, "INVALID_DATA"),
    "no message_id": ('{"message_type":"PowerMeasurement"}', NIL, "INVALID_DATA"),
    "a message_id that is no text": (power(5, 1.0), NIL, "INVALID_DATA"),
    "a binary frame": (b"\xff\xfe\x00", NIL, "INVALID_DATA"),
    "no message_type": ('{"message_id":"b-2"}', "b-2", "INVALID_MESSAGE"),
    "an unknown message_type": (frame("Nonsense", "b-3"), "b-3", "INVALID_MESSAGE"),
    "a field too many": (frame("FRBC.StorageStatus", "b-4", present_fill_level=1, x=1), "b-4", "INVALID_MESSAGE"),
    "a number as text": (frame("FRBC.StorageStatus", "b-5", present_fill_level="1"), "b-5", "INVALID_MESSAGE"),
    "an endless number": (power("b-6", 1.0).replace("1.0", "1e999"), "b-6", "INVALID_MESSAGE"),
    "a time without zone": (power("b-7", 1.0).replace("+00:00", ""), "b-7", "INVALID_MESSAGE"),
    "an unknown actuator": (
        frame(
            *("FRBC.ActuatorStatus", "b-8"),
            actuator_id="nobody",
            active_operation_mode_id="charge",
            operation_mode_factor=0.5,
        ),
        "b-8",
        "INVALID_CONTENT",
    ),
    "an unknown mode": (
        frame(
            *("FRBC.ActuatorStatus", "b-9"),
            actuator_id="actuator",
            active_operation_mode_id="nap",
            operation_mode_factor=0.5,
        ),
        "b-9",
        "INVALID_CONTENT",
    ),
    "a factor of 1.3": (
        frame(
            *("FRBC.ActuatorStatus", "b-10"),
            actuator_id="actuator",
            active_operation_mode_id="charge",
            operation_mode_factor=1.3,
        ),
        "b-10",
        "INVALID_CONTENT",
    ),
    "what only a CEM says": (
        frame("SelectControlType", "b-11", control_type="FILL_RATE_BASED_CONTROL"),
        "b-11",
        "INVALID_CONTENT",
    ),
    "another control type's": (
        frame("OMBC.Status", "b-12", active_operation_mode_id="on", operation_mode_factor=1),
        "b-12",
        "INVALID_CONTENT",
    ),
}


class Controlled(SocketDevice):
    """A battery by hand: selected by the CEM, described, and given its first instruction, which `begin` returns."""

    async def begin(self) -> Document:
        await self.shake_hands()
        await self.ask(details())
        await self.expect("SelectControlType")
        for message in store_messages(
            battery_description(),
            levels=(0.0, 10.0),
            level=5.0,
            active=[("actuator", "idle", 0.0)],
            now=datetime.now(UTC),
        ):
            assert (await self.ask(message))["status"] == "OK"
        return await self.expect("FRBC.Instruction")


def details() -> Document:
    return {
        "message_type": "ResourceManagerDetails",
        "message_id": str(uuid4()),
        "resource_id": "battery-1",
        "roles": [{"role": "ENERGY_STORAGE", "commodity": "ELECTRICITY"}],
        "instruction_processing_delay": 0,
        "available_control_types": ["FILL_RATE_BASED_CONTROL"],
        "provides_forecast": False,
        "provides_power_measurement_types": ["ELECTRIC.POWER.L1"],
    }


async def test_a_session_outlives_all_bad_input_and_its_instruction_is_still_counted(
    hub: Hub, household: Household
) -> None:
    link_id = household.link.pk
    async with device_at(hub.url(household.rm_node.pk), household.token) as socket:
        device = Controlled(socket.socket)
        instruction = await device.begin()
        for what, (text, message_id, status) in FRAMES.items():
            answer = await device.ask(text)
            assert (answer["subject_message_id"], answer["status"]) == (message_id, status), what
        # An answer is never answered, however broken it is.
        await device.send(frame("ReceptionStatus", "b-13", status="FINE"))
        assert (await device.ask(measurement(1.0, datetime.now(UTC))))["status"] == "OK"

        update = {"instruction_id": instruction["id"], "status_type": "SUCCEEDED", "timestamp": now()}
        assert (await device.ask(frame("InstructionStatusUpdate", "b-14", **update)))["status"] == "OK"

        (row,) = await eventually(lambda: hub.succeeded(link_id))
        assert str(row["id"]) == instruction["id"]
    refused = [entry for entry in received(hub, household) if entry.status not in {"OK", None}]
    assert [entry.status for entry in refused] == [status for _, _, status in FRAMES.values()]
    assert all(entry.findings for entry in refused)


def received(hub: Hub, household: Household) -> list[LogEntry]:
    """What the device said, oldest first."""
    return [entry for entry in reversed(hub.bus.conversation(household.link.pk)) if entry.direction == "received"]


async def test_nothing_counts_before_the_handshake(hub: Hub, household: Household) -> None:
    async with device_at(hub.url(household.rm_node.pk), household.token) as device:
        assert (await device.ask(details()))["status"] == "INVALID_CONTENT"
        assert (await device.ask(power("b-1", 1.0)))["status"] == "INVALID_CONTENT"

        await device.shake_hands()

        assert (await device.ask(details()))["status"] == "OK"
        await device.expect("SelectControlType")


@pytest.mark.parametrize("fragments", [1, 64])
async def test_a_message_above_the_limit_ends_the_connection_and_says_why(
    hub: Hub, household: Household, fragments: int
) -> None:
    url, link_id = hub.url(household.rm_node.pk), household.link.pk
    async with device_at(url, household.token) as device:
        await device.shake_hands()

        await device.socket.send(pieces(2 * LIMIT_BYTES, fragments))

        assert await device.closed() == 1009
    (entry,) = await eventually(lambda: [entry for entry in received(hub, household) if entry.findings])
    assert f"{LIMIT_BYTES} bytes at most" in str(entry.findings[0]["text"])
    await eventually(lambda: not hub.sessions(link_id))
    async with device_at(url, household.token) as device:
        await device.shake_hands()
        just_fits = frame("Nonsense", "b-1", text="").replace('""', '"' + "x" * (LIMIT_BYTES - 100) + '"')
        assert (await device.ask(just_fits))["status"] == "INVALID_MESSAGE"


def pieces(size: int, count: int) -> str | Iterator[str]:
    """One frame, or a fragmented message."""
    return "x" * size if count == 1 else iter(["x" * (size // count)] * count)
