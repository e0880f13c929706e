"""What the processes know of each other's tenants, in memory."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from flexhub.bus import BusUnavailable, TenantUse
from flexhub.bus.memory import MemoryWorkerBus
from flexhub.bus.memory_store import MemoryStore
from flexhub.gateway.tenant_load import Allowance
from flexhub.gateway.tenant_loads import TenantLoads
from tests.support.gateway_inside import PLENTY, GivenAllowances, SwitchableBus

ALDER, BIRCH = uuid4(), uuid4()


@pytest.fixture
def allowances() -> GivenAllowances:
    return GivenAllowances(Allowance(sessions=4, messages_per_s=10))


async def process(
    store: MemoryStore, allowances: GivenAllowances, name: str = "one"
) -> tuple[SwitchableBus, TenantLoads]:
    bus = SwitchableBus(store)
    await bus.register(name)
    return bus, TenantLoads(bus, allowances)


async def test_asks_for_the_quotas_of_a_tenant_once(store: MemoryStore, allowances: GivenAllowances) -> None:
    _, loads = await process(store, allowances)

    first, second = await loads.of(ALDER), await loads.of(ALDER)

    assert first is second
    assert first.allowance == allowances.of_all
    assert allowances.asked == [{ALDER}]


async def test_asks_for_many_at_once(store: MemoryStore, allowances: GivenAllowances) -> None:
    _, loads = await process(store, allowances)

    await asyncio.gather(*(loads.of(each) for each in (ALDER, BIRCH, ALDER, BIRCH)))

    assert allowances.asked == [{ALDER, BIRCH}]


async def test_whoever_comes_while_others_are_asked_about_is_asked_about_next(
    store: MemoryStore, allowances: GivenAllowances, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answer, read = asyncio.Event(), asyncio.Event(), allowances.read

    async def slow(tenant_ids: set[object]) -> object:
        asked.set()
        await answer.wait()
        return await read(tenant_ids)  # type: ignore[arg-type]

    monkeypatch.setattr(allowances, "read", slow)
    _, loads = await process(store, allowances)
    first = asyncio.create_task(loads.of(ALDER))
    await asked.wait()
    second = asyncio.create_task(loads.of(BIRCH))
    await asyncio.sleep(0.01)

    answer.set()
    await asyncio.gather(first, second)

    assert allowances.asked == [{ALDER}, {BIRCH}]


async def test_without_the_database_the_fallback_counts_until_it_is_back(
    store: MemoryStore, allowances: GivenAllowances
) -> None:
    allowances.down = True
    _, loads = await process(store, allowances)

    load = await loads.of(ALDER)
    load.enter()
    assert load.allowance == PLENTY
    allowances.down = False
    await loads.of(ALDER)
    await loads.look()

    assert load.allowance == allowances.of_all


async def test_what_is_known_counts_while_the_database_is_away(store: MemoryStore, allowances: GivenAllowances) -> None:
    _, loads = await process(store, allowances)
    load = await loads.of(ALDER)
    load.enter()
    allowances.down = True

    loads.read_again()
    await asyncio.sleep(0.01)
    await loads.look()

    assert load.allowance == allowances.of_all


async def test_a_change_counts_from_the_next_look_on(store: MemoryStore, allowances: GivenAllowances) -> None:
    _, loads = await process(store, allowances)
    load = await loads.of(ALDER)
    load.enter()

    allowances.of_all = Allowance(1, 1)
    loads.read_again()
    await asyncio.sleep(0.01)
    await loads.look()

    assert load.allowance == Allowance(1, 1)
    assert not load.enter()


async def test_two_processes_admit_no_more_than_the_quota(store: MemoryStore, allowances: GivenAllowances) -> None:
    _, one = await process(store, allowances, "one")
    _, other = await process(store, allowances, "other")
    await one.look()
    await other.look()
    here, there = await one.of(ALDER), await other.of(ALDER)

    admitted = [here.enter() for _ in range(3)] + [there.enter() for _ in range(3)]

    assert admitted == [True, True, False] * 2


async def test_a_newcomer_knows_of_the_others_at_once(store: MemoryStore, allowances: GivenAllowances) -> None:
    _, one = await process(store, allowances, "one")
    here = await one.of(ALDER)
    for _ in range(4):
        assert here.enter()
    await one.look()
    _, other = await process(store, allowances, "other")
    await other.look()

    assert not (await other.of(ALDER)).enter()
    assert (await other.of(BIRCH)).enter()


async def test_those_who_are_gone_leave_room(store: MemoryStore, allowances: GivenAllowances) -> None:
    bus, one = await process(store, allowances, "one")
    _, other = await process(store, allowances, "other")
    (await one.of(ALDER)).enter()
    await one.look()
    there = await other.of(ALDER)
    there.enter()
    await other.look()
    assert MemoryWorkerBus(store).tenant_use()[ALDER].sessions == 2

    await bus.unregister()
    await other.look()

    assert [there.enter() for _ in range(4)] == [True, True, True, False]


async def test_without_redis_the_last_share_is_kept(store: MemoryStore, allowances: GivenAllowances) -> None:
    bus, one = await process(store, allowances, "one")
    _, other = await process(store, allowances, "other")
    for _ in range(2):
        (await other.of(ALDER)).enter()
    await other.look()
    await one.look()

    bus.down = True
    with pytest.raises(BusUnavailable):
        await one.look()
    here = await one.of(ALDER)

    # Two of four are free, and two processes may open them.
    assert [here.enter(), here.enter()] == [True, False]


async def test_forgets_a_tenant_that_has_gone(store: MemoryStore, allowances: GivenAllowances) -> None:
    _, loads = await process(store, allowances)
    load = await loads.of(ALDER)
    load.enter()
    await loads.look()
    assert MemoryWorkerBus(store).tenant_use() == {ALDER: TenantUse(1, 0.0)}

    load.leave()
    await loads.look()

    assert MemoryWorkerBus(store).tenant_use() == {}
    assert await loads.of(ALDER) is not load
    assert allowances.asked == [{ALDER}, {ALDER}]
