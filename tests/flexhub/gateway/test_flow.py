from __future__ import annotations

import asyncio

import pytest

from flexhub.gateway.flow import Flow


class Transport:
    """Notes whether it is read from, and what is written to it; the kernel takes `room` bytes of that at once."""

    reads = True
    connected = True
    disconnecting = False
    dataBuffer = b""  # noqa: N815
    room: int | Exception = 1_000

    def __init__(self) -> None:
        self.taken = b""
        self._tempDataBuffer: list[bytes] = []

    def writeSomeData(self, data: bytes) -> int | Exception:  # noqa: N802
        if isinstance(self.room, Exception):
            return self.room
        taken = data[: self.room]
        self.taken += taken
        return len(taken)

    def write(self, data: bytes) -> None:
        self._tempDataBuffer.append(data)

    @property
    def waiting(self) -> bytes:
        return self.dataBuffer + b"".join(self._tempDataBuffer)

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


def test_writes_at_once_what_the_kernel_takes(flow: Flow, transport: Transport) -> None:
    flow.write(b"one")
    flow.write(b"two")

    assert (transport.taken, transport.waiting) == (b"onetwo", b"")


def test_what_the_kernel_does_not_take_waits_and_is_not_overtaken(flow: Flow, transport: Transport) -> None:
    transport.room = 2
    flow.write(b"one")
    transport.room = 1_000
    flow.write(b"two")

    assert (transport.taken, transport.waiting) == (b"on", b"etwo")


@pytest.mark.parametrize("waits", ["dataBuffer", "disconnecting"])
def test_leaves_to_twisted_what_is_under_way(flow: Flow, transport: Transport, waits: str) -> None:
    setattr(transport, waits, b"zero" if waits == "dataBuffer" else True)

    flow.write(b"one")

    assert transport.taken == b""
    assert transport.waiting.endswith(b"one")


def test_leaves_a_broken_connection_to_the_reactor(flow: Flow, transport: Transport) -> None:
    transport.room = ConnectionResetError()

    flow.write(b"one")

    assert transport.waiting == b"one"


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
