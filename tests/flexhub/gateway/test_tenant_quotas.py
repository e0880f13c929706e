"""What a tenant meets that uses more than its quotas: two gateway processes in memory, without a network between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from flexhub.bus import BusUnavailable
from flexhub.bus.memory import MemoryWorkerBus
from flexhub.bus.memory_store import MemoryStore
from flexhub.gateway.house import hold_house
from flexhub.gateway.process import GatewayProcess
from flexhub.gateway.tenant_load import Allowance, SessionQuotaReached
from flexhub.pairing.services import NodeIdentity
from tests.support.clock import FixedClock
from tests.support.gateway_inside import (
    TIMEOUT_S,
    FakeSocket,
    GivenAllowances,
    SwitchableBus,
    details,
    identity,
    make_process,
)
from tests.support.resources import measurement

ALDER, BIRCH = uuid4(), uuid4()


@pytest.fixture
def allowances() -> GivenAllowances:
    return GivenAllowances(Allowance(sessions=2, messages_per_s=1_000))


@pytest.fixture
async def one(store: MemoryStore, clock: FixedClock, allowances: GivenAllowances) -> AsyncIterator[GatewayProcess]:
    process = make_process(SwitchableBus(store), clock, allowances=allowances)
    yield process
    await process.stop()


@pytest.fixture
async def other(store: MemoryStore, clock: FixedClock, allowances: GivenAllowances) -> AsyncIterator[GatewayProcess]:
    process = make_process(SwitchableBus(store), clock, allowances=allowances)
    yield process
    await process.stop()


async def know_each_other(*processes: GatewayProcess) -> None:
    for process in (*processes, *processes):
        await process.start()
        await process.tenant_loads.look()


async def opened(process: GatewayProcess, who: NodeIdentity) -> FakeSocket:
    """Past its handshake and details, which count as two messages."""
    socket = FakeSocket(process, who)
    await socket.shake_hands()
    assert (await socket.ask(details()))["status"] == "OK"
    return socket


async def refused(process: GatewayProcess, who: NodeIdentity) -> tuple[int, dict[bytes, bytes], str]:
    socket = FakeSocket(process, who)
    start, body = await socket.event(), await socket.event()
    await asyncio.wait_for(socket.served, TIMEOUT_S)
    return start["status"], dict(start["headers"]), body["body"].decode()


async def hang_up(*sockets: FakeSocket) -> None:
    for socket in sockets:
        socket.hang_up()
        await asyncio.wait_for(socket.served, TIMEOUT_S)


class TestSessions:
    async def test_one_too_many_is_refused_before_it_opens(self, one: GatewayProcess) -> None:
        sockets = [await opened(one, identity(tenant_id=ALDER)) for _ in range(2)]

        status, headers, text = await refused(one, identity(tenant_id=ALDER))

        assert status == 429
        assert 30 <= int(headers[b"retry-after"]) <= 120
        assert text.startswith("The quota of this tenant is 2 sessions, and all of it is used.")
        await hang_up(*sockets)

    async def test_another_tenant_is_let_in(self, one: GatewayProcess) -> None:
        sockets = [await opened(one, identity(tenant_id=ALDER)) for _ in range(2)]

        sockets.append(await opened(one, identity(tenant_id=BIRCH)))

        await hang_up(*sockets)

    async def test_whoever_leaves_makes_room(self, one: GatewayProcess) -> None:
        first, second = [await opened(one, identity(tenant_id=ALDER)) for _ in range(2)]
        await hang_up(first)

        third = await opened(one, identity(tenant_id=ALDER))

        await hang_up(second, third)

    async def test_counts_those_in_another_process(self, one: GatewayProcess, other: GatewayProcess) -> None:
        sockets = [await opened(one, identity(tenant_id=ALDER)) for _ in range(2)]
        await know_each_other(one, other)

        status, _, _ = await refused(other, identity(tenant_id=ALDER))

        assert status == 429
        await hang_up(*sockets)

    async def test_the_newest_of_one_link_is_never_one_too_many(
        self, one: GatewayProcess, other: GatewayProcess
    ) -> None:
        who = identity(tenant_id=ALDER)
        older, neighbour = await opened(one, who), await opened(one, identity(tenant_id=ALDER))
        await know_each_other(one, other)

        here = await opened(one, who)
        assert (await older.event())["code"] == 4409
        there = await opened(other, who)
        assert (await here.event())["code"] == 4409

        await hang_up(older, here, there, neighbour)

    async def test_a_sign_in_that_breaks_off_keeps_no_place(
        self, one: GatewayProcess, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def away(_: object) -> int:
            raise BusUnavailable("switched off by the test")

        with monkeypatch.context() as patch:
            patch.setattr(one._bus, "claim_seat", away)
            for _ in range(3):
                assert (await refused(one, identity(tenant_id=ALDER)))[0] == 503

        sockets = [await opened(one, identity(tenant_id=ALDER)) for _ in range(2)]
        await hang_up(*sockets)

    async def test_a_house_link_has_two(self, one: GatewayProcess) -> None:
        neighbour = await opened(one, identity(tenant_id=ALDER))
        link: dict[str, Any] = {"tenant_id": ALDER, "link_id": uuid4(), "hosted": True}

        with pytest.raises(SessionQuotaReached, match="2 sessions"):
            await hold_house(one, identity(**link), identity(**link, role="CEM"), opened=lambda _: None)

        assert len(one.seats) == 1
        await hang_up(neighbour)


class TestMessages:
    async def test_what_is_above_the_quota_is_put_off_for_one_tenant_only(
        self, one: GatewayProcess, store: MemoryStore, clock: FixedClock, allowances: GivenAllowances
    ) -> None:
        allowances.of_all = Allowance(sessions=9, messages_per_s=1)
        loud = [identity(tenant_id=ALDER) for _ in range(2)]
        sockets = [await opened(one, who) for who in loud]
        calm = await opened(one, identity(tenant_id=BIRCH))

        given = [(await sockets[n % 2].ask(measurement(float(n), clock.now())))["status"] for n in range(12)]

        assert given[:6] == ["OK"] * 6  # Four of the ten at once were for the details.
        assert "TEMPORARY_ERROR" in given
        assert (await calm.ask(measurement(1.0, clock.now())))["status"] == "OK"
        assert await one.writer.drained(TIMEOUT_S)
        found = [
            str(finding["text"])
            for who in loud
            for entry in MemoryWorkerBus(store).conversation(who.link_id)
            for finding in entry.findings
        ]
        assert set(found) == {
            "the tenant's sessions may send 1 messages a second together; more are answered TEMPORARY_ERROR"
        }
        await hang_up(*sockets, calm)

    async def test_one_device_that_is_too_loud_takes_nothing_from_its_neighbours(
        self, one: GatewayProcess, clock: FixedClock, allowances: GivenAllowances
    ) -> None:
        allowances.of_all = Allowance(sessions=9, messages_per_s=1)
        loud = await opened(one, identity(tenant_id=ALDER, messages_per_s=1, burst=2))
        calm = await opened(one, identity(tenant_id=ALDER))

        for number in range(8):
            assert (await loud.ask(measurement(float(number), clock.now())))["status"] == "TEMPORARY_ERROR"

        given = [(await calm.ask(measurement(float(n), clock.now())))["status"] for n in range(6)]
        assert given == ["OK"] * 6
        await hang_up(loud, calm)

    async def test_a_flood_of_all_together_closes_one(
        self, one: GatewayProcess, clock: FixedClock, allowances: GivenAllowances
    ) -> None:
        allowances.of_all = Allowance(sessions=9, messages_per_s=1)
        device = await opened(one, identity(tenant_id=ALDER))

        for number in range(150):
            device.send(measurement(float(number), clock.now()))
        while (event := await device.event())["type"] == "websocket.send":
            assert '"ReceptionStatus"' in event["text"]

        assert (event["type"], event["code"]) == ("websocket.close", 1013)
        assert event["reason"].startswith("the tenant's sessions may send 1 messages a second together; it went on")
        assert len(event["reason"]) <= 123
        await hang_up(device)

    async def test_the_load_elsewhere_counts(
        self, one: GatewayProcess, other: GatewayProcess, clock: FixedClock, allowances: GivenAllowances
    ) -> None:
        allowances.of_all = Allowance(sessions=9, messages_per_s=4)
        here, there = await opened(one, identity(tenant_id=ALDER)), await opened(other, identity(tenant_id=ALDER))
        await know_each_other(one, other)

        # Forty may come at once, half of them at each process, where three have been already.
        for device in (here, there):
            given = [(await device.ask(measurement(float(n), clock.now())))["status"] for n in range(30)]
            assert 15 <= given.count("OK") <= 25
            assert given[-1] == "TEMPORARY_ERROR"
        await hang_up(here, there)

    async def test_goes_on_under_the_last_share_while_redis_is_away(
        self, one: GatewayProcess, clock: FixedClock, store: MemoryStore
    ) -> None:
        device = await opened(one, identity(tenant_id=ALDER))
        load = await one.tenant_loads.of(ALDER)
        assert isinstance(one._bus, SwitchableBus)

        one._bus.down = True
        with pytest.raises(BusUnavailable):
            await one.tenant_loads.look()

        assert load.sessions == 1
        assert load.allows(asyncio.get_running_loop().time())
        one._bus.down = False
        await hang_up(device)
