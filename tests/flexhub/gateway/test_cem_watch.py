"""Without sockets, with the in-memory bus: a session under control, and workers that look at its site or do not."""

from __future__ import annotations

import json
import logging
from uuid import UUID, uuid4

import pytest

from flexhub.bus import Wake
from flexhub.bus.memory import MemoryWorkerBus
from flexhub.bus.snapshot import RELEASED_FIELD
from flexhub.gateway import limits
from flexhub.gateway.cem_watch import CEMWatch, is_steered, release
from flexhub.gateway.handlers import Turn
from flexhub.gateway.hosted_rm import HostedRM
from flexhub.gateway.seats import Seat
from flexhub.gateway.writer import BatchWriter
from s2.messages import ControlType, SelectControlType
from tests.support.gateway_inside import NOW, SwitchableBus, controlled_seat, identity
from tests.support.links import AT

STEERED = [each for each in ControlType if each not in (ControlType.NOT_CONTROLABLE, ControlType.NO_SELECTION)]
FRBC = ControlType.FILL_RATE_BASED_CONTROL


class Watched:
    """Seats and their watch; what it lets go of is told NO_SELECTION. Each round is asked for by hand."""

    def __init__(self, bus: SwitchableBus, worker: MemoryWorkerBus) -> None:
        self.seats: dict[UUID, Seat] = {}
        self.let_go: list[Seat] = []
        self.woken: list[Wake] = []
        self._worker = worker
        self._bus = bus
        self.writer = BatchWriter(bus, lambda *_: None)
        self._watch = CEMWatch(bus, self.seats, self.writer, self._release, release_after_s=0.01)

    async def sit(self, control_type: ControlType = FRBC) -> Seat:
        seat = controlled_seat(control_type, 1, identity())
        seat.token = await self._bus.claim_seat(seat.info)
        self.seats[seat.info.link_id] = seat
        return seat

    def look_at(self, seat: Seat) -> None:
        with self._worker.site_lock(seat.info.site_id, 5) as lock:
            lock.looked = lock.ours
        assert lock.looked

    async def rounds(self, number: int = limits.CEM_ROUNDS + 1) -> None:
        for _ in range(number):
            await self._watch.look()
        self.woken += (wake for _, wake in self.writer.batch.all_wakes())
        self.writer.batch.wakes.clear()

    def _release(self, seat: Seat) -> None:
        if release(Turn(seat, self.writer.batch, NOW)):
            self.let_go.append(seat)


@pytest.fixture
async def watched(bus: SwitchableBus, worker: MemoryWorkerBus) -> Watched:
    await bus.register("gateway-1")
    return Watched(bus, worker)


async def test_a_device_is_released_when_nobody_looks_at_its_site_any_more(watched: Watched) -> None:
    here, there = await watched.sit(), await watched.sit()
    watched.look_at(here)
    watched.look_at(there)
    await watched.rounds(1)

    for _ in range(limits.CEM_ROUNDS - 1):
        watched.look_at(there)
        await watched.rounds(1)
    assert watched.let_go == []
    watched.look_at(there)
    await watched.rounds(1)

    assert watched.let_go == [here]
    assert here.session.control_type is ControlType.NO_SELECTION
    assert here.text_of(RELEASED_FIELD) == NOW.isoformat()
    assert [json.loads(text)["control_type"] for text in here.session.data_to_send()[-1:]] == ["NO_SELECTION"]


async def test_is_released_once(watched: Watched) -> None:
    watched.look_at(await watched.sit())

    await watched.rounds(3 * limits.CEM_ROUNDS)

    assert len(watched.let_go) == 1


async def test_asks_for_the_look_that_it_misses_before_it_gives_up(watched: Watched) -> None:
    seat = await watched.sit()
    watched.look_at(seat)

    await watched.rounds(limits.CEM_ASK_FROM_ROUND)
    assert watched.woken == []
    await watched.rounds(1)

    assert watched.woken == [Wake(seat.info.tenant_id, seat.info.site_id)]
    assert watched.let_go == []


@pytest.mark.parametrize("control_type", STEERED)
async def test_releases_whatever_it_steers_by(watched: Watched, control_type: ControlType) -> None:
    seat = await watched.sit(control_type)
    watched.look_at(seat)

    await watched.rounds()

    assert watched.let_go == [seat]


async def test_a_slow_worker_releases_nobody(watched: Watched) -> None:
    seat = await watched.sit()

    for _ in range(3):
        watched.look_at(seat)
        await watched.rounds(limits.CEM_ROUNDS)

    assert watched.let_go == []


async def test_a_redis_that_is_away_for_a_while_releases_nobody(watched: Watched, bus: SwitchableBus) -> None:
    seat = await watched.sit()
    watched.look_at(seat)
    await watched.rounds(1)

    bus.down = True
    await watched.rounds(limits.CEM_ROUNDS - 1)
    bus.down = False
    await watched.rounds(limits.CEM_ROUNDS - limits.CEM_ASK_FROM_ROUND)

    assert watched.let_go == []


async def test_lets_many_go_few_at_a_time(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "RELEASES_PER_ROUND", 2)
    seats = [await watched.sit() for _ in range(5)]
    watched.look_at(seats[0])
    await watched.rounds(limits.CEM_ROUNDS)

    found = []
    for _ in range(3):
        await watched.rounds(1)
        found.append(len(watched.let_go))

    assert found == [2, 4, 5]


async def test_says_once_that_nobody_looks_and_once_that_somebody_does(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    seat = await watched.sit()
    watched.look_at(seat)
    await watched.rounds(3 * limits.CEM_ROUNDS)
    assert caplog.text.count("gateway.cem.silent") == 1
    assert "gateway.cem.looks_again" not in caplog.text

    select = SelectControlType(message_id="again", control_type=FRBC)
    seat.session.send(select, NOW)
    watched.look_at(seat)
    await watched.rounds(2)

    assert caplog.text.count("gateway.cem.silent") == 1
    assert caplog.text.count("gateway.cem.looks_again") == 1


async def test_leaves_what_no_hosted_cem_steers(watched: Watched) -> None:
    only_measures = await watched.sit(ControlType.NOT_CONTROLABLE)
    speaks_for_a_hosted_rm = await watched.sit()
    speaks_for_a_hosted_rm.rm = HostedRM(uuid4(), None)
    closed = await watched.sit()
    closed.closed = True

    assert not any(map(is_steered, (only_measures, speaks_for_a_hosted_rm, closed)))
    assert not any(release(Turn(seat, watched.writer.batch, AT)) for seat in watched.seats.values())
