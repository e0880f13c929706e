"""A process's inbox, and what gets there from other processes, over Redis and in memory."""

from __future__ import annotations

import pytest

from flexhub.bus import Batch, Envelope, Forward, PublishResult, SeatAddress, keys
from flexhub.bus.envelope import EnvelopeKind
from flexhub.bus.gateway_side import SEATS_CHUNK
from flexhub.bus.ports import INBOX_LIMIT
from tests.flexhub.bus.conftest import Hub, RedisHub
from tests.support.links import a_seat


def message(seat_link: object, payload: str = "{}") -> Envelope:
    return Envelope(link_id=seat_link, kind="message", payload=payload, message_id="m1")  # type: ignore[arg-type] # UUID


async def test_reads_envelopes_in_order_and_each_once(hub: Hub) -> None:
    gateway, seat = await hub.gateway("one"), a_seat()
    token = await gateway.claim_seat(seat)
    for payload in ("1", "2", "ü"):
        hub.worker.publish(seat.link_id, message(seat.link_id, payload))

    first, second, third = [await gateway.read_inbox(0, count=2) for _ in range(3)]

    assert [envelope.payload for envelope in first + second] == ["1", "2", "ü"]
    assert {envelope.token for envelope in first + second} == {token}
    assert third == []


async def test_waits_for_an_envelope_no_longer_than_told(hub: Hub) -> None:
    gateway = await hub.gateway("one")

    assert await gateway.read_inbox(1) == []


def relayed(near: SeatAddress, far: SeatAddress, payload: str, kind: EnvelopeKind = "relayed") -> Envelope:
    return Envelope(far.end_id, kind, payload, message_id="m1", token=far.token, sender=near)


async def test_finds_the_living_seat_of_an_end(hub: Hub) -> None:
    one, two, seat = await hub.gateway("one"), await hub.gateway("two"), a_seat()
    assert await two.find_seat(seat.link_id) is None

    token = await one.claim_seat(seat)

    assert one.process == "one"
    assert await two.find_seat(seat.link_id) == SeatAddress(seat.link_id, "one", token)
    hub.end_lease("one")
    assert await two.find_seat(seat.link_id) is None


async def test_knows_who_lives_and_finds_many_seats_at_once(hub: Hub) -> None:
    one, two = await hub.gateway("one"), await hub.gateway("two")
    seats = [a_seat() for _ in range(SEATS_CHUNK + 2)]
    tokens = {seat.link_id: await one.claim_seat(seat) for seat in seats[1:-1]}
    theirs = await two.claim_seat(seats[-1])
    wanted = [seat.link_id for seat in seats]

    assert await two.living() == {"one", "two"}
    found = await two.find_seats(wanted)
    hub.end_lease("one")
    left = await two.find_seats(wanted)

    last = SeatAddress(wanted[-1], "two", theirs)
    assert found == {end: SeatAddress(end, "one", token) for end, token in tokens.items()} | {last.end_id: last}
    assert left == {last.end_id: last}
    assert await two.living() == {"two"}
    assert await two.find_seats([]) == {}


async def test_forwards_in_order_to_the_inbox_of_the_other_end(hub: Hub) -> None:
    one, two, near, far = await hub.gateway("one"), await hub.gateway("two"), a_seat(), a_seat()
    here = SeatAddress(near.link_id, "one", await one.claim_seat(near))
    there = SeatAddress(far.link_id, "two", await two.claim_seat(far))
    sent = [relayed(here, there, "1"), relayed(here, there, "ü", "reception"), relayed(here, there, "", "hello")]
    batch = Batch()
    for envelope in sent:
        batch.forward("two", envelope)

    result = await one.write(batch)

    assert result.undelivered == []
    assert await two.read_inbox(0) == sent
    assert await one.read_inbox(0) == []


async def test_tells_which_envelopes_reached_nobody(hub: Hub) -> None:
    one, near, far = await hub.gateway("one"), a_seat(), a_seat()
    here = SeatAddress(near.link_id, "one", await one.claim_seat(near))
    gone = relayed(here, SeatAddress(far.link_id, "two", 7), "1")
    batch = Batch()
    batch.forward("two", gone)
    batch.fold(near.link_id, here.token, "profile", "1.0.0")

    result = await one.write(batch)

    assert result.undelivered == [(Forward("two", gone), PublishResult.NO_SEAT)]
    assert (result.fenced, result.lost) == (set(), set())


async def test_an_inbox_that_is_full_takes_no_more(hub: Hub) -> None:
    one, two, near, far = await hub.gateway("one"), await hub.gateway("two"), a_seat(), a_seat()
    here = SeatAddress(near.link_id, "one", await one.claim_seat(near))
    there = SeatAddress(far.link_id, "two", await two.claim_seat(far))
    batch = Batch()
    for _ in range(INBOX_LIMIT + 1):
        batch.forward("two", relayed(here, there, "{}"))

    result = await one.write(batch)

    assert [reason for _, reason in result.undelivered] == [PublishResult.FULL]


async def test_one_that_retires_keeps_what_it_has_and_takes_no_share(hub: Hub) -> None:
    one, two, seat = await hub.gateway("one"), await hub.gateway("two"), a_seat()
    token = await one.claim_seat(seat)

    await one.retire()

    assert await two.staying() == {"two"}
    assert await two.living() == {"one", "two"}
    assert await two.find_seat(seat.link_id) == SeatAddress(seat.link_id, "one", token)


async def test_one_that_retires_does_so_under_its_next_name_too(hub: Hub) -> None:
    one, two = await hub.gateway("one"), await hub.gateway("two")
    await one.retire()

    hub.end_lease("one")
    assert not await one.renew()

    assert await two.living() == {"one.1", "two"}
    assert await two.staying() == {"two"}


@pytest.mark.parametrize("ends", ["unregistered", "swept by a gateway", "swept by a worker"])
async def test_nothing_is_left_of_one_that_retired(redis_url: str, ends: str) -> None:
    hub = RedisHub(redis_url)
    one, two = await hub.gateway("one"), await hub.gateway("two")
    await one.retire()

    if ends == "unregistered":
        await one.unregister()
    else:
        hub.end_lease("one")
    if ends == "swept by a gateway":
        await two.renew()
    elif ends == "swept by a worker":
        hub.worker.sessions()

    assert not hub.client.exists(keys.RETIRING)
    await hub.close()
