"""A client that keeps a server busy: many sockets, each with a few messages on their way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from itertools import count
from uuid import uuid4

import psutil
from websockets.asyncio.client import ClientConnection

from s2.messages import dump_message
from s2.versions import WireProfile
from tests.bench.world import Credentials
from tests.support.gateway import Document, RunningGateway, SocketDevice, device_at
from tests.support.resources import measurement

_numbers = count()


def cpu_s(process_id: int) -> float:
    """User and system time of a process, all its threads."""
    times = psutil.Process(process_id).cpu_times()
    return times.user + times.system


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


def measurements(number: int) -> list[str]:
    """Texts that all differ, as real ones do: a repeated text would be recognised and not judged again."""
    texts: list[str] = []
    for _ in range(number):
        message = measurement(1000.0 + next(_numbers) % 997, datetime.now(UTC))
        text = dump_message(message, WireProfile.V1_0_0)
        texts.append(text.replace(message.message_id, str(uuid4())))
    return texts


async def open_sockets(
    stack: AsyncExitStack, gateway: RunningGateway, devices: Iterable[Credentials]
) -> list[SocketDevice]:
    """One plain WebSocket for each."""
    opened: list[SocketDevice] = []
    for device in devices:
        url = gateway.url(device.node_id)
        # The bench answers no pings while it waits between measurements, and neither does it want to.
        opened.append(await stack.enter_async_context(device_at(url, device.token, ping_interval=None)))
    return opened


async def introduce(device: SocketDevice) -> None:
    """The handshake and the details: from here on measurements are welcome."""
    await device.shake_hands()
    assert (await device.ask(details()))["status"] == "OK"


async def pump(sockets: list[ClientConnection], texts: list[str], window: int) -> None:
    """Send every text once, spread over the sockets, and wait for one answer to each: itself, or that it is OK."""
    share = [texts[start :: len(sockets)] for start in range(len(sockets))]
    await asyncio.gather(*(_pump_one(*each, window) for each in zip(sockets, share, strict=True)))


async def _pump_one(socket: ClientConnection, texts: list[str], window: int) -> None:
    for text in texts[:window]:
        await socket.send(text)
    for text in texts[window:]:
        _check(await socket.recv())
        await socket.send(text)
    for _ in texts[:window]:
        _check(await socket.recv())


def _check(answer: str | bytes) -> None:
    assert isinstance(answer, str)
    assert "PowerMeasurement" in answer or '"status":"OK"' in answer, answer
