from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from flexhub.bus import Batch, end_id
from flexhub.bus.memory import MemoryGatewayBus, MemoryWorkerBus
from flexhub.bus.memory_store import MemoryStore
from flexhub.devices.conversations import forget_old_conversations
from flexhub.devices.support import grant_support
from tenants.models import Retention
from tenants.scope import tenant_scope
from tests.support.links import AT, a_seat
from tests.support.registry import Household, make_household

pytestmark = pytest.mark.django_db


async def _say(store: MemoryStore, ends: list[UUID], *, living: bool = False) -> None:
    gateway = MemoryGatewayBus(store)
    await gateway.register("one")
    for end in ends:
        token = await gateway.claim_seat(a_seat(link_id=end))
        batch = Batch()
        batch.log(end, token, "received", AT, "{}")
        await gateway.write(batch)
        if not living:
            await gateway.release_seat(end, token)


def _keep(household: Household, days: int) -> None:
    with tenant_scope(household.tenant.pk):
        Retention.objects.create(tenant=household.tenant, conversation_days=days)


def test_forgets_what_was_said_long_ago_at_either_end() -> None:
    alder, birch = make_household("Alder"), make_household("Birch")
    _keep(alder, 2)
    store = MemoryStore()
    ends = [end_id(alder.link.pk, role) for role in ("RM", "CEM")]
    asyncio.run(_say(store, [*ends, birch.link.pk]))
    bus = MemoryWorkerBus(store)

    assert forget_old_conversations(bus, AT + timedelta(days=1)) == 0
    assert forget_old_conversations(bus, AT + timedelta(days=3)) == 2

    assert [len(bus.conversation(end)) for end in (*ends, birch.link.pk)] == [0, 0, 1]


def test_lets_a_living_session_be() -> None:
    alder = make_household("Alder")
    _keep(alder, 1)
    store = MemoryStore()
    asyncio.run(_say(store, [alder.link.pk], living=True))

    assert forget_old_conversations(MemoryWorkerBus(store), AT + timedelta(days=30)) == 0


def test_a_manufacturer_forgets_nothing_of_a_device_that_it_supports() -> None:
    alder, store = make_household("Alder"), MemoryStore()
    maker = alder.device.device_type.tenant
    grant_support(alder.device, ends_at=timezone.now() + timedelta(days=1))
    with tenant_scope(maker.pk):
        Retention.objects.create(tenant=maker, conversation_days=1)
    asyncio.run(_say(store, [alder.link.pk]))

    assert forget_old_conversations(MemoryWorkerBus(store), AT + timedelta(days=30)) == 0
