"""What a device meets that sends faster than its type allows; without a network between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from flexhub.bus.memory import MemoryWorkerBus
from flexhub.bus.memory_store import MemoryStore
from flexhub.gateway.process import GatewayProcess
from flexhub.gateway.socket_pace import counts
from flexhub.pairing.services import NodeIdentity
from s2.events import AcknowledgementMissing, MessageRefused, ReceptionReceived, ReceptionUnmatched
from s2.messages import ReceptionStatusValues
from tests.support.clock import FixedClock
from tests.support.gateway_inside import TIMEOUT_S, FakeSocket, SwitchableBus, details, identity, make_process
from tests.support.resources import measurement

OK = ReceptionStatusValues.OK


@pytest.fixture
async def process(store: MemoryStore, clock: FixedClock) -> AsyncIterator[GatewayProcess]:
    process = make_process(SwitchableBus(store), clock)
    yield process
    await process.stop()


async def opened(process: GatewayProcess, who: NodeIdentity) -> FakeSocket:
    """Past its handshake and details, which count as two messages."""
    socket = FakeSocket(process, who)
    await socket.shake_hands()
    assert (await socket.ask(details()))["status"] == "OK"
    return socket


async def findings(store: MemoryStore, process: GatewayProcess, who: NodeIdentity) -> list[str]:
    assert await process.writer.drained(TIMEOUT_S)
    entries = MemoryWorkerBus(store).conversation(who.link_id)
    return [str(finding["text"]) for entry in entries for finding in entry.findings]


async def test_puts_off_what_is_above_the_pace_and_tells_it_once(
    process: GatewayProcess, store: MemoryStore, clock: FixedClock
) -> None:
    who = identity(messages_per_s=1, burst=4)
    device = await opened(process, who)

    given = [(await device.ask(measurement(float(n), clock.now())))["status"] for n in range(6)]

    assert given == ["OK", "OK", "TEMPORARY_ERROR", "TEMPORARY_ERROR", "TEMPORARY_ERROR", "TEMPORARY_ERROR"]
    assert await findings(store, process, who) == [
        "1 messages a second and 4 at once are allowed; more are answered TEMPORARY_ERROR"
    ]
    device.hang_up()
    await asyncio.wait_for(device.served, TIMEOUT_S)


async def test_lets_go_of_a_session_whatever_its_pace(process: GatewayProcess) -> None:
    device = await opened(process, identity(messages_per_s=1, burst=2))

    request = {"message_type": "SessionRequest", "message_id": str(uuid4()), "request": "TERMINATE"}

    assert (await device.ask(request))["status"] == "OK"
    assert (await device.event())["type"] == "websocket.close"
    device.hang_up()
    await asyncio.wait_for(device.served, TIMEOUT_S)


async def test_closes_a_peer_that_goes_on(process: GatewayProcess, store: MemoryStore, clock: FixedClock) -> None:
    who = identity(messages_per_s=1, burst=4)
    device = await opened(process, who)

    for number in range(60):
        device.send(measurement(float(number), clock.now()))
    while (event := await device.event())["type"] == "websocket.send":
        assert '"ReceptionStatus"' in event["text"]

    assert (event["type"], event["code"]) == ("websocket.close", 1013)
    assert "it went on at more than 5 times that" in event["reason"]
    assert any("closed with 1013" in text for text in await findings(store, process, who))
    device.hang_up(1013)
    await asyncio.wait_for(device.served, TIMEOUT_S)


async def test_tells_why_the_server_cut_a_connection_off(process: GatewayProcess, store: MemoryStore) -> None:
    who = identity()
    device = await opened(process, who)

    device.hang_up(1006, "it answered no ping for 70 s")
    await asyncio.wait_for(device.served, TIMEOUT_S)

    assert await findings(store, process, who) == ["it answered no ping for 70 s, and the connection was cut off"]


def test_counts_all_but_verdicts_that_are_waited_for(clock: FixedClock) -> None:
    ours = measurement(1.0, clock.now())

    assert counts([MessageRefused("", None, "", OK)], answered=True)
    assert counts([ReceptionUnmatched("", OK, None, ())], answered=False)
    assert counts([], answered=True)
    assert not counts([ReceptionReceived(ours, OK)], answered=True)
    assert not counts([], answered=False)
    assert counts([AcknowledgementMissing(ours), MessageRefused("", None, "", OK)], answered=True)
