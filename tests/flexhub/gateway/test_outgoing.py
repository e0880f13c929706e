"""Which process opens which links, what it does when they end, and how processes share them: without a network."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import cast
from uuid import UUID, uuid4

import pytest

from flexhub.bus import BusUnavailable, SeatAddress, end_id
from flexhub.bus.memory import MemoryWorkerBus
from flexhub.bus.memory_store import MemoryStore
from flexhub.gateway import held_link, keeper, limits, writer
from flexhub.gateway.dialer import DialFailed, Dialler
from flexhub.gateway.outgoing import Outgoing
from flexhub.gateway.registry import RegistryUnavailable, TokenUnreadable
from flexhub.gateway.shares import owner
from flexhub.pairing.outgoing import OutgoingLink
from tests.support.clock import FixedClock
from tests.support.gateway_inside import TIMEOUT_S, FakeSocket, SwitchableBus, identity, make_process
from tests.support.outgoing_links import FakeConnection, FakeDialler, ListedLinks


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FLUSH_PAUSE_S", "REDIS_RETRY_S", "REDIS_RETRY_MAX_S"):
        monkeypatch.setattr(writer, name, 0.001)
    monkeypatch.setattr(keeper, "LEASE_RENEWAL_S", 0.05)
    monkeypatch.setattr(limits, "TICK_S", 0.001)
    monkeypatch.setattr(limits, "GOODBYE_S", 0.05)
    monkeypatch.setattr(limits, "DRAIN_PAUSE_S", 0.001)
    monkeypatch.setattr(limits, "LOOK_S", 0.02)
    monkeypatch.setattr(limits, "HANDOVER_AFTER_S", 0.0)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The failures in a row that each pause was computed for; -1 for the slow one. They take no time."""
    seen: list[int] = []

    def note(failures: int, chance: float) -> float:
        seen.append(failures)
        return 0.001

    monkeypatch.setattr(held_link, "pause_s", note)
    monkeypatch.setattr(held_link, "slow_pause_s", lambda chance: note(-1, chance))
    return seen


async def until(look: Callable[[], object]) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while not look():  # noqa: ASYNC110  # What is looked at tells nobody when it changes.
            await asyncio.sleep(0.001)


class AwayBus(SwitchableBus):
    """Also what the links are shared by is unreachable while it is `down`."""

    async def find_seats(self, end_ids: Sequence[UUID]) -> dict[UUID, SeatAddress]:
        self._reach()
        return await super().find_seats(end_ids)

    async def living(self) -> frozenset[str]:
        self._reach()
        return await super().living()

    async def retire(self) -> None:
        self._reach()
        await super().retire()


