"""Sessions whose token has ended, in a process without sockets: told over the bus, or found by asking."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from uuid import UUID, uuid4

import pytest

from flexhub.bus import Envelope
from flexhub.bus.memory import MemoryWorkerBus
from flexhub.gateway import limits
from flexhub.gateway.database import DatabaseUnavailable
from flexhub.gateway.process import GatewayProcess
from flexhub.gateway.seats import Seat
from flexhub.gateway.token_watch import DatabaseCredentials, TokenWatch
from flexhub.pairing.standing import USE_NOTED_EVERY, Credential
from s2.messages import ControlType
from tests.support.clock import FixedClock
from tests.support.gateway_inside import (
    TIMEOUT_S,
    CredentialsInMemory,
    FakeSocket,
    SwitchableBus,
    controlled_seat,
    identity,
    make_process,
)

NEVER_S = 1e9


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TOKENS_LOOK_S", 0.005)
    monkeypatch.setattr(limits, "GOODBYE_S", 0.2)


@pytest.fixture
def credentials() -> CredentialsInMemory:
    return CredentialsInMemory()


@pytest.fixture
async def process(
    bus: SwitchableBus, clock: FixedClock, credentials: CredentialsInMemory
) -> AsyncIterator[GatewayProcess]:
    process = make_process(bus, clock, credentials=credentials)
    yield process
    await process.stop()


async def ended(socket: FakeSocket) -> tuple[int, str]:
    """How the hub closes it."""
    async with asyncio.timeout(TIMEOUT_S):
        while (event := await socket.event())["type"] != "websocket.close":
            pass
    socket.hang_up(event["code"])
    await asyncio.wait_for(socket.served, TIMEOUT_S)
    return event["code"], event["reason"]


async def eventually(look: Callable[[], object]) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while not look():  # noqa: ASYNC110  # What is looked at tells nobody when it changes.
            await asyncio.sleep(0.001)


async def test_a_letter_closes_what_its_token_opened_and_nothing_else(
    process: GatewayProcess, worker: MemoryWorkerBus
) -> None:
    old, new = identity(token_id=1), identity(token_id=2)
    sockets = [FakeSocket(process, who) for who in (old, new)]
    for socket in sockets:
        await socket.shake_hands()

    for who in (old, new):
        worker.publish(who.link_id, Envelope(who.link_id, "close", "the token was revoked", "1"))

    assert await ended(sockets[0]) == (limits.CLOSE_TOKEN_ENDED, "the token was revoked")
    await eventually(lambda: old.link_id not in process.seats)
    assert not process.seats[new.link_id].closed
    sockets[1].hang_up()


async def test_a_sign_in_that_was_under_way_during_the_revocation_is_closed(
    process: GatewayProcess, credentials: CredentialsInMemory
) -> None:
    credentials.ended_token_ids.add(1)  # After its token was found valid, and before anybody could tell this process.

    socket = FakeSocket(process, identity(token_id=1))

    assert (await ended(socket))[0] == limits.CLOSE_TOKEN_ENDED


async def test_a_revocation_that_nobody_was_told_of_is_found(
    process: GatewayProcess, credentials: CredentialsInMemory, bus: SwitchableBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TOKENS_ROUND_S", 0.02)
    socket, other = FakeSocket(process, identity(token_id=1)), FakeSocket(process, identity(token_id=2))
    for each in (socket, other):
        await each.shake_hands()
    await eventually(lambda: len(credentials.asked) > 3)

    bus.down = True
    credentials.ended_token_ids.add(1)

    assert (await ended(socket))[0] == limits.CLOSE_TOKEN_ENDED
    bus.down = False
    assert other.idle
    other.hang_up()


async def test_sessions_outlive_a_database_that_is_away(
    process: GatewayProcess, credentials: CredentialsInMemory
) -> None:
    credentials.down = True
    socket = FakeSocket(process, identity(token_id=1))
    await socket.shake_hands()
    await asyncio.sleep(20 * limits.TOKENS_LOOK_S)
    assert socket.idle

    credentials.ended_token_ids.add(1)
    credentials.down = False

    assert (await ended(socket))[0] == limits.CLOSE_TOKEN_ENDED


async def test_a_connection_of_our_own_making_has_no_token_to_watch(
    process: GatewayProcess, credentials: CredentialsInMemory
) -> None:
    socket = FakeSocket(process, identity())
    await socket.shake_hands()
    await asyncio.sleep(10 * limits.TOKENS_LOOK_S)

    assert credentials.asked == []
    socket.hang_up()


# -- How much it asks --------------------------------------------------------------------------------------------------


def seats_of(number: int) -> dict[UUID, Seat]:
    seats: dict[UUID, Seat] = {}
    for token_id in range(number):
        who = identity(token_id=token_id)
        seats[who.link_id] = seat = controlled_seat(ControlType.NO_SELECTION, 1, who)
        seat.credential = who.credential
    return seats


async def test_looks_at_all_sessions_by_turns(
    credentials: CredentialsInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TOKENS_LOOK_S", 0.25)
    monkeypatch.setattr(limits, "TOKENS_ROUND_S", 10.0)
    seats = seats_of(100)
    watch = TokenWatch(seats, credentials, lambda seat: None)

    for look in range(40):
        await watch.look(look * 0.25)

    asked = [held for held in credentials.asked if held]
    assert max(map(len, asked)) == 3
    assert set().union(*asked) == {seat.credential for seat in seats.values()}


async def test_asks_about_a_herd_in_bounded_parts(
    credentials: CredentialsInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TOKENS_TOGETHER", 20)
    watch = TokenWatch({}, credentials, lambda seat: None)
    for seat in seats_of(50).values():
        watch.opened(seat)

    for _ in range(3):
        await watch.look(0.0)

    assert [len(held) for held in credentials.asked] == [20, 20, 10]


async def test_what_could_not_be_asked_is_asked_first_the_next_time(credentials: CredentialsInMemory) -> None:
    watch, (seat,) = TokenWatch({}, credentials, lambda seat: None), seats_of(1).values()
    watch.opened(seat)
    credentials.down = True
    with pytest.raises(DatabaseUnavailable):
        await watch.look(0.0)

    credentials.down = False
    await watch.look(0.0)

    assert credentials.asked == [{seat.credential}]


async def test_notes_the_use_of_a_token_now_and_then(credentials: CredentialsInMemory) -> None:
    seats, every_s = seats_of(1), USE_NOTED_EVERY.total_seconds()
    watch = TokenWatch(seats, credentials, lambda seat: None)

    for now_s in (0.0, 20.0, 40.0, every_s - 1):
        await watch.look(now_s)
    assert credentials.noted == [0]

    await watch.look(every_s + 20)
    assert credentials.noted == [0, 0]


async def test_asks_the_pairing_service(transactional_db: None) -> None:
    database = DatabaseCredentials()
    unknown = Credential(1, uuid4())

    assert await database.ended([unknown]) == {unknown}
    await database.note_use([1])
    database.close()
