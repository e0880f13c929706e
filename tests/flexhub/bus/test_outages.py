"""What both sides do when Redis is away, and what the batch may count on afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import uuid4

import pytest

from flexhub.bus import Batch, BusUnavailable, Envelope, PublishResult, SeatAddress, Wake, keys, scripts
from flexhub.bus.gateway_side import RedisGatewayBus
from flexhub.bus.line import Reply
from flexhub.bus.ports import INBOX_LIMIT
from flexhub.bus.scripts import Command
from flexhub.bus.worker_side import RedisWorkerBus
from tests.flexhub.bus.conftest import RedisHub, until_someone_waits
from tests.support.links import a_seat

NOBODY = "redis://127.0.0.1:1/0"


async def test_the_gateways_side_says_unavailable() -> None:
    bus, seat, batch = RedisGatewayBus(NOBODY), a_seat(), Batch()
    batch.fold(seat.link_id, 1, "PowerMeasurement", "1")

    for attempt in (bus.register("one"), bus.claim_seat(seat), bus.read_inbox(0), bus.write(batch), bus.renew()):
        with pytest.raises(BusUnavailable):
            await attempt

    assert len(batch) == 1


def test_the_workers_side_says_unavailable() -> None:
    bus = RedisWorkerBus(NOBODY)

    for attempt in (bus.sessions, bus.take_telemetry, lambda: bus.snapshots([uuid4()])):
        with pytest.raises(BusUnavailable):
            attempt()


async def test_a_wake_whose_first_write_failed_half_way_is_sent(redis_url: str) -> None:
    hub, seat, batch = RedisHub(redis_url), a_seat(), Batch()
    gateway = await hub.gateway("one")
    batch.wake(seat.tenant_id, seat.site_id)
    hub.worker.request_wake(seat.site_id)
    batch.uncertain = True

    result = await gateway.write(batch)
    await hub.close()

    assert result.woken == [Wake(seat.tenant_id, seat.site_id)]
    assert not batch.uncertain


async def test_a_claim_that_the_end_of_its_lease_overtook_has_to_be_made_again(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, seat = RedisHub(redis_url), a_seat()
    gateway = await hub.gateway("one")
    assert isinstance(gateway, RedisGatewayBus)
    claims: list[asyncio.Task[int]] = []
    exchange = gateway._directory.exchange

    async def exchange_and_claim(commands: Sequence[Command], then: Sequence[Command] = ()) -> list[Reply]:
        if any(scripts.REGISTER.sha in command for command in then):
            claims.append(asyncio.create_task(gateway.claim_seat(seat)))
        return await exchange(commands, then=then)

    monkeypatch.setattr(gateway._directory, "exchange", exchange_and_claim)
    hub.end_lease("one")
    assert not await gateway.renew()

    with pytest.raises(BusUnavailable):
        await claims[0]
    await gateway.claim_seat(seat)
    (session,) = hub.worker.sessions()
    await hub.close()

    assert session.process == "one.1"


class DeafLine:
    """The directory's line of a gateway; while `deaf`, commands take effect and their answers get lost."""

    def __init__(self, gateway: RedisGatewayBus, monkeypatch: pytest.MonkeyPatch) -> None:
        self.deaf = self.mute = False
        self._exchange = gateway._directory.exchange
        monkeypatch.setattr(gateway._directory, "exchange", self.exchange)

    async def exchange(self, commands: Sequence[Command], then: Sequence[Command] = ()) -> list[Reply]:
        if self.mute:
            raise BusUnavailable("nothing gets through")
        replies = await self._exchange(commands, then=then)
        if self.deaf:
            raise BusUnavailable("the answer got lost")
        return replies