class Gateway:
    """A process with its share of the links."""

    def __init__(self, store: MemoryStore, registry: ListedLinks, clock: FixedClock) -> None:
        self.bus = AwayBus(store)
        self.process = make_process(self.bus, clock)
        self.dialler = FakeDialler()
        self.outgoing = Outgoing(self.process, self.bus, registry, cast(Dialler, self.dialler), chance=lambda: 0.0)

    @property
    def name(self) -> str:
        return self.bus.process

    @property
    def connection(self) -> FakeConnection:
        return self.dialler.connections[-1]

    async def look(self) -> None:
        await self.outgoing.look()
        # What the look began has its turn.
        for _ in range(50):
            await asyncio.sleep(0)

    async def connected(self, times: int) -> None:
        await until(lambda: len(self.dialler.connections) == times)

    async def die(self, store: MemoryStore) -> None:
        """Without a word to anybody; then its lease ends."""
        self.bus.down = True
        tasks = set(self.process._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        store.remove(self.name)

    async def end(self) -> None:
        await self.outgoing.stop()
        if not self.process.stopping:
            await self.process.stop()


class World:
    def __init__(self, clock: FixedClock) -> None:
        self.store = MemoryStore()
        self.registry = ListedLinks()
        self.worker = MemoryWorkerBus(self.store)
        self.gateways: list[Gateway] = []
        self._clock = clock

    def gateway(self) -> Gateway:
        self.gateways.append(Gateway(self.store, self.registry, self._clock))
        return self.gateways[-1]

    def holders(self) -> dict[UUID, str]:
        return {record.info.link_id: record.process for record in self.worker.sessions()}

    async def looks_until(self, look: Callable[[], object]) -> None:
        """All processes go on looking."""
        async with asyncio.timeout(TIMEOUT_S):
            while not look():
                for each in self.gateways:
                    if not each.process.stopping:
                        await each.look()
                await asyncio.sleep(0.001)

    def balanced(self, links: list[OutgoingLink]) -> bool:
        names = [each.name for each in self.gateways if self.store.lives(each.name)]
        return all(self.holders().get(each.key) == owner(each.key, names) for each in links)


@pytest.fixture
async def world(clock: FixedClock) -> AsyncIterator[World]:
    world = World(clock)
    yield world
    world.registry.down = False
    for each in world.gateways:
        each.bus.down = False
        each.dialler.gate.set()
        await each.end()


def requests_at(connection: FakeConnection) -> list[str]:
    """The kinds of SessionRequest that the server elsewhere has heard."""
    messages = [json.loads(text) for text in connection.sent]
    return [each["request"] for each in messages if each["message_type"] == "SessionRequest"]


# -- One process ---------------------------------------------------------------------------------------------------


async def test_opens_what_no_peer_opens(world: World) -> None:
    house, rm, cem = world.registry.add_house(), world.registry.add_dialled(), world.registry.add_dialled("CEM")
    gateway = world.gateway()

    await gateway.look()
    await until(lambda: len(world.holders()) == 4)

    assert set(world.holders()) == {house.link_id, end_id(house.link_id, "CEM"), rm.link_id, end_id(cem.link_id, "CEM")}
    assert gateway.dialler.dialled == [("wss://ems.example", "token")] * 2
    peers = {record.info.link_id: record.info.peer for record in world.worker.sessions()}
    assert peers[rm.key] == FakeConnection.peer
    assert peers[house.key] == "house link"


async def test_looks_again_and_again_until_it_stops(world: World) -> None:
    gateway = world.gateway()
    gateway.outgoing.start()
    gateway.outgoing.start()
    world.registry.down = True
    await asyncio.sleep(0.05)

    world.registry.down = False
    link = world.registry.add_dialled()
    await until(lambda: world.holders() == {link.key: gateway.name})

    await gateway.end()
    assert world.holders() == {}
    assert requests_at(gateway.connection) == ["RECONNECT"]
    assert gateway.connection.closed.is_set()


async def test_an_outage_of_the_database_closes_nothing(world: World) -> None:
    link, gateway = world.registry.add_dialled(), world.gateway()
    await gateway.look()
    world.registry.down = True

    with pytest.raises(RegistryUnavailable):
        await gateway.look()

    assert set(world.holders()) == {link.key}


async def test_takes_leave_where_a_link_is_gone_or_disabled(world: World) -> None:
    dialled, house, gateway = world.registry.add_dialled(), world.registry.add_house(), world.gateway()
    await gateway.look()
    await until(lambda: len(world.holders()) == 3)
    world.registry.remove(dialled)
    world.registry.remove(house)

    await gateway.look()
    await until(lambda: world.holders() == {})

    await gateway.look()
    assert world.holders() == {}
    assert len(gateway.dialler.dialled) == 1


async def test_a_peer_that_does_not_leave_is_left(world: World) -> None:
    link, gateway = world.registry.add_dialled(), world.gateway()
    await gateway.look()
    # It has shaken hands and then says nothing more.
    handshake = {"message_type": "Handshake", "message_id": str(uuid4()), "role": "RM"}
    gateway.connection.say(json.dumps(handshake | {"supported_protocol_versions": ["1.0.0"]}))
    await until(lambda: any("HandshakeResponse" in text for text in gateway.connection.sent))

    world.registry.remove(link)
    await gateway.look()
    await until(gateway.connection.closed.is_set)

    assert requests_at(gateway.connection) == ["TERMINATE"]
    assert world.holders() == {}


async def test_a_changed_address_is_dialled_at_once(world: World) -> None:
    link, gateway = world.registry.add_dialled(), world.gateway()
    gateway.outgoing.start()
    await until(world.holders)

    world.registry.url = "wss://other.example"
    world.registry.change(link)
    await until(lambda: len(gateway.dialler.dialled) == 2)

    assert gateway.dialler.dialled[-1][0] == "wss://other.example"
    await until(lambda: set(world.holders()) == {link.key})


async def test_one_that_waits_to_try_again_leaves_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_link, "pause_s", lambda failures, chance: 3_600.0)
    link, gateway = world.registry.add_dialled(), world.gateway()
    gateway.dialler.failure = DialFailed("it answered HTTP 503")
    gateway.outgoing.start()
    await until(lambda: world.registry.noted)

    gateway.dialler.failure = None
    world.registry.change(link)

    await until(world.holders)


async def test_a_connection_that_comes_too_late_is_closed_again(world: World) -> None:
    link, gateway = world.registry.add_dialled(), world.gateway()
    gateway.dialler.gate.clear()
    await gateway.look()
    await until(lambda: gateway.dialler.under_way)
    world.registry.remove(link)
    await gateway.look()

    gateway.dialler.gate.set()

    await until(lambda: gateway.dialler.connections and gateway.connection.closed.is_set())
    assert world.holders() == {}


async def test_bounds_how_many_are_opened_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "OPENING", 3)
    for _ in range(10):
        world.registry.add_dialled()
    gateway = world.gateway()
    gateway.dialler.gate.clear()

    await gateway.look()
    assert gateway.dialler.under_way == 3
    gateway.dialler.gate.set()

    await until(lambda: len(world.holders()) == 10)
    assert gateway.dialler.most_under_way == 3


async def test_leaves_alone_a_peer_that_has_signed_in_by_itself(world: World) -> None:
    link, gateway = world.registry.add_dialled(), world.gateway()
    socket = FakeSocket(gateway.process, identity(link_id=link.link_id))
    assert (await socket.event())["type"] == "websocket.accept"

    await gateway.look()
    assert gateway.dialler.dialled == []
    socket.hang_up()
    await asyncio.wait_for(socket.served, TIMEOUT_S)
    await gateway.look()

    await until(lambda: gateway.dialler.dialled)


