from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from django.test import override_settings

from flexhub.bus import Batch
from flexhub.bus.connect import connect_gateway, connect_worker
from flexhub.telemetry import tasks
from flexhub.telemetry.models import Measurement
from tenants.scope import platform_scope
from tests.support.clock import FixedClock
from tests.support.links import a_seat


async def write_measurements(url: str, clock: FixedClock, count: int) -> None:
    bus, seat, batch = connect_gateway(url), a_seat(), Batch()
    for number in range(count):
        batch.measure(seat, "ELECTRIC.POWER.L1", clock.now() - timedelta(seconds=number), 230.0)
    await bus.write(batch)
    await bus.close()


@pytest.mark.django_db
def test_draining_moves_rows_from_redis_to_postgresql(redis_url: str, clock: FixedClock) -> None:
    import asyncio

    asyncio.run(write_measurements(redis_url, clock, 250))

    tasks.drain_telemetry()

    with platform_scope("test"):
        assert Measurement.objects.count() == 250
    assert not connect_worker(redis_url).take_telemetry()
    connect_worker(redis_url).close()


def test_an_absent_redis_is_told_once(clock: FixedClock, caplog: pytest.LogCaptureFixture) -> None:
    with override_settings(REDIS_URL="redis://127.0.0.1:1/0"), caplog.at_level(logging.WARNING):
        tasks.drain_telemetry()
        tasks.drain_telemetry()

    told = [record for record in caplog.records if "not being stored" in record.getMessage()]
    assert len(told) == 1


@pytest.mark.django_db
def test_dropping_runs_on_the_hubs_clock(clock: FixedClock) -> None:
    tasks.drop_old_partitions()
