from __future__ import annotations

from collections.abc import Iterator

import pytest

from flexhub.bus.worker_side import RedisWorkerBus
from tests.support.gateway import RunningGateway, running_gateway
from tests.support.registry import Household, make_household


@pytest.fixture
def household(transactional_db: None) -> Household:
    """Alder's house with a battery, committed, so that another process sees it."""
    return make_household()


@pytest.fixture
def gateway(household: Household, service_environment: dict[str, str]) -> Iterator[RunningGateway]:
    with running_gateway(service_environment) as running:
        yield running


@pytest.fixture
def worker_bus(redis_url: str) -> Iterator[RedisWorkerBus]:
    bus = RedisWorkerBus(redis_url)
    yield bus
    bus.close()
