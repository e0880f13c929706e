"""How several processes share the links that no peer opens: without a network."""

from __future__ import annotations

import asyncio

import pytest

from flexhub.bus import BusUnavailable, end_id
from flexhub.gateway import limits
from tests.support.gateway_inside import TIMEOUT_S, FakeSocket, identity
from tests.support.outgoing_world import World, requests_at, until


async def test_every_link_has_one_holder_and_everybody_a_share(world: World) -> None:
    links = [world.registry.add_house() for _ in range(10)] + [world.registry.add_dialled() for _ in range(20)]
    for _ in range(3):
        await world.gateway().process.start()

    await world.looks_until(lambda: world.balanced(links))

    shares = [sum(world.holders()[each.key] == gateway.name for each in links) for gateway in world.gateways]
    assert sum(shares) == 30
    assert min(shares) > 0
    assert sum(len(gateway.dialler.dialled) for gateway in world.gateways) == 20
    for each in links[:10]:
        assert world.holders()[end_id(each.link_id, "CEM")] == world.holders()[each.key]


async def test_the_share_of_one_that_died_is_taken_over(world: World) -> None:
    links = [world.registry.add_dialled() for _ in range(20)]
    first, second = world.gateway(), world.gateway()
    for each in (first, second):
        await each.process.start()
    await world.looks_until(lambda: world.balanced(links))

    await first.die(world.store)
    await second.look()

    await until(lambda: world.holders() == dict.fromkeys([each.key for each in links], second.name))


async def test_the_share_of_one_that_stops_is_taken_over_as_its_sessions_end(world: World) -> None:
    dialled, house = world.registry.add_dialled(), world.registry.add_house()
    first, second = world.gateway(), world.gateway()
    await first.look()
    await until(lambda: len(world.holders()) == 3)
    await second.process.start()

    await first.outgoing.stop()
    await second.look()
    assert second.dialler.dialled == []
    first.process.stopping = True
    first.connection.hang_up()
    await first.process.seats[house.key].close(limits.CLOSE_SERVICE_RESTART, "")
    every_end = (dialled.key, house.key, end_id(house.link_id, "CEM"))
    await world.looks_until(lambda: world.holders() == dict.fromkeys(every_end, second.name))

    assert world.store.lives(first.name)
    first.process.stopping = False
    await first.process.stop()


async def test_one_that_stops_while_redis_is_away_ends_all_the_same(world: World) -> None:
    gateway = world.gateway()
    gateway.outgoing.start()
    await until(lambda: gateway.name)
    gateway.bus.down = True

    await gateway.outgoing.stop()

    gateway.bus.down = False
    assert await gateway.bus.staying() == {gateway.name}


async def test_a_newcomer_is_given_its_share_politely(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HANDOVERS_PER_LOOK", 2)
    links = [world.registry.add_dialled() for _ in range(30)]
    first = world.gateway()
    await first.look()
    await until(lambda: len(world.holders()) == 30)
    second = world.gateway()
    await second.look()
    assert second.dialler.dialled == []

    await first.look()  # Sees that some are misplaced, and waits whether they stay so.
    assert sum(len(requests_at(each)) for each in first.dialler.connections) == 0
    await first.look()
    assert sum(held.leaving for held in first.outgoing._held.values()) == 2
    await world.looks_until(lambda: world.balanced(links))

    moved = len(second.dialler.dialled)
    assert 0 < moved < 30
    assert len(first.dialler.dialled) == 30


async def test_hands_over_only_what_stays_misplaced(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HANDOVER_AFTER_S", 3_600)
    for _ in range(30):
        world.registry.add_dialled()
    first = world.gateway()
    await first.look()
    await world.gateway().process.start()

    await first.look()
    assert any(held.misplaced_since_s is not None for held in first.outgoing._held.values())
    await world.gateways[1].die(world.store)
    await first.look()

    assert all(held.misplaced_since_s is None for held in first.outgoing._held.values())
    assert not any(held.leaving for held in first.outgoing._held.values())


async def test_leaves_alone_what_another_living_process_holds(world: World) -> None:
    links = [world.registry.add_dialled() for _ in range(20)]
    first, second = world.gateway(), world.gateway()
    await first.look()
    await until(lambda: len(world.holders()) == 20)

    for _ in range(3):
        await second.look()

    assert second.dialler.dialled == []
    assert set(world.holders()) == {each.key for each in links}


async def test_gives_up_a_link_that_another_process_took(world: World, pauses: list[int]) -> None:
    link, first = world.registry.add_dialled(), world.gateway()
    await first.look()
    await until(world.holders)
    second = world.gateway()
    await second.process.start()

    # As one does that could not see the first for a moment.
    socket = FakeSocket(second.process, identity(link_id=link.link_id))
    assert (await socket.event())["type"] == "websocket.accept"

    await until(first.connection.closed.is_set)
    await until(lambda: not first.outgoing._held)
    await first.look()
    assert len(first.dialler.dialled) == 1
    assert [each.state for each in world.registry.noted] == ["CONNECTED"]
    socket.hang_up()
    await asyncio.wait_for(socket.served, TIMEOUT_S)


async def test_takes_nothing_without_a_lease(world: World) -> None:
    world.registry.add_dialled()
    gateway = world.gateway()
    await gateway.process.start()
    world.store.remove(gateway.name)

    await gateway.look()

    assert gateway.dialler.dialled == []


async def test_says_that_redis_is_away(world: World) -> None:
    gateway = world.gateway()
    await gateway.process.start()
    gateway.bus.down = True

    with pytest.raises(BusUnavailable):
        await gateway.look()
