"""A gateway that was stopped for a while still believes in its sessions, and others have them now.

It is stopped by SIGSTOP, its devices connect to the other gateway, and it goes on by SIGCONT. What it had been told
meanwhile is taken out of its inbox, so that nothing but the fencing token stands between its writes and the truth.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager

import psutil
import pytest
import redis
from pytest_django import DjangoDbBlocker

from flexhub.bus import SeatRecord, keys
from flexhub.gateway.limits import CLOSE_REPLACED
from flexhub.load.engine.targets import Target
from s2.messages import EnergyManagementRole
from tests.support.chaos.crowd import Cast, cast_for
from tests.support.chaos.journal import Note
from tests.support.chaos.peers import BuildingCEM, EnvelopeRM, Peer
from tests.support.hub import GATEWAY, SECOND_GATEWAY, Hub, eventually
from tests.support.registry import Household
from tests.support.services import django_at


@asynccontextmanager
async def running(*lives: Awaitable[None]) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(life) for life in lives]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def stopped(hub: Hub) -> Iterator[psutil.Process]:
    """The first gateway, for as long as it takes."""
    process = hub.process(GATEWAY)
    process.suspend()
    try:
        yield process
    finally:
        process.resume()


def at(hub: Hub, gateway: str, target: Target) -> EnvelopeRM:
    return EnvelopeRM(target, lambda: [hub.ports[gateway]])


def redis_of(hub: Hub) -> redis.Redis:
    return redis.Redis.from_url(hub.environment["REDIS_URL"], socket_timeout=10, decode_responses=True)


def waits_for_its_inbox(hub: Hub, process: psutil.Process) -> bool:
    """Whether Redis would hand the process what comes into its inbox now, stopped or not."""
    ports = {each.laddr.port for each in process.net_connections("tcp")}
    with redis_of(hub) as client:
        clients = client.client_list()
    return any("b" in each["flags"] for each in clients if int(each["addr"].rpartition(":")[2]) in ports)


def empty_inbox(hub: Hub, seat: SeatRecord) -> None:
    with redis_of(hub) as client:
        client.xtrim(keys.inbox(seat.process), maxlen=0, approximate=False)


def lease_has_ended(hub: Hub, seat: SeatRecord) -> bool:
    with redis_of(hub) as client:
        ends, (seconds, _) = client.zscore(keys.PROCESSES, seat.process), client.time()
    return ends is None or ends < seconds


async def says(rm: EnvelopeRM) -> Note:
    """What it measures next; nobody may have heard it yet."""
    before = set(rm.journal.said)
    await rm.report()
    (message_id,) = set(rm.journal.said) - before
    return rm.journal.said[message_id]


async def is_told(rm: EnvelopeRM) -> None:
    """It is told what to do, now."""
    before = len(rm.executed)
    await rm.offer()
    await eventually(lambda: len(rm.executed) > before)


@pytest.mark.parametrize("outlives_its_lease", [False, True])
async def test_a_stale_owner_changes_nothing(
    both_gateways: Hub, household: Household, *, outlives_its_lease: bool
) -> None:
    hub, link_id = both_gateways, household.link.pk
    target = Target(EnergyManagementRole.RM, household.rm_node.pk, household.token)
    older, newer = at(hub, GATEWAY, target), at(hub, SECOND_GATEWAY, target)
    async with running(older.connect()):
        await eventually(lambda: older.executed and older.idle)
        (stale_seat,) = hub.sessions(link_id)
        with stopped(hub) as process:
            stale = await says(older)
            await eventually(lambda: not waits_for_its_inbox(hub, process))
            async with running(newer.connect()):
                await eventually(lambda: newer.executed)
                fresh = await says(newer)
                await eventually(lambda: fresh.ok)
                if outlives_its_lease:
                    await eventually(lambda: lease_has_ended(hub, stale_seat))
                empty_inbox(hub, stale_seat)
                process.resume()

                await eventually(lambda: older.journal.ends)
                await is_told(newer)

                assert [end.code for end in older.journal.ends] == [CLOSE_REPLACED]
                assert not newer.journal.ends
                (seat,) = hub.sessions(link_id)
                snapshot = hub.bus.snapshots([link_id])[link_id]
                assert snapshot is not None
                assert snapshot.token == seat.token > stale_seat.token
                assert snapshot.fields()["PowerMeasurement"] in fresh.texts
                # It did write: the conversation shows it, as that is kept whatever the fence says. With its lease gone
                # it writes its old snapshot first, and is refused before it hears anything.
                assert outlives_its_lease or stale.texts & {entry.text for entry in hub.bus.conversation(link_id)}


@pytest.fixture
def pair(both_gateways: Hub, django_db_blocker: DjangoDbBlocker) -> Cast:
    with django_db_blocker.unblock(), django_at(both_gateways.database):
        return cast_for(both_gateways, "Alder meets", hosted=0, pairs=1)


async def test_what_a_stale_owner_passes_on_reaches_nobody(both_gateways: Hub, pair: Cast) -> None:
    hub = both_gateways
    ((rm_target, cem_target),) = pair.relayed
    link_id = pair.links[rm_target.node]
    older, newer = at(hub, GATEWAY, rm_target), at(hub, SECOND_GATEWAY, rm_target)
    cem: Peer = BuildingCEM(cem_target, lambda: [hub.ports[SECOND_GATEWAY]])
    async with running(cem.live(), older.connect()):
        await eventually(lambda: older.executed and older.idle)
        (stale_seat,) = hub.sessions(link_id)
        with stopped(hub) as process:
            stale = await says(older)
            await eventually(lambda: not waits_for_its_inbox(hub, process))
            async with running(newer.connect()):
                await eventually(lambda: newer.executed)
                empty_inbox(hub, stale_seat)
                process.resume()

                await eventually(lambda: older.journal.ends)
                await is_told(newer)

                assert not stale.ok
                assert stale.document["message_id"] not in cem.journal.heard
                assert not newer.journal.ends
