"""Seats whose sockets come and go while Redis is asked about them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import pytest

from flexhub.bus import Batch, BatchResult, SeatInfo
from flexhub.bus.memory import MemoryWorkerBus
from flexhub.bus.memory_store import MemoryStore
from flexhub.gateway import keeper as module
from flexhub.gateway import writer as writer_module
from flexhub.gateway.hosted_rm import HostedRM
from flexhub.gateway.keeper import SeatKeeper
from flexhub.gateway.relay import RelayEnd
from flexhub.gateway.seats import Seat
from flexhub.gateway.writer import BatchWriter
from s2.messages import ControlType, EnergyManagementRole
from tests.support.gateway_inside import TIMEOUT_S, SwitchableBus, controlled_seat


class DistantBus(SwitchableBus):
    """Its answers take a turn of the loop, as those of a Redis do, and those to claims wait for the test."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.answers = asyncio.Event()
        self.answers.set()
        self.released = asyncio.Event()
        self.released.set()
        self.claims = self.releases = self.renewals = 0

    async def renew(self) -> bool:
        self.renewals += 1
        return await super().renew()

    async def claim_seat(self, info: SeatInfo) -> int:
        token = await super().claim_seat(info)
        self.claims += 1
        await self.answers.wait()
        return token

    async def release_seat(self, link_id: UUID, token: int) -> bool:
        self.releases += 1
        await asyncio.sleep(0)
        await self.released.wait()
        return await super().release_seat(link_id, token)


