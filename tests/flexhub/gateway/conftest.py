"""Gateways, as real processes and as objects in memory.

Of the real ones there is one for most tests of a module, and one of its own for a test that ends it.

A process takes seconds to start. The shared one keeps its Redis for the module's life, so tests look at their own
link's rows only; every household is a new one.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator

import pytest
import redis
from pytest_django import Settings

from flexhub.bus.memory import MemoryWorkerBus
from flexhub.bus.memory_store import MemoryStore
from flexhub.bus.worker_side import RedisWorkerBus
from flexhub.gateway import held_link, keeper, limits, writer
from flexhub.gateway.process import GatewayProcess
from s2.messages import EnergyManagementRole
from tests.support.clock import FixedClock
from tests.support.gateway import RunningGateway, running_gateway
from tests.support.gateway_inside import SwitchableBus, make_process
from tests.support.outgoing_world import World
from tests.support.peer_elsewhere import PeerElsewhere
from tests.support.registry import Household, make_household
from tests.support.services import DatabaseOfTests


@pytest.fixture(scope="module")
def module_environment(own_redis_url: str, django_db_setup: None, own_database: DatabaseOfTests) -> dict[str, str]:
    """As `service_environment`, for the whole module; Redis is emptied once."""
    with redis.Redis.from_url(own_redis_url, socket_timeout=10) as client:
        client.flushdb()
    return os.environ | {
        "DATABASE_URL": own_database.app_url,
        "DATABASE_OWNER_URL": own_database.owner_url,
        "REDIS_URL": own_redis_url,
        "DJANGO_SETTINGS_MODULE": "flexhub.settings",
    }


@pytest.fixture(scope="module")
def gateway(module_environment: dict[str, str]) -> Iterator[RunningGateway]:
    """For tests that leave it running."""
    with running_gateway(module_environment) as running:
        yield running


@pytest.fixture
def own_gateway(module_environment: dict[str, str]) -> Iterator[RunningGateway]:
    """For a test that ends it."""
    with running_gateway(module_environment) as running:
        yield running


@pytest.fixture
def household(transactional_db: None) -> Household:
    """Alder's house with a battery, committed, so that another process sees it."""
    return make_household()


@pytest.fixture
def worker_bus(module_environment: dict[str, str]) -> Iterator[RedisWorkerBus]:
    bus = RedisWorkerBus(module_environment["REDIS_URL"])
    yield bus
    bus.close()


@pytest.fixture
def private_addresses(settings: Settings) -> None:
    """Allowed, as by an operator whose peers are in the same building."""
    settings.S2_DIAL_PRIVATE = True


@pytest.fixture(scope="module")
def dialling_environment(module_environment: dict[str, str]) -> dict[str, str]:
    return module_environment | {"S2_DIAL_PRIVATE": "1", "S2_DIAL_PLAIN": "1"}


@pytest.fixture
def rm_elsewhere() -> Iterator[PeerElsewhere]:
    peer = PeerElsewhere(EnergyManagementRole.RM)
    yield peer
    peer.listener.close()


# -- Without processes and sockets: tests/support/gateway_inside.py ----------------------------------------------------


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def bus(store: MemoryStore) -> SwitchableBus:
    return SwitchableBus(store)


@pytest.fixture
def worker(store: MemoryStore) -> MemoryWorkerBus:
    return MemoryWorkerBus(store)


@pytest.fixture
async def process(bus: SwitchableBus, clock: FixedClock) -> AsyncIterator[GatewayProcess]:
    process = make_process(bus, clock)
    yield process
    await process.stop()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process in memory loses no time; who is asked to leave has a moment."""
    for name in ("FLUSH_PAUSE_S", "REDIS_RETRY_S", "REDIS_RETRY_MAX_S"):
        monkeypatch.setattr(writer, name, 0.001)
    monkeypatch.setattr(keeper, "LEASE_RENEWAL_S", 0.01)
    monkeypatch.setattr(limits, "TICK_S", 0.001)
    monkeypatch.setattr(limits, "REDIS_RETRY_S", 0.001)
    monkeypatch.setattr(limits, "GOODBYE_S", 0.2)
    monkeypatch.setattr(limits, "DRAIN_PAUSE_S", 0.001)


@pytest.fixture
async def world(clock: FixedClock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """No process yet; none of them loses time."""
    for name in ("FLUSH_PAUSE_S", "REDIS_RETRY_S", "REDIS_RETRY_MAX_S"):
        monkeypatch.setattr(writer, name, 0.001)
    monkeypatch.setattr(keeper, "LEASE_RENEWAL_S", 0.05)
    for name, value in {
        "TICK_S": 0.001,
        "GOODBYE_S": 0.05,
        "DRAIN_PAUSE_S": 0.001,
        "LOOK_S": 0.02,
        "HANDOVER_AFTER_S": 0.0,
    }.items():
        monkeypatch.setattr(limits, name, value)
    world = World(clock)
    yield world
    await world.end()


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
