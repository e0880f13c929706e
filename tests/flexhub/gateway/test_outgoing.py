"""Which links a process opens by itself, and what it does when they end: without a network."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from uuid import uuid4

import pytest

from flexhub.bus import end_id
from flexhub.gateway import held_link, limits
from flexhub.gateway.dialer import DialFailed
from flexhub.gateway.registry import RegistryUnavailable, TokenUnreadable
from flexhub.gateway.tenant_load import Allowance
from tests.support.gateway_inside import TIMEOUT_S, FakeSocket, identity
from tests.support.outgoing_links import FakeConnection
from tests.support.outgoing_world import Gateway, World, requests_at, until


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


async def test_opens_no_session_too_many(world: World) -> None:
    link, gateway = world.registry.add_dialled(), world.gateway()
    gateway.allowances.of_all = Allowance(sessions=0, messages_per_s=1)

    await gateway.look()
    await until(lambda: gateway.outgoing._outcomes != {})

    (outcome,) = gateway.outgoing._outcomes.values()
    assert (outcome.dialled_id, outcome.state) == (link.dialled_id, "FAILED")
    assert outcome.error.startswith("The quota of this tenant is 0 sessions")
    assert world.holders() == {}
    await until(gateway.connection.closed.is_set)


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
