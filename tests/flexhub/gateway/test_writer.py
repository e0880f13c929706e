from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

import pytest

from flexhub.bus import Batch, BatchResult, Envelope, Forward, LedgerRow, SeatAddress
from flexhub.bus.envelope import EnvelopeKind
from flexhub.bus.memory import MemoryGatewayBus, MemoryWorkerBus
from flexhub.bus.memory_store import MemoryStore
from flexhub.gateway import writer as module
from flexhub.gateway.writer import BatchWriter
from tests.support.gateway_inside import NOW, TIMEOUT_S, SwitchableBus, identity

WHO = identity()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FLUSH_PAUSE_S", "REDIS_RETRY_S", "REDIS_RETRY_MAX_S"):
        monkeypatch.setattr(module, name, 0.001)


def row(number: int) -> LedgerRow:
    return LedgerRow(WHO.tenant_id, WHO.link_id, f"instruction-{number}", NOW)


class Bench:
    def __init__(self, *, ledger_limit: int = 1_000) -> None:
        self.store = MemoryStore(ledger_limit=ledger_limit)
        self.bus = SwitchableBus(self.store)
        self.results: list[BatchResult] = []
        self.writer = BatchWriter(self.bus, lambda batch, result: self.results.append(result))

    def add(self, *numbers: int) -> None:
        for number in numbers:
            self.writer.batch.ledger(row(number))
        self.writer.touch()

    async def slow_write(self, batch: Batch) -> BatchResult:
        await asyncio.sleep(0)
        self.add(2)
        return await MemoryGatewayBus.write(self.bus, batch)

    def written(self) -> list[str]:
        return [each.instruction_id for each in MemoryWorkerBus(self.store).take_ledger().rows]


@asynccontextmanager
async def running(bench: Bench) -> AsyncIterator[None]:
    task = asyncio.create_task(bench.writer.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until_unavailable(writer: BatchWriter) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while writer.available:  # noqa: ASYNC110  # The writer has nobody to tell.
            await asyncio.sleep(0.001)


async def test_writes_what_one_turn_added_as_one_batch() -> None:
    bench = Bench()
    async with running(bench):
        bench.add(1, 2, 3)

        assert await bench.writer.drained(TIMEOUT_S)

    assert bench.written() == ["instruction-1", "instruction-2", "instruction-3"]
    assert len(bench.results) == 1


async def test_a_batch_of_wakes_alone_is_written() -> None:
    bench = Bench()
    async with running(bench):
        bench.writer.batch.wake(WHO.tenant_id, WHO.site_id)
        bench.writer.touch()

        assert await bench.writer.drained(TIMEOUT_S)

    assert [wake.site_id for wake in bench.results[0].woken] == [WHO.site_id]


async def test_keeps_everything_through_an_outage_and_says_so() -> None:
    bench = Bench()
    bench.bus.down = True
    async with running(bench):
        bench.add(1)
        await until_unavailable(bench.writer)
        bench.add(2)
        assert not await bench.writer.drained(0.01)

        bench.bus.down = False

        assert await bench.writer.drained(TIMEOUT_S)
        assert bench.writer.available
    assert bench.written() == ["instruction-1", "instruction-2"]


async def test_what_is_added_meanwhile_does_not_hold_up_who_waits() -> None:
    bench = Bench()
    bench.bus.write = bench.slow_write  # type: ignore[method-assign] # A round trip during which others add.
    async with running(bench):
        bench.add(1)

        assert await bench.writer.drained(TIMEOUT_S)

        assert "instruction-1" in bench.written()


async def test_a_full_stream_counts_as_an_outage() -> None:
    bench = Bench(ledger_limit=2)
    async with running(bench):
        bench.add(1, 2)
        assert await bench.writer.drained(TIMEOUT_S)
        bench.add(3)
        await until_unavailable(bench.writer)

        bench.store.ledger.entries.clear()

        assert await bench.writer.drained(TIMEOUT_S)
    assert bench.written() == ["instruction-3"]


async def test_its_backlog_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BACKLOG_LOG_ROWS", 2)
    monkeypatch.setattr(module, "BACKLOG_ROWS", 3)
    bench = Bench()

    bench.add(1)
    assert bench.writer.logs
    bench.add(2)
    assert not bench.writer.logs
    assert bench.writer.available
    bench.add(3)
    assert not bench.writer.available


async def test_hands_back_at_once_what_was_to_be_relayed_while_redis_is_away() -> None:
    bench = Bench()
    bench.bus.down = True
    given_up: list[Forward] = []
    bench.writer = BatchWriter(bench.bus, lambda batch, result: None, lambda forwards, mail: given_up.extend(forwards))
    async with running(bench):
        sender = SeatAddress(uuid4(), "one", 1)
        kinds: tuple[EnvelopeKind, ...] = ("relayed", "hello")
        for kind in kinds:
            bench.writer.batch.forward("two", Envelope(uuid4(), kind, "", token=2, sender=sender))
        bench.writer.touch()

        await until_unavailable(bench.writer)

        assert [each.envelope.kind for each in given_up] == ["relayed"]


async def test_says_when_what_was_added_is_written_and_not_before() -> None:
    bench = Bench()
    takes = asyncio.Event()

    async def slow_write(batch: Batch) -> BatchResult:
        await takes.wait()
        return await MemoryGatewayBus.write(bench.bus, batch)

    bench.bus.write = slow_write  # type: ignore[method-assign] # Redis that takes its time.
    async with running(bench):
        bench.add(1)
        first = bench.writer.written()
        await asyncio.sleep(0.01)
        bench.add(2)
        second = bench.writer.written()

        assert (first.is_set(), second.is_set()) == (False, False)
        takes.set()
        await asyncio.wait_for(first.wait(), TIMEOUT_S)
        await asyncio.wait_for(second.wait(), TIMEOUT_S)
    assert bench.written() == ["instruction-1", "instruction-2"]


async def test_lets_nobody_wait_long_for_a_redis_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WRITTEN_WITHIN_S", 0.01)
    bench = Bench()
    bench.bus.down = True
    async with running(bench):
        bench.add(1)

        await asyncio.wait_for(bench.writer.written().wait(), TIMEOUT_S)

    assert bench.written() == []


async def test_what_joins_a_batch_that_failed_is_written_with_it() -> None:
    bench = Bench()
    bench.bus.down = True
    async with running(bench):
        bench.add(1)
        await until_unavailable(bench.writer)
        bench.add(2)
        joined = bench.writer.written()
        bench.bus.down = False

        await asyncio.wait_for(joined.wait(), TIMEOUT_S)

        assert bench.written() == ["instruction-1", "instruction-2"]


async def test_writes_again_what_redis_had_taken_lately() -> None:
    bench = Bench()
    async with running(bench):
        bench.add(1, 2)
        assert await bench.writer.drained(TIMEOUT_S)
        bench.store.restart_empty()

        bench.writer.repeat_recent()
        assert await bench.writer.drained(TIMEOUT_S)

    assert bench.written() == ["instruction-1", "instruction-2"]


async def test_repeats_nothing_where_nothing_was_written() -> None:
    bench = Bench()

    bench.writer.repeat_recent()

    assert not bench.writer.batch
