from __future__ import annotations

import asyncio

import pytest

from flexhub.gateway.flow import Flow


class Transport:
    """Notes whether it is read from."""

    reads = True

    def pauseProducing(self) -> None:  # noqa: N802
        self.reads = False

    def resumeProducing(self) -> None:  # noqa: N802
        self.reads = True


@pytest.fixture
def transport() -> Transport:
    return Transport()


@pytest.fixture
def flow(transport: Transport) -> Flow:
    return Flow(transport)


def test_does_not_read_while_the_application_is_behind(flow: Flow, transport: Transport) -> None:
    flow.fall_behind()
    assert not transport.reads

    flow.catch_up()
    assert transport.reads


def test_reads_on_only_when_neither_side_is_behind(flow: Flow, transport: Transport) -> None:
    flow.fall_behind()
    flow.pauseProducing()

    flow.catch_up()
    assert not transport.reads
    flow.resumeProducing()
    assert transport.reads


def test_a_peer_is_stuck_from_the_first_write_on_that_found_the_buffer_full(
    flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = iter([100.0, 150.0])
    monkeypatch.setattr("flexhub.gateway.flow.time.monotonic", lambda: next(moments))
    assert not flow.is_stuck(1_000.0, 60)

    flow.pauseProducing()
    flow.pauseProducing()

    assert not flow.is_stuck(159.0, 60)
    assert flow.is_stuck(160.0, 60)
    flow.resumeProducing()
    assert not flow.is_stuck(1_000.0, 60)


async def test_whoever_sends_waits_until_there_is_room(flow: Flow) -> None:
    await flow.writable()
    flow.pauseProducing()
    waiting = [asyncio.create_task(flow.writable()) for _ in range(2)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)

    # One of them gives up; the other still learns of it.
    waiting[0].cancel()
    await asyncio.sleep(0)
    flow.resumeProducing()

    await asyncio.wait_for(waiting[1], 5)
    await flow.writable()


async def test_nobody_waits_for_a_connection_that_is_lost(flow: Flow) -> None:
    flow.pauseProducing()
    waiting = asyncio.create_task(flow.writable())
    await asyncio.sleep(0)

    flow.stopProducing()

    await asyncio.wait_for(waiting, 5)
