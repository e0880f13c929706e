"""How sessions of a hosted RM end: outages, goodbyes, and an answer that is late."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest

from flexhub.bus import Wake
from flexhub.bus.memory import MemoryWorkerBus
from flexhub.bus.memory_store import MemoryStore
from flexhub.gateway import keeper
from flexhub.gateway.process import GatewayProcess
from s2.messages import ControlType, SelectControlType
from tests.support.clock import FixedClock
from tests.support.gateway_inside import TIMEOUT_S
from tests.support.remote_cem import FRBC, ControlledLink, battery_messages, instruction
from tests.support.resources import measurement
from tests.support.rm_process import WHO, SlowBus, close, eventually, text, until_closed


async def test_the_node_is_woken_once_the_seat_of_a_socket_that_is_gone_is_free(
    link: ControlledLink, bus: SlowBus, worker: MemoryWorkerBus, woken: list[Wake]
) -> None:
    bus.down = True
    await close(link.socket)
    woken.clear()
    worker.end_wake(WHO.peer_node_id)
    assert link.task.token is not None

    bus.down = False

    await eventually(lambda: woken == [Wake(WHO.tenant_id, None, WHO.peer_node_id)])
    assert link.task.token is None


async def test_a_session_whose_seat_redis_forgot_begins_anew(
    link: ControlledLink, store: MemoryStore, bus: SlowBus
) -> None:
    store.restart_empty()

    request = await link.socket.receive()
    link.socket.acknowledge(request)

    assert (request["message_type"], request["request"]) == ("SessionRequest", "RECONNECT")
    assert (await until_closed(link.socket))["code"] == 1000
    assert link.task.token is None


async def test_a_session_whose_seat_redis_forgot_acknowledges_nothing_more(
    link: ControlledLink, store: MemoryStore, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "LEASE_RENEWAL_S", 60)
    await asyncio.sleep(0.02)
    store.restart_empty()

    link.socket.send(instruction(clock.now()))

    statuses = []
    while (event := await link.socket.event())["type"] != "websocket.close":
        statuses.append(json.loads(event["text"]).get("status"))
    assert "OK" not in statuses
    assert link.task.heard() == []


async def test_a_peer_that_acknowledges_nothing_is_asked_to_reconnect(link: ControlledLink, clock: FixedClock) -> None:
    """More than a session may have on its way: the device cannot go on, since one of its messages is lost."""
    for _ in range(300):
        link.task.say(measurement(2_000.0, clock.now()))

    heard = [await link.socket.receive() for _ in range(257)]

    assert [each["message_type"] for each in heard[:-1]] == ["PowerMeasurement"] * 256
    assert (heard[-1]["message_type"], heard[-1]["request"]) == ("SessionRequest", "RECONNECT")


async def test_a_process_that_stops_says_goodbye(process: GatewayProcess, link: ControlledLink) -> None:
    stopping = asyncio.create_task(process.stop())

    request = await link.socket.receive()
    link.socket.acknowledge(request)

    assert request["request"] == "RECONNECT"
    assert (await until_closed(link.socket))["code"] == 1000
    link.socket.hang_up()
    await asyncio.wait_for(stopping, TIMEOUT_S)


async def test_an_energy_manager_that_selects_again_is_heard_again(link: ControlledLink) -> None:
    await link.select(ControlType.NO_SELECTION)
    selection = SelectControlType(message_id=str(uuid4()), control_type=FRBC)
    assert (await link.socket.ask(selection))["status"] == "OK"

    assert link.task.heard() == [("selected", "NO_SELECTION"), ("selected", "FILL_RATE_BASED_CONTROL")]


async def test_what_the_rm_says_to_a_selection_outlives_its_late_answer(
    process: GatewayProcess,
    link: ControlledLink,
    worker: MemoryWorkerBus,
    clock: FixedClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The energy manager does not read for a while: it was selected, but the answer is still on its way."""
    (seat,) = process.seats.values()
    reads, send = asyncio.Event(), seat.send

    async def waits(event: Mapping[str, Any]) -> None:
        await reads.wait()
        await send(event)

    monkeypatch.setattr(seat, "send", waits)
    link.socket.send(SelectControlType(message_id=str(uuid4()), control_type=FRBC))
    await eventually(lambda: link.task.heard() == [("selected", FRBC.value)])

    description = battery_messages(clock.now())[0]
    link.task.say(description)
    await eventually(lambda: seat.text_of("FRBC.SystemDescription") == text(description))
    reads.set()
    assert (await link.socket.receive())["status"] == "OK"
    assert (await link.socket.receive())["message_type"] == "FRBC.SystemDescription"

    snapshot = worker.snapshots([link.task.end_id])[link.task.end_id]
    assert snapshot is not None
    assert {"control_type", "FRBC.SystemDescription"} <= set(snapshot.fields())
