"""Whole runs in this process, against a small hub."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from http import HTTPStatus
from itertools import count

import pytest

from flexhub.load.engine import line
from flexhub.load.engine.crowd import Crowd, Plan
from flexhub.load.engine.mix import parse_mix
from flexhub.load.engine.tally import Tally
from s2.messages import SessionRequest, SessionRequestType
from tests.support.load_hub import LoadHub, load_hub, new_id, targets

TURNS = parse_mix("measurement=8,actuator-status=1,storage-status=1")
PLAN = Plan(url="", turns=TURNS, rate=400, connect_rate=400, seconds=0.5, ack_timeout_s=10)


async def run(hub: LoadHub, number: int = 8, plan: Plan = PLAN, stop: asyncio.Event | None = None) -> Tally:
    return await Crowd(replace(plan, url=hub.url), targets(number)).run(stop or asyncio.Event())


@pytest.fixture
def quick_reconnects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "LONGEST_DELAY_S", 0.02)


async def test_everything_that_is_sent_is_acknowledged_and_keeps_the_rules() -> None:
    async with load_hub() as hub:
        tally = await run(hub)

    assert tally.clean
    assert tally.opened == tally.controlled == tally.sessions == 8
    assert tally.sent == tally.acknowledged == tally.answering.count == 200
    assert tally.opening.count == 8
    assert not hub.findings
    assert not tally.findings
    # Each session tells its state once when it is selected; a measurement may stand in for a status before that.
    assert hub.heard["PowerMeasurement"] + hub.heard["FRBC.StorageStatus"] + hub.heard["FRBC.ActuatorStatus"] == 216
    assert hub.heard["FRBC.StorageStatus"] > 8
    assert hub.heard["FRBC.ActuatorStatus"] > 8


async def test_a_hub_that_selects_nothing_hears_measurements_only() -> None:
    async with load_hub(LoadHub(selects=False)) as hub:
        tally = await run(hub)

    assert tally.clean
    assert tally.controlled == 0
    assert hub.heard["PowerMeasurement"] == tally.sent == 200


async def test_a_wrong_token_is_told_and_not_tried_again() -> None:
    async with load_hub() as hub:
        tally = await Crowd(replace(PLAN, url=hub.url), targets(5, token="wrong")).run(asyncio.Event())

    assert tally.refusals == {"HTTP 401": 5}
    assert tally.given_up == 5
    assert (tally.opened, tally.sent) == (0, 0)
    assert not tally.clean


async def test_a_hub_that_is_away_is_told_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, quick_reconnects: None
) -> None:
    monkeypatch.setattr("flexhub.load.engine.crowd.PATIENCE_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    tally = await Crowd(replace(PLAN, url=f"ws://127.0.0.1:{port}"), targets(3)).run(asyncio.Event())

    assert set(tally.refusals) == {"ConnectionRefusedError"}
    assert tally.refusals.total() > 3
    assert (tally.opened, tally.given_up, tally.sent) == (0, 0, 0)


async def test_a_busy_hub_is_tried_again(quick_reconnects: None) -> None:
    async with load_hub(LoadHub(refuses=HTTPStatus.SERVICE_UNAVAILABLE)) as hub:
        running = asyncio.create_task(run(hub))
        await asyncio.sleep(0.1)
        hub.refuses = None
        tally = await running

    assert set(tally.refusals) == {"HTTP 503"}
    assert tally.opened == 8
    assert tally.clean


async def test_a_restart_in_the_middle_is_survived_and_counted(quick_reconnects: None) -> None:
    async with load_hub() as hub:
        running = asyncio.create_task(run(hub, plan=replace(PLAN, seconds=1.0)))
        await hub.hears(100)
        for _, connection in list(hub.sessions):
            connection.transport.abort()
        tally = await running

    assert tally.reopened == 8
    assert tally.closes.total() == 8
    assert all(reason.startswith("1006") for reason in tally.closes)
    assert tally.sent == tally.acknowledged + tally.cut_off
    assert not tally.clean


async def test_a_polite_request_to_reconnect_is_followed(quick_reconnects: None) -> None:
    async with load_hub() as hub:
        running = asyncio.create_task(run(hub, plan=replace(PLAN, seconds=1.0)))
        await hub.hears(100)
        reconnect = SessionRequestType.RECONNECT
        await hub.say_to_all(lambda: SessionRequest(message_id=new_id(), request=reconnect))
        tally = await running

    assert tally.asked_to_reconnect == tally.reopened == 8
    assert not tally.closes
    assert not hub.findings


async def test_who_is_told_to_terminate_stays_away(quick_reconnects: None) -> None:
    async with load_hub() as hub:
        running = asyncio.create_task(run(hub))
        await hub.hears(50)
        terminate = SessionRequestType.TERMINATE
        await hub.say_to_all(lambda: SessionRequest(message_id=new_id(), request=terminate))
        tally = await running

    assert tally.given_up == 8
    assert tally.closes == {"SessionRequest TERMINATE": 8}
    assert hub.connections == 8
    assert tally.held_back > 0


async def test_temporary_errors_are_counted_and_the_messages_sent_again() -> None:
    asked = count()
    async with load_hub(LoadHub(selects=False, takes=lambda: next(asked) % 40 != 39)) as hub:
        tally = await run(hub)

    assert tally.temporary > 0
    assert tally.acknowledged == tally.sent == 200
    assert tally.answering.longest_s >= 1.0
    assert not tally.lost


async def test_silence_is_a_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flexhub.load.engine.crowd.RETRIES_S", 0.3)
    speaking = True
    async with load_hub(LoadHub(answers=lambda: speaking)) as hub:
        running = asyncio.create_task(run(hub, plan=replace(PLAN, ack_timeout_s=0.2)))
        await hub.hears(50)
        speaking = False
        tally = await running

    assert tally.lost > 0
    assert tally.acknowledged + tally.lost == tally.sent
    assert not tally.clean


async def test_what_was_counted_is_told_when_it_is_interrupted() -> None:
    stop = asyncio.Event()
    async with load_hub() as hub:
        running = asyncio.create_task(run(hub, plan=replace(PLAN, seconds=60), stop=stop))
        await hub.hears(50)
        stop.set()
        tally = await asyncio.wait_for(running, 5)

    assert tally.opened == 8
    assert tally.sent == tally.acknowledged + tally.cut_off > 50
    assert tally.measuring_s < 60
    assert not tally.unanswered
