"""Two gateway processes share the links that no peer opens, and one of them ends."""

from __future__ import annotations

import asyncio
import signal

import pytest

from flexhub.bus.worker_side import RedisWorkerBus
from flexhub.devices.models import Link
from flexhub.pairing.dialled import create_dialled_end
from tenants.scope import tenant_scope
from tests.support.gateway import running_gateway
from tests.support.peer_elsewhere import TOKEN, PeerElsewhere, until
from tests.support.registry import Household, make_device

# A lease ends after 10 s, a stopping process takes as long to take leave, and a look comes every 3 s.
TAKEN_OVER_S = 60.0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_another_process_takes_over(
    number: signal.Signals,
    dialling_environment: dict[str, str],
    street: set[str],
    rm_elsewhere: PeerElsewhere,
    household: Household,
    worker_bus: RedisWorkerBus,
) -> None:
    async with rm_elsewhere.listening():
        with running_gateway(dialling_environment) as first:
            await until(lambda: rm_elsewhere.open_paths() == street, TAKEN_OVER_S)
            with running_gateway(dialling_environment) as second:
                # A fair share goes to the second once it has been there for a while; it need not wait here for that.
                rm_elsewhere.openings.clear()

                first.signal(number)

                await until(lambda: set(rm_elsewhere.openings) == street, TAKEN_OVER_S)
                await until(lambda: rm_elsewhere.open_paths() == street, TAKEN_OVER_S)
                # In a thread: the one that ends waits for its peers, who live here.
                status = await asyncio.to_thread(first.process.wait, TAKEN_OVER_S)
                assert status == (0 if number is signal.SIGTERM else -signal.SIGKILL)
                records = [each for each in worker_bus.sessions() if each.info.tenant_id == household.tenant.pk]
                assert len(records) == len(street)
                assert all(str(second.process.pid) in each.process for each in records)
                requests = {each.request.value for each in rm_elsewhere.heard("SessionRequest")}
                assert requests == ({"RECONNECT"} if number is signal.SIGTERM else set())


@pytest.fixture
def street(household: Household, rm_elsewhere: PeerElsewhere, private_addresses: None) -> set[str]:
    """The paths of six devices that are servers."""
    paths = {f"/{number}" for number in range(6)}
    for path in paths:
        device = make_device(household.site, name=f"Battery {path}")
        with tenant_scope(household.tenant.pk):
            link = Link.objects.get(rm_node__device=device)
        create_dialled_end(link=link, role="RM", url=rm_elsewhere.url(path), token=TOKEN)
    return paths