async def test_a_seat_whose_claim_was_not_answered_is_given_up(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, seat = RedisHub(redis_url), a_seat()
    gateway = await hub.gateway("one")
    assert isinstance(gateway, RedisGatewayBus)
    line = DeafLine(gateway, monkeypatch)
    line.deaf = True

    with pytest.raises(BusUnavailable):
        await gateway.claim_seat(seat)
    assert [record.info for record in hub.worker.sessions()] == [seat]
    line.deaf = False
    assert await gateway.renew()

    assert hub.worker.sessions() == []
    await hub.close()


async def test_a_seat_whose_claim_was_cancelled_is_given_up(redis_url: str) -> None:
    hub, seat = RedisHub(redis_url), a_seat()
    gateway = await hub.gateway("one")
    claim = asyncio.create_task(gateway.claim_seat(seat))
    await asyncio.sleep(0)

    claim.cancel()
    with pytest.raises(asyncio.CancelledError):
        await claim
    assert await gateway.renew()

    assert hub.worker.sessions() == []
    await hub.close()


@pytest.mark.parametrize("takes_effect", [False, True])
async def test_a_claim_that_fails_leaves_no_seat_of_the_session_before_it(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, takes_effect: bool
) -> None:
    hub, seat = RedisHub(redis_url), a_seat()
    gateway = await hub.gateway("one")
    assert isinstance(gateway, RedisGatewayBus)
    token = await gateway.claim_seat(seat)
    line = DeafLine(gateway, monkeypatch)
    line.deaf, line.mute = takes_effect, not takes_effect

    with pytest.raises(BusUnavailable):
        await gateway.claim_seat(seat)
    line.deaf = line.mute = False
    assert await gateway.renew()
    assert [record.token for record in hub.worker.sessions()] == ([] if takes_effect else [token])
    assert await gateway.release_seat(seat.link_id, token) is not takes_effect

    assert hub.worker.sessions() == []
    await hub.close()


async def test_a_seat_whose_former_owner_could_not_be_told_is_given_up(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, seat = RedisHub(redis_url), a_seat()
    other, gateway = await hub.gateway("other"), await hub.gateway("one")
    await other.claim_seat(seat)
    assert isinstance(gateway, RedisGatewayBus)
    exchange = gateway._directory.exchange

    async def fail_to_tell(commands: Sequence[Command], then: Sequence[Command] = ()) -> list[Reply]:
        if any(scripts.OFFER.sha in command for command in commands):
            raise BusUnavailable("the answer got lost")
        return await exchange(commands, then=then)

    monkeypatch.setattr(gateway._directory, "exchange", fail_to_tell)
    with pytest.raises(BusUnavailable):
        await gateway.claim_seat(seat)
    assert await gateway.renew()

    assert hub.worker.sessions() == []
    await hub.close()


async def test_a_seat_that_was_claimed_again_is_kept(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, seat = RedisHub(redis_url), a_seat()
    gateway = await hub.gateway("one")
    assert isinstance(gateway, RedisGatewayBus)
    line = DeafLine(gateway, monkeypatch)
    line.deaf = True
    with pytest.raises(BusUnavailable):
        await gateway.claim_seat(seat)
    line.deaf = False

    token = await gateway.claim_seat(seat)
    assert await gateway.renew()

    assert [record.token for record in hub.worker.sessions()] == [token]
    await hub.close()


async def test_an_envelope_ends_the_wait(redis_url: str) -> None:
    hub, seat = RedisHub(redis_url), a_seat()
    old, new = await hub.gateway("old"), await hub.gateway("new")
    await old.claim_seat(seat)
    reading = asyncio.create_task(old.read_inbox(30_000))
    await until_someone_waits(redis_url)

    await new.claim_seat(seat)

    assert [envelope.kind for envelope in await reading] == ["close"]
    await hub.close()


async def test_a_waiting_reader_gets_all_that_a_batch_forwards_at_once(redis_url: str) -> None:
    hub = RedisHub(redis_url)
    one, two = await hub.gateway("one"), await hub.gateway("two")
    sender, to = SeatAddress(uuid4(), "one", 1), uuid4()
    batch = Batch()
    for number in range(50):
        batch.forward("two", Envelope(to, "relayed", str(number), token=2, sender=sender))
    reading = asyncio.create_task(two.read_inbox(30_000))
    await until_someone_waits(redis_url)

    await one.write(batch)

    assert [envelope.payload for envelope in await reading] == [str(number) for number in range(50)]
    await hub.close()


async def test_a_full_inbox_refuses_and_keeps_what_it_has(redis_url: str) -> None:
    hub, seat = RedisHub(redis_url), a_seat()
    gateway = await hub.gateway("one")
    await gateway.claim_seat(seat)
    with hub.client.pipeline(transaction=False) as pipeline:
        for _ in range(INBOX_LIMIT):
            pipeline.xadd(keys.inbox("one"), {"link": "x"})
        pipeline.execute()

    assert hub.worker.publish(seat.link_id, Envelope(seat.link_id, "message", "{}")) == PublishResult.FULL
    assert hub.client.xlen(keys.inbox("one")) == INBOX_LIMIT
    # Entries that nobody can read are set aside, and taken as processed by the next read.
    assert await gateway.read_inbox(0) == []
    assert await gateway.read_inbox(0) == []
    assert hub.worker.publish(seat.link_id, Envelope(seat.link_id, "message", "{}")) == PublishResult.DELIVERED
    await hub.close()
