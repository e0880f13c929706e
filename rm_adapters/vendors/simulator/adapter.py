"""The adapter of the simulated vendor: the pure half is `mapping`, and here are its three calls."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from rm_adapters.sdk import (
    Ack,
    AuthGone,
    Command,
    Device,
    Flex,
    Manifest,
    Offline,
    Preferences,
    Reject,
    Snapshot,
    Transient,
)
from rm_adapters.vendors.simulator import mapping
from rm_adapters.vendors.simulator.cloud import CloudError, SimulatedCloud
from s2.messages import Instruction


class Simulator:
    """A `rm_adapters.sdk.Adapter` whose client is a `SimulatedCloud`."""

    @staticmethod
    def manifest() -> Manifest:
        return Manifest.from_folder(Path(__file__).parent)

    async def discover(self, http: SimulatedCloud) -> AsyncIterator[Device]:
        for found in _called(http.devices):
            yield mapping.device(found)

    async def read(self, http: SimulatedCloud, device: Device) -> Snapshot:
        return mapping.snapshot(device, _called(http.state, device.key))

    async def execute(self, http: SimulatedCloud, device: Device, command: Command) -> Ack:
        answer = _called(http.set, device.key, dict(command.arguments))
        return Ack(taken=answer["result"], text=answer.get("reason", ""))

    def describe(self, device: Device, snapshot: Snapshot, _preferences: Preferences) -> Flex:
        return mapping.describe(device, snapshot)

    def plan(self, device: Device, snapshot: Snapshot, _flex: Flex, instruction: Instruction) -> Command | Reject:
        return mapping.plan(device, snapshot, instruction)

    def confirmed(self, device: Device, command: Command, snapshot: Snapshot) -> bool | None:
        return mapping.confirmed(device, command, snapshot)

    def release(self, device: Device, snapshot: Snapshot, original: Snapshot) -> list[Command]:
        return mapping.release(device, snapshot, original)


ADAPTER = Simulator()


def _called(call: Callable[..., Any], *arguments: object) -> Any:
    """The answer, with the vendor's errors made into ours."""
    try:
        return call(*arguments)
    except CloudError as error:
        match error.status:
            case 401:
                raise AuthGone(str(error)) from None
            case 409:
                raise Offline(str(error)) from None
        raise Transient(str(error)) from None
