"""What gateway processes tell each other of their tenants."""

from __future__ import annotations

from uuid import uuid4

import pytest

from flexhub.bus import TenantUse
from flexhub.bus.use import total_use, use_from_text, use_to_text
from tests.flexhub.bus.conftest import Hub

ALDER, BIRCH = uuid4(), uuid4()


async def test_each_process_hears_of_the_others_only(hub: Hub) -> None:
    one, other, silent = await hub.gateway("one"), await hub.gateway("other"), await hub.gateway("silent")

    assert len(await one.tell_use({ALDER: TenantUse(3, 1.5)})) == 2
    await other.tell_use({ALDER: TenantUse(2, 0.25), BIRCH: TenantUse(1, 0.0)})
    heard = await one.tell_use({ALDER: TenantUse(4, 2.0)})

    assert sorted(each.of(str(ALDER)) for each in heard) == [TenantUse(0, 0.0), TenantUse(2, 0.25)]
    assert len(await silent.tell_use({})) == 2
    assert hub.worker.tenant_use() == {ALDER: TenantUse(6, 2.25), BIRCH: TenantUse(1, 0.0)}


async def test_whoever_lives_no_more_is_not_heard(hub: Hub) -> None:
    one, other = await hub.gateway("one"), await hub.gateway("other")
    await other.tell_use({ALDER: TenantUse(2, 1.0)})

    hub.end_lease("other")

    assert await one.tell_use({}) == []
    assert hub.worker.tenant_use() == {}
    # It does not know yet that it is dead, and nobody listens.
    assert len(await other.tell_use({ALDER: TenantUse(2, 1.0)})) == 1
    assert hub.worker.tenant_use() == {}


async def test_whoever_leaves_takes_its_use_along(hub: Hub) -> None:
    one = await hub.gateway("one")
    await one.tell_use({ALDER: TenantUse(2, 1.0)})

    await one.unregister()

    assert hub.worker.tenant_use() == {}


async def test_a_redis_that_was_restarted_empty_is_told_again(hub: Hub) -> None:
    one = await hub.gateway("one")
    await one.tell_use({ALDER: TenantUse(2, 1.0)})

    hub.restart_empty()
    assert hub.worker.tenant_use() == {}
    assert not await one.renew()
    await one.tell_use({ALDER: TenantUse(2, 1.0)})

    assert hub.worker.tenant_use() == {ALDER: TenantUse(2, 1.0)}


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"%s": "much"}', '{"%s": [1]}', '{"%s": [Infinity, 1]}'])
def test_what_cannot_be_read_is_nothing(text: str) -> None:
    report = use_from_text(text.replace("%s", str(ALDER)))

    assert report.of(str(ALDER)) == TenantUse()


def test_is_told_and_read_alike() -> None:
    use = {ALDER: TenantUse(3, 1.25), BIRCH: TenantUse(0, 0.5)}

    assert total_use([use_from_text(use_to_text(use).encode())]) == use
