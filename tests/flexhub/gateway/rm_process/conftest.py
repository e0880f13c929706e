"""A process that speaks for a hosted RM, without sockets, and an energy manager that controls it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from flexhub.bus import Wake
from flexhub.bus.memory import MemoryWorkerBus
from flexhub.bus.memory_store import MemoryStore
from flexhub.gateway import limits
from flexhub.gateway.process import GatewayProcess
from flexhub.gateway.wake_sender import WakeSender
from tests.support.clock import FixedClock
from tests.support.gateway_inside import make_process
from tests.support.remote_cem import ControlledLink
from tests.support.rm_process import WHO, SlowBus, close


@pytest.fixture(autouse=True)
def _impatient(impatient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is asked to leave answers here."""
    monkeypatch.setattr(limits, "GOODBYE_S", 1.0)


@pytest.fixture
def bus(store: MemoryStore) -> SlowBus:
    return SlowBus(store)


@pytest.fixture
def woken() -> list[Wake]:
    return []


@pytest.fixture
async def process(bus: SlowBus, clock: FixedClock, woken: list[Wake]) -> AsyncIterator[GatewayProcess]:
    process = make_process(bus, clock, WakeSender(woken.append))
    yield process
    bus.down = False
    bus.may_write.set()
    await process.stop()


@pytest.fixture
async def link(process: GatewayProcess, worker: MemoryWorkerBus, clock: FixedClock) -> AsyncIterator[ControlledLink]:
    """Under control, with an empty mailbox."""
    link = ControlledLink(process, worker, WHO, clock.now())
    await link.control()
    link.task.drop_all()
    yield link
    await close(link.socket)
