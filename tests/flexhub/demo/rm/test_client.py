"""The socket of a device, against a real server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from flexhub.clock import Clock
from flexhub.demo.build import households
from flexhub.demo.household import Households
from flexhub.demo.resources import resources
from flexhub.demo.rm import client as client_module
from flexhub.demo.rm.client import GRACE_S, Client
from s2.events import MessageReceived
from s2.messages import (
    ControlType,
    EnergyManagementRole,
    FRBCStorageStatus,
    ResourceManagerDetails,
    SelectControlType,
    SessionRequest,
    SessionRequestType,
)
from s2.session import Session
from tests.support.demo_home import BATTERY_DEVICE, MORNING, home_config

WITHIN_S = 60.0


@dataclass
class Hub:
    """Greets, selects, and remembers who came and how they left."""

    clock: Clock
    authorizations: list[str | None] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    close_codes: list[int | None] = field(default_factory=list)
    sockets: list[ServerConnection] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    levels: int = 0
    send_to_all: Callable[[], SessionRequest] | None = None

    async def handle(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        self.paths.append(socket.request.path)
        self.authorizations.append(socket.request.headers.get("Authorization"))
        self.sockets.append(socket)
        ids = count()
        session = Session(EnergyManagementRole.CEM, new_id=lambda: f"hub-{next(ids)}", ack_timeout=timedelta(hours=1))
        session.start(self.clock.now())
        try:
            await self._send(session, socket)
            async for text in socket:
                self._take(session, str(text))
                await self._send(session, socket)
        except ConnectionClosed:
            pass
        self.close_codes.append(socket.protocol.close_code)
        self.changed.set()

    def _take(self, session: Session, text: str) -> None:
        now = self.clock.now()
        for event in session.receive_text(text, now):
            message = event.message if isinstance(event, MessageReceived) else None
            if isinstance(message, ResourceManagerDetails):
                chosen = ControlType.FILL_RATE_BASED_CONTROL
                session.send(SelectControlType(message_id="select", control_type=chosen), now)
            if isinstance(message, FRBCStorageStatus):
                self.levels += 1
                if self.send_to_all is not None:
                    session.send(self.send_to_all(), now)
        self.changed.set()

    async def _send(self, session: Session, socket: ServerConnection) -> None:
        for text in session.data_to_send():
            await socket.send(text)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def running(hub: Hub) -> AsyncIterator[int]:
    server: Server
    async with serve(hub.handle, "127.0.0.1", 0) as server:
        port: int = next(iter(server.sockets)).getsockname()[1]
        yield port


def device(port: int, clock: Clock) -> tuple[Client, Households]:
    config = home_config({"BATTERY": BATTERY_DEVICE})
    world = households(config, clock.now().timestamp())
    (resource,) = resources(config, world, clock)
    url = f"ws://127.0.0.1:{port}/s2/v0/{config.devices[0].node_id}"
    return Client(resource, url, "a-token", clock, world, lambda: None), world


@pytest.fixture(autouse=True)
def no_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "LONGEST_DELAY_S", 0.02)


@pytest.fixture
def fast() -> Clock:
    return Clock.starting_at(MORNING, factor=60)


async def test_connects_with_its_token_and_is_selected(fast: Clock) -> None:
    hub = Hub(fast)
    async with running(hub) as port:
        battery, _ = device(port, fast)
        task = asyncio.create_task(battery.run())

        await hub.until(lambda: hub.levels == 1)
        await battery.close()
        await hub.until(lambda: bool(hub.close_codes))
        task.cancel()

    assert hub.authorizations[0] == "Bearer a-token"
    assert hub.paths[0].startswith("/s2/v0/")
    assert battery.resource.controlled
    assert hub.close_codes[0] == 1001


async def test_comes_back_after_the_connection_broke(fast: Clock) -> None:
    hub = Hub(fast)
    async with running(hub) as port:
        battery, _ = device(port, fast)
        task = asyncio.create_task(battery.run())
        await hub.until(lambda: hub.levels == 1)

        await hub.sockets[0].close(1012)
        await hub.until(lambda: hub.levels == 2)
        task.cancel()

    assert battery.connections == 2


async def test_waits_for_a_hub_that_is_not_there_yet(fast: Clock) -> None:
    hub = Hub(fast)
    async with running(hub) as port:
        pass
    battery, _ = device(port, fast)
    task = asyncio.create_task(battery.run())
    await asyncio.sleep(0)
    async with serve(hub.handle, "127.0.0.1", port):
        await hub.until(lambda: hub.levels == 1)
        task.cancel()

    assert battery.connections == 1


async def test_hangs_up_when_the_session_is_over(fast: Clock) -> None:
    ids = count()
    hub = Hub(fast)
    hub.send_to_all = lambda: SessionRequest(message_id=f"bye-{next(ids)}", request=SessionRequestType.RECONNECT)
    async with running(hub) as port:
        battery, _ = device(port, fast)
        task = asyncio.create_task(battery.run())

        await hub.until(lambda: len(hub.close_codes) >= 2)
        task.cancel()

    assert hub.close_codes[0] == 1000


async def test_goes_back_to_its_own_behaviour_after_a_short_grace(fast: Clock) -> None:
    battery, world = device(1, fast)
    begin_s = world.time_s
    battery.resource.take_control(begin_s)
    battery._uncontrolled_since_s = begin_s

    battery.tick(begin_s + GRACE_S - 1)
    assert battery.resource.controlled
    battery.tick(begin_s + GRACE_S)

    assert not battery.resource.controlled
