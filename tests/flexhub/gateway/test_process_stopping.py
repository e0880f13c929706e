"""How the process object ends: goodbyes one after the other, wakes that are still flagged, and who does not answer."""

from __future__ import annotations

import asyncio
import threading
from uuid import uuid4

import pytest

from flexhub.bus import Wake
from flexhub.bus.memory import MemoryWorkerBus
from flexhub.gateway import limits
from flexhub.gateway.process import GatewayProcess
from flexhub.gateway.wake_sender import WakeSender
from tests.support.clock import FixedClock
from tests.support.gateway_inside import TIMEOUT_S, FakeSocket, SwitchableBus, identity, make_process

WHO = identity()


pytestmark = pytest.mark.usefixtures("impatient")


async def test_stopping_asks_one_device_after_the_other(process: GatewayProcess) -> None:
    sockets = [FakeSocket(process, identity()) for _ in range(3)]
    for socket in sockets:
        await socket.shake_hands()
    stopping = asyncio.create_task(process.stop())

    assert (await sockets[0].receive())["request"] == "RECONNECT"
    await process.leave(process.seats[next(reversed(process.seats))])
    assert (await sockets[1].receive())["request"] == "RECONNECT"
    for socket in sockets:
        socket.hang_up()

    await asyncio.wait_for(stopping, TIMEOUT_S)


async def test_stopping_spreads_its_requests_over_the_drain_time(
    bus: SwitchableBus, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "DRAIN_PAUSE_S", 0.2)
    process = make_process(bus, clock, drain_s=0.5)
    sockets = [FakeSocket(process, identity()) for _ in range(5)]
    for socket in sockets:
        await socket.shake_hands()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    stopping = asyncio.create_task(process.stop())
    for socket in sockets:
        assert (await socket.receive())["request"] == "RECONNECT"
        socket.hang_up()
    asked_the_last = loop.time()

    await asyncio.wait_for(stopping, TIMEOUT_S)

    # Pauses of a tenth of a second between the five of them.
    assert asked_the_last - begun >= 0.3


async def test_stopping_sends_the_wakes_that_are_flagged(bus: SwitchableBus, clock: FixedClock) -> None:
    broker_answers, sent = threading.Event(), []

    def send(wake: Wake) -> None:
        assert broker_answers.wait(TIMEOUT_S)
        sent.append(wake)

    tenant_id, site_id = uuid4(), uuid4()
    process = make_process(bus, clock, WakeSender(send))
    await process.start()
    process.writer.batch.wake(tenant_id, site_id)
    process.writer.touch()

    asyncio.get_running_loop().call_later(0.05, broker_answers.set)
    await process.stop()

    assert sent == [Wake(tenant_id, site_id)]


async def test_a_socket_that_cannot_be_closed_does_not_keep_the_process_from_stopping(
    process: GatewayProcess, worker: MemoryWorkerBus
) -> None:
    device = FakeSocket(process, WHO)
    await device.shake_hands()

    async def gone(_: object) -> None:
        raise OSError

    process.seats[WHO.link_id].send = gone

    await process.stop()

    assert worker.sessions() == []
    device.hang_up()


async def test_stopping_asks_devices_to_reconnect_and_closes_who_does_not_answer(
    process: GatewayProcess, worker: MemoryWorkerBus
) -> None:
    device = FakeSocket(process, WHO)
    await device.shake_hands()
    stopping = asyncio.create_task(process.stop())

    assert (await device.receive())["request"] == "RECONNECT"
    closing = await device.event()

    assert (closing["type"], closing["code"]) == ("websocket.close", 1012)
    device.hang_up(1012)
    await stopping
    assert worker.sessions() == []


async def test_ends_also_a_task_that_lost_its_cancellation(
    process: GatewayProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CANCEL_AGAIN_S", 0.01)
    told = 0

    async def hard_of_hearing() -> None:
        nonlocal told
        while told < 2:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                told += 1

    await process.start()
    process.spawn(hard_of_hearing())
    await asyncio.sleep(0)

    async with asyncio.timeout(TIMEOUT_S):
        await process.stop()

    assert told == 2
