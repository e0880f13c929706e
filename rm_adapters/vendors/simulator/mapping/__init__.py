"""The pure half of the simulated vendor: JSON to readings, readings to flexibility, instructions to settings.

One module for each kind of device, and so for each control type: battery (FRBC), roof (PEBC), washer (PPBC), heater
(OMBC), hybrid (DDBC). Each has the same five functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import ModuleType
from typing import Any, cast

from rm_adapters.sdk import Command, Device, Flex, Reject, Snapshot
from rm_adapters.vendors.simulator.mapping import battery, heater, hybrid, roof, washer
from s2.messages import Instruction

_KINDS: Mapping[str, ModuleType] = {
    "battery": battery,
    "roof": roof,
    "washer": washer,
    "heater": heater,
    "hybrid": hybrid,
}

_NAMES = {
    "battery": "Home battery",
    "roof": "Solar roof",
    "washer": "Washing machine",
    "heater": "Electric heater",
    "hybrid": "Hybrid heat pump",
}


def device(found: Mapping[str, Any]) -> Device:
    kind = str(found["kind"])
    return Device(key=str(found["id"]), name=_NAMES.get(kind, kind), kind=kind, facts=found["ratings"])


def snapshot(device: Device, answer: Mapping[str, Any]) -> Snapshot:
    observed_at = datetime.fromisoformat(answer["time"])
    return cast(Snapshot, _KINDS[device.kind].snapshot(answer, observed_at, bool(answer["connected"])))


def describe(device: Device, snapshot: Snapshot) -> Flex:
    return cast(Flex, _KINDS[device.kind].describe(device, snapshot))


def plan(device: Device, snapshot: Snapshot, instruction: Instruction) -> Command | Reject:
    return cast("Command | Reject", _KINDS[device.kind].plan(device, snapshot, instruction))


def confirmed(device: Device, command: Command, snapshot: Snapshot) -> bool | None:
    return cast("bool | None", _KINDS[device.kind].confirmed(command, snapshot))


def release(device: Device, snapshot: Snapshot, original: Snapshot) -> list[Command]:
    return cast("list[Command]", _KINDS[device.kind].release(snapshot, original))
