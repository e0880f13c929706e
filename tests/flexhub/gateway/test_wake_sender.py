from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress
from uuid import uuid4

import pytest

from flexhub.bus import Wake
from flexhub.gateway import wake_sender as module
from flexhub.gateway.limits import WAKES_TOGETHER
from flexhub.gateway.wake_sender import WakeSender
from tests.support.gateway_inside import TIMEOUT_S

ALDER, BIRCH = Wake(uuid4(), uuid4()), Wake(uuid4(), uuid4())


async def test_sends_each_site_and_again_what_the_broker_did_not_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REDIS_RETRY_MAX_S", 0.001)
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    tried: list[Wake] = []

    def send(wake: Wake) -> None:
        tried.append(wake)
        if len(tried) == 1:
            raise ConnectionError("the broker is away")
        if len(tried) == 3:
            loop.call_soon_threadsafe(done.set)

    sender = WakeSender(send)
    task = asyncio.create_task(sender.run())
    sender.add([ALDER, BIRCH, ALDER])
    await asyncio.wait_for(done.wait(), TIMEOUT_S)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    sender.close()

    assert tried == [ALDER, ALDER, BIRCH]


async def test_a_crowd_is_sent_in_parts_that_each_have_their_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAKE_TIMEOUT_S", 0.5)
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    crowd = [Wake(uuid4(), uuid4()) for _ in range(12 * WAKES_TOGETHER + 1)]
    sent: list[Wake] = []

    def send(wake: Wake) -> None:
        # All of them together take longer than the timeout, and a part of them a tenth of it.
        if len(sent) % WAKES_TOGETHER == 0:
            time.sleep(0.05)
        sent.append(wake)
        if len(sent) == len(crowd):
            loop.call_soon_threadsafe(done.set)

    sender = WakeSender(send)
    task = asyncio.create_task(sender.run())
    sender.add(crowd)
    await asyncio.wait_for(done.wait(), TIMEOUT_S)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    sender.close()

    assert sent == crowd


async def test_says_when_all_wakes_are_sent(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger=module.__name__)
    monkeypatch.setattr(module, "REDIS_RETRY_MAX_S", 0.001)
    broker_is_back, sent = threading.Event(), []

    def send(wake: Wake) -> None:
        if not broker_is_back.is_set():
            raise ConnectionError("the broker is away")
        sent.append(wake)

    sender = WakeSender(send)
    assert await sender.drained(0.01)
    task = asyncio.create_task(sender.run())
    sender.add([ALDER])
    assert not await sender.drained(0.05)
    broker_is_back.set()
    sender.add([BIRCH])
    assert await sender.drained(TIMEOUT_S)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    sender.close()

    assert sent == [ALDER, BIRCH]
    # Told once each, however often it was tried.
    assert caplog.text.count("gateway.wakes.not_sent") == 1
    assert caplog.text.count("gateway.wakes.sent_again") == 1


async def test_ends_even_when_it_is_told_to_while_a_wake_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    sending = loop.create_future()
    monkeypatch.setattr(loop, "run_in_executor", lambda *_: sending)
    sender = WakeSender(lambda wake: None)
    running = asyncio.create_task(sender.run())
    sender.add([ALDER])
    await asyncio.sleep(0.01)

    sending.set_result(None)
    running.cancel()

    done, _ = await asyncio.wait([running], timeout=2)
    assert done
    sender.close()


def test_a_site_and_a_hosted_rm_have_tasks_of_their_own() -> None:
    tenant_id, node_id = uuid4(), uuid4()

    assert module.task_of(Wake(tenant_id, None, node_id)) == (
        "rm_adapters.tasks.attend",
        {"tenant_id": str(tenant_id), "node_id": str(node_id)},
    )
    assert module.task_of(ALDER) == (
        "cem_service.tasks.react",
        {"tenant_id": str(ALDER.tenant_id), "site_id": str(ALDER.site_id)},
    )
