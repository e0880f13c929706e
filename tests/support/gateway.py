"""A real gateway process, and a device that speaks to it over a real WebSocket."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from websockets.asyncio.client import ClientConnection, connect

from s2.messages import Message, dump_message
from s2.versions import WireProfile
from tests.support.early import ROOT

Document = dict[str, Any]
# Nothing waits this long where the machine has time.
TIMEOUT_S = 60.0


@dataclass(slots=True)
class RunningGateway:
    """A server process of ours: `manage.py gateway` unless told otherwise."""

    process: subprocess.Popen[str]
    port: int

    def url(self, node_id: UUID | str) -> str:
        return f"ws://127.0.0.1:{self.port}/s2/v0/{node_id}"

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.signal(signal.SIGTERM)
        return self.process.wait(TIMEOUT_S)


@contextmanager
def running_gateway(environment: Mapping[str, str], command: Sequence[str] = ()) -> Iterator[RunningGateway]:
    """Start one on a free port and wait until it listens. Ends it in any case, and shows its output on failure."""
    arguments = command or (sys.executable, "manage.py", "gateway", "--port", "0")
    process = subprocess.Popen(  # Our own program.
        arguments, cwd=ROOT, env=dict(environment), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        yield RunningGateway(process, _port(process))
    finally:
        if process.poll() is None:
            process.kill()
        output, _ = process.communicate(timeout=TIMEOUT_S)
        print(output)  # noqa: T201  # pytest shows it where a test failed.


def _port(process: subprocess.Popen[str]) -> int:
    """Read the process's output up to the line that names its address."""
    assert process.stdout is not None
    read: list[str] = []
    for line in process.stdout:
        read.append(line)
        if found := re.search(r"(?:listening|running) on http://[\d.]+:(\d+)", line):
            return int(found[1])
    raise AssertionError("the gateway ended before it listened:\n" + "".join(read))


@dataclass(slots=True)
class SocketDevice:
    """A Resource Manager written out by hand, so that it can break every rule.

    `received` holds what came while we waited for something else.
    """

    socket: ClientConnection
    received: list[Document] = field(default_factory=list)

    async def send(self, message: Message | Document | str | bytes) -> None:
        if isinstance(message, str | bytes):
            await self.socket.send(message)
        elif isinstance(message, dict):
            await self.socket.send(json.dumps(message))
        else:
            await self.socket.send(dump_message(message, WireProfile.V1_0_0))

    async def receive(self) -> Document:
        async with asyncio.timeout(TIMEOUT_S):
            document: Document = json.loads(await self.socket.recv())
        return document

    async def expect(self, message_type: str) -> Document:
        """The next message of this type, acknowledged; others are kept."""
        for position, kept in enumerate(self.received):
            if kept["message_type"] == message_type:
                return self.received.pop(position)
        while True:
            document = await self.receive()
            if document["message_type"] != "ReceptionStatus":
                await self.acknowledge(document)
            if document["message_type"] == message_type:
                return document
            self.received.append(document)

    async def ask(self, message: Message | Document | str | bytes) -> Document:
        """Send, and return the ReceptionStatus that answers it (the next one that comes)."""
        await self.send(message)
        return await self.expect("ReceptionStatus")

    async def acknowledge(self, document: Document, status: str = "OK") -> None:
        await self.send(
            {"message_type": "ReceptionStatus", "subject_message_id": document["message_id"], "status": status}
        )

    async def shake_hands(self, versions: Sequence[str] = ("1.0.0",)) -> str:
        """Both handshakes; returns the version that the CEM chose."""
        await self.expect("Handshake")
        answer = await self.ask(
            {
                "message_type": "Handshake",
                "message_id": str(uuid4()),
                "role": "RM",
                "supported_protocol_versions": list(versions),
            }
        )
        assert answer["status"] == "OK", answer
        selected: str = (await self.expect("HandshakeResponse"))["selected_protocol_version"]
        return selected

    async def closed(self) -> int:
        """Wait until the server closed, and return its close code."""
        async with asyncio.timeout(TIMEOUT_S):
            await self.socket.wait_closed()
        code = self.socket.protocol.close_code
        assert code is not None
        return code


@asynccontextmanager
async def device_at(url: str, token: str | None, **options: Any) -> AsyncIterator[SocketDevice]:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    options = {"open_timeout": TIMEOUT_S, "compression": None} | options
    async with connect(url, additional_headers=headers, **options) as socket:
        yield SocketDevice(socket)