async def test_opens_nothing_while_it_stops(world: World) -> None:
    gateway = world.gateway()
    await gateway.look()
    gateway.process.stopping = True
    world.registry.add_dialled()

    await gateway.look()

    assert gateway.dialler.dialled == []
    gateway.process.stopping = False


# -- When a session ends -------------------------------------------------------------------------------------------


async def test_opens_again_ever_more_slowly_what_ends_at_once(
    world: World, pauses: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.registry.add_dialled()
    gateway = world.gateway()
    await gateway.look()

    for attempt in range(1, 5):
        await gateway.connected(attempt)
        gateway.connection.hang_up(1013, "later")
    await gateway.connected(5)
    assert pauses == [0, 1, 2, 3]

    monkeypatch.setattr(limits, "LASTED_S", 0.0)
    gateway.connection.hang_up(1000)
    await gateway.connected(6)
    assert pauses[4:] == [0]


async def test_a_house_link_begins_anew_when_either_session_ends(world: World, pauses: list[int]) -> None:
    link, gateway = world.registry.add_house(), world.gateway()
    seats = gateway.process.seats
    await gateway.look()
    for times, role in enumerate(("RM", "CEM"), start=1):
        await until(lambda: len(seats) == 2)
        tokens = {seat.token for seat in seats.values()}

        await seats[end_id(link.link_id, role)].close(1002, "a broken end")

        await until(partial(both_are_newer, gateway, max(tokens)))
        assert pauses == list(range(times))


def both_are_newer(gateway: Gateway, token: int) -> bool:
    seats = gateway.process.seats.values()
    return len(seats) == 2 and all(seat.token > token for seat in seats)


async def test_goes_slowly_on_where_it_is_refused(world: World, pauses: list[int]) -> None:
    world.registry.add_dialled()
    gateway = world.gateway()
    gateway.dialler.failure = DialFailed("it answered HTTP 401; it does not take our token", refused=True)
    await gateway.look()

    await until(lambda: len(gateway.dialler.dialled) >= 3)

    assert set(pauses) == {-1}
    await gateway.look()
    (noted,) = world.registry.noted
    assert (noted.state, noted.error) == ("REFUSED", "it answered HTTP 401; it does not take our token")


async def test_says_when_a_token_cannot_be_read(world: World, pauses: list[int]) -> None:
    world.registry.add_dialled()
    world.registry.token = TokenUnreadable("a secret cannot be read")
    gateway = world.gateway()

    await gateway.look()
    await until(lambda: pauses)
    await gateway.look()

    assert [(each.state, each.error) for each in world.registry.noted] == [("FAILED", "a secret cannot be read")]
    assert set(pauses) == {-1}


async def test_notes_changes_only_and_none_is_lost(world: World, pauses: list[int]) -> None:
    link, gateway = world.registry.add_dialled(), world.gateway()
    gateway.dialler.failure = DialFailed("no answer within 10 s")
    await gateway.look()
    await until(lambda: len(gateway.dialler.dialled) >= 5)
    world.registry.notes = False
    with pytest.raises(RegistryUnavailable):
        await gateway.look()
    world.registry.notes = True

    await gateway.look()
    await gateway.look()
    assert [(each.dialled_id, each.revision, each.state) for each in world.registry.noted] == [
        (link.dialled_id, 1, "FAILED")
    ]
    gateway.dialler.failure = None
    await until(world.holders)
    await gateway.look()
    gateway.connection.hang_up(1013, "later")
    gateway.dialler.failure = DialFailed("no answer within 10 s")
    await until(lambda: not world.holders())
    await gateway.look()

    assert [each.state for each in world.registry.noted][:2] == ["FAILED", "CONNECTED"]
    assert world.registry.noted[-1].state == "FAILED"


async def test_what_fails_unexpectedly_is_tried_again(
    world: World, pauses: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    world.registry.add_dialled()
    world.registry.token = RuntimeError("a mistake of ours")
    gateway = world.gateway()
    await gateway.look()
    await until(lambda: pauses)
    assert "gateway.link.failed" in caplog.text

    world.registry.token = "token"

    await until(world.holders)


async def test_waits_for_redis(world: World, pauses: list[int]) -> None:
    world.registry.add_dialled()
    gateway = world.gateway()
    await gateway.look()
    gateway.bus.down = True
    gateway.connection.hang_up()
    await until(lambda: len(pauses) > 3)

    gateway.bus.down = False

    await world.looks_until(lambda: len(gateway.dialler.connections) > 1 and world.holders())


# -- Several processes ---------------------------------------------------------------------------------------------


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

    await until(lambda: set(world.holders().values()) == {second.name})
    assert len(world.holders()) == 20


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
    await world.looks_until(lambda: set(world.holders().values()) == {second.name})

    assert world.store.lives(first.name)
    assert set(world.holders()) == {dialled.key, house.key, end_id(house.link_id, "CEM")}
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