class Bench:
    """A keeper with seats and a writer, and no sockets."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.bus = DistantBus(self.store)
        self.worker = MemoryWorkerBus(self.store)
        self.seats: dict[UUID, Seat] = {}
        self.replaced: list[Seat] = []
        self.unseated: list[Seat] = []
        self.writer = BatchWriter(self.bus, self._judge)
        self.keeper = SeatKeeper(self.bus, self.seats, self.writer, self.replaced.append, self.unseated.extend)

    def _judge(self, batch: Batch, result: BatchResult) -> None:
        self.keeper.judge(batch, result)

    async def take_seat(self) -> Seat:
        seat = controlled_seat(ControlType.FILL_RATE_BASED_CONTROL, 0)
        seat.token = await self.bus.claim_seat(seat.info)
        self.seats[seat.info.link_id] = seat
        seat.fold(self.writer.batch, "profile", "1.0.0")
        self.writer.touch()
        return seat

    async def leave(self, seat: Seat) -> None:
        seat.closed = True
        del self.seats[seat.info.link_id]
        await self.keeper.release(seat)

    async def eventually(self, look: Callable[[], object]) -> None:
        async with asyncio.timeout(TIMEOUT_S):
            while not look():  # noqa: ASYNC110  # What is looked at tells nobody when it changes.
                await asyncio.sleep(0.001)

    async def claim_under_way(self, seat: Seat) -> Seat:
        """Redis comes back empty; the seat is claimed again, and the answer is on its way."""
        self.bus.answers.clear()
        before = self.bus.claims
        self.store.restart_empty()
        await self.eventually(lambda: self.bus.claims > before)
        return seat


@pytest.fixture
async def bench(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    monkeypatch.setattr(module, "LEASE_RENEWAL_S", 0.01)
    monkeypatch.setattr(writer_module, "FLUSH_PAUSE_S", 0.001)
    bench = Bench()
    await bench.bus.register("process")
    tasks = [asyncio.create_task(run()) for run in (bench.writer.run, bench.keeper.run)]
    yield bench
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_socket_that_ends_while_its_seat_is_claimed_again_leaves_none_behind(bench: Bench) -> None:
    seat = await bench.claim_under_way(await bench.take_seat())

    await bench.leave(seat)
    bench.bus.answers.set()

    await bench.eventually(lambda: not bench.worker.sessions())


async def test_its_own_claim_does_not_count_as_a_newer_session(bench: Bench) -> None:
    seat = await bench.claim_under_way(await bench.take_seat())

    # This write still bears the token of before; its verdict overtakes the answer to the claim.
    seat.fold(bench.writer.batch, "PowerMeasurement", "{}")
    bench.writer.touch()
    assert await bench.writer.drained(TIMEOUT_S)
    bench.bus.answers.set()

    await bench.eventually(lambda: "PowerMeasurement" in snapshot(bench, seat))
    assert bench.replaced == []


async def test_a_newer_session_elsewhere_replaces_ours(bench: Bench) -> None:
    seat = await bench.take_seat()
    other = SwitchableBus(bench.store)
    await other.register("other")
    await other.claim_seat(seat.info)

    seat.fold(bench.writer.batch, "PowerMeasurement", "{}")
    bench.writer.touch()

    await bench.eventually(lambda: bench.replaced == [seat])


async def test_many_sockets_that_end_at_once_cost_one_release_each(bench: Bench) -> None:
    seats = [await bench.take_seat() for _ in range(50)]

    leaving: list[Awaitable[None]] = [bench.leave(seat) for seat in seats]
    await asyncio.gather(*leaving)

    assert bench.worker.sessions() == []
    assert bench.bus.releases == len(seats)


async def test_a_release_that_is_under_way_is_not_begun_again(bench: Bench) -> None:
    seat = await bench.take_seat()
    bench.bus.released.clear()
    leaving = asyncio.create_task(bench.leave(seat))
    renewals = bench.bus.renewals

    await bench.eventually(lambda: bench.bus.renewals > renewals + 2)
    bench.bus.released.set()
    await leaving

    assert bench.bus.releases == 1


async def test_gives_back_what_it_could_not_while_redis_was_away(bench: Bench) -> None:
    seats = [await bench.take_seat() for _ in range(3)]
    bench.bus.down = True
    for seat in seats:
        await bench.leave(seat)

    bench.bus.down = False

    await bench.eventually(lambda: not bench.worker.sessions())


def snapshot(bench: Bench, seat: Seat) -> dict[str, str]:
    found = bench.worker.snapshots([seat.info.link_id])[seat.info.link_id]
    return dict(found.fields()) if found else {}


async def test_a_seat_of_a_relayed_link_is_not_claimed_again_but_given_up(bench: Bench) -> None:
    seat = await bench.take_seat()
    seat.session = RelayEnd(
        EnergyManagementRole.RM,
        new_id=lambda: "id-1",
        ack_timeout=timedelta(seconds=10),
        handshake_timeout=timedelta(seconds=30),
        answer_timeout=timedelta(seconds=8),
        absence=timedelta(seconds=3),
        patience=timedelta(seconds=5),
    )
    claims = bench.bus.claims

    bench.store.restart_empty()

    await bench.eventually(lambda: bench.unseated == [seat])
    assert bench.bus.claims == claims


async def test_a_session_of_a_hosted_rm_is_told_once_to_begin_anew_and_its_neighbour_goes_on(bench: Bench) -> None:
    seat, neighbour = await bench.take_seat(), await bench.take_seat()
    seat.rm = HostedRM(seat.info.node_id, None)
    claims, before = bench.bus.claims, neighbour.token

    bench.store.restart_empty()
    await bench.eventually(lambda: bench.unseated and neighbour.token != before)
    # Until its turn comes it goes on writing, and what it writes is lost.
    seat.fold(bench.writer.batch, "PowerMeasurement", "{}")
    bench.writer.touch()
    assert await bench.writer.drained(TIMEOUT_S)
    bench.store.restart_empty()
    await bench.eventually(lambda: bench.bus.claims == claims + 2)
    await bench.eventually(lambda: snapshot(bench, neighbour) == {"profile": "1.0.0"})

    assert bench.unseated == [seat]
    assert not neighbour.closed


async def test_the_lease_lives_while_many_seats_are_claimed_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TOGETHER", 5)
    seats = [await bench.take_seat() for _ in range(50)]
    assert await bench.writer.drained(TIMEOUT_S)
    passed_s, claim = 0.0, bench.bus.claim_seat

    async def takes_half_a_second(info: SeatInfo) -> int:
        nonlocal passed_s
        passed_s += 0.5
        return await claim(info)

    monkeypatch.setattr(bench.bus, "claim_seat", takes_half_a_second)
    monkeypatch.setattr(bench.store, "seconds", lambda: passed_s)
    bench.store.restart_empty()

    await bench.eventually(lambda: all(snapshot(bench, seat) for seat in seats))
    assert bench.bus.process == "process.1"
    assert passed_s == len(seats) / 2


async def test_a_lease_that_ends_while_seats_are_claimed_again_is_noticed_at_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TOGETHER", 5)
    seats = [await bench.take_seat() for _ in range(10)]
    assert await bench.writer.drained(TIMEOUT_S)
    await bench.claim_under_way(seats[0])

    bench.store.leases.clear()
    bench.bus.answers.set()

    await bench.eventually(lambda: all(snapshot(bench, seat) for seat in seats))
    assert bench.bus.process == "process.2"
    assert bench.replaced == []
