"""What breaks is a real process, by a real signal; what is looked at afterwards is the bus and the rows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import psutil
import psycopg
import pytest

from tests.support.demo_home import BATTERY_DEVICE
from tests.support.envelope_device import EnvelopeDevice, living_device
from tests.support.home_process import home_process
from tests.support.hub import Hub, eventually
from tests.support.registry import Household

# What the main job promises.
GONE_WITHIN_S = 15.0
ALL_WELL_WITHIN_S = 30.0
# A dead planner's lock lasts 10 s, the sweep for sites that are due comes every 2 s, a worker takes some to start.
PLANNED_AGAIN_WITHIN_S = 30.0
REDIS_IS_AWAY_S = 5.0


async def obeys(hub: Hub, household: Household, device: EnvelopeDevice, within_s: float = ALL_WELL_WITHIN_S) -> None:
    """The device is selected, and what it offers now is answered by an instruction, which it carries out."""
    await eventually(lambda: device.controlled, within_s)
    constraints_id = await device.offer()
    await eventually(lambda: hub.succeeded(household.link.pk, constraints_id=constraints_id), within_s)


# -- A device's process ------------------------------------------------------------------------------------------------


async def test_a_device_whose_process_is_killed_leaves_and_comes_back(
    hub: Hub, household: Household, second_device: Household, tmp_path: Path
) -> None:
    link_id = household.link.pk
    async with living_device(hub.url(second_device.rm_node.pk), second_device.token) as other:
        with home_process(hub, household, tmp_path, "BATTERY", BATTERY_DEVICE) as process:
            await eventually(lambda: hub.succeeded(link_id))
            process.kill()

            await eventually(lambda: not hub.sessions(link_id), GONE_WITHIN_S)

        instructed_before = len(hub.ledger(link_id))
        await obeys(hub, second_device, other)
        assert len(hub.ledger(link_id)) == instructed_before

        with home_process(hub, household, tmp_path, "BATTERY", BATTERY_DEVICE):
            await eventually(lambda: len(hub.succeeded(link_id)) > 1)
            assert len(hub.sessions(link_id)) == 1


# -- A worker ----------------------------------------------------------------------------------------------------------


@contextmanager
def planning_held_up(hub: Hub, site_id: UUID) -> Iterator[None]:
    """The site has no plan; the next one is made, and waits at being stored for as long as this lasts."""
    with psycopg.connect(hub.database.app_url) as connection:
        while True:
            forget_plans(hub, site_id)
            connection.execute("LOCK TABLE cem_service_planrun IN SHARE MODE")
            if not hub.plans(site_id):
                break
            # The sweep came in between.
            connection.rollback()
        yield


def forget_plans(hub: Hub, site_id: UUID) -> None:
    hub.query("DELETE FROM cem_service_planrun WHERE site_id = %s AND kind = 'PLAN' RETURNING id", site_id)


def plan_waits(hub: Hub) -> bool:
    waiting = "wait_event_type = 'Lock' AND query LIKE 'INSERT INTO \"cem_service_planrun\"%%'"
    return bool(hub.query(f"SELECT 1 FROM pg_stat_activity WHERE {waiting}"))


def kill_pool_children(hub: Hub) -> None:
    for child in hub.process("worker-plan").children(recursive=True):
        child.kill()


def kill_worker(hub: Hub) -> None:
    """And start it again, as whatever runs it in production does."""
    hub.kill("worker-plan")
    hub.launch("worker-plan")


@pytest.mark.parametrize("kill", [kill_pool_children, kill_worker])
async def test_a_plan_whose_worker_is_killed_is_made_again(
    hub: Hub, household: Household, kill: Callable[[Hub], None]
) -> None:
    site_id = household.site.pk
    async with living_device(hub.url(household.rm_node.pk), household.token) as device:
        await obeys(hub, household, device)
        await eventually(lambda: hub.plans(site_id))
        with planning_held_up(hub, site_id):
            await eventually(lambda: plan_waits(hub))
            assert not hub.plans(site_id)

            kill(hub)

        await eventually(lambda: hub.plans(site_id), PLANNED_AGAIN_WITHIN_S)
        await obeys(hub, household, device)


# -- Redis -------------------------------------------------------------------------------------------------------------


async def test_redis_may_pause(hub: Hub, household: Household) -> None:
    alive, measured = processes(hub), dict[str, float]()
    async with living_device(hub.url(household.rm_node.pk), household.token) as device:
        await obeys(hub, household, device)
        measuring = asyncio.create_task(measure_on_and_on(device, measured))
        redis = hub.redis
        redis.suspend()
        await asyncio.sleep(REDIS_IS_AWAY_S)
        redis.resume()

        await obeys(hub, household, device)

        measuring.cancel()
        await eventually(lambda: all_that_was_acknowledged_is_stored(hub, household, device, measured))
    assert processes(hub) == alive


async def measure_on_and_on(device: EnvelopeDevice, measured: dict[str, float]) -> None:
    """A different power each time, by the id of its message."""
    while True:
        power_w = -1000.0 - len(measured)
        measured[await device.measure(power_w)] = power_w
        await asyncio.sleep(0.1)


def all_that_was_acknowledged_is_stored(
    hub: Hub, household: Household, device: EnvelopeDevice, measured: dict[str, float]
) -> bool:
    rows = hub.query("SELECT value FROM telemetry_measurement WHERE link_id = %s", household.link.pk)
    stored = {row["value"] for row in rows}
    acknowledged = {power_w for message_id, power_w in measured.items() if "OK" in device.answers.get(message_id, ())}
    return bool(acknowledged) and acknowledged <= stored


async def test_redis_may_come_back_empty(hub: Hub, household: Household) -> None:
    link_id, alive = household.link.pk, processes(hub)
    async with living_device(hub.url(household.rm_node.pk), household.token) as device:
        await obeys(hub, household, device)
        await device.measure(-1234.0)
        before = await eventually(lambda: snapshot_with(hub, link_id, "PowerMeasurement"))

        hub.restart_redis_empty()

        after = await eventually(lambda: snapshot_with(hub, link_id, "PowerMeasurement"), ALL_WELL_WITHIN_S)
        assert after == before
        assert device.connections == 1
        await obeys(hub, household, device)
    assert processes(hub) == alive


def snapshot_with(hub: Hub, link_id: UUID, field: str) -> dict[str, str] | None:
    if not hub.sessions(link_id):
        return None
    snapshot = hub.bus.snapshots([link_id])[link_id]
    return dict(snapshot.fields()) if snapshot is not None and field in snapshot.fields() else None


def processes(hub: Hub) -> dict[str, psutil.Process]:
    """Equal only if each is the same process as before, not merely one of the same number."""
    return {name: psutil.Process(pid) for name, pid in hub.alive().items()}


# -- The gateway -------------------------------------------------------------------------------------------------------


async def test_a_killed_gateway_frees_its_seats_and_devices_come_back(hub: Hub, household: Household) -> None:
    link_id = household.link.pk
    async with living_device(hub.url(household.rm_node.pk), household.token) as device:
        await obeys(hub, household, device)
        hub.kill("gateway")

        await eventually(lambda: not hub.sessions(link_id), GONE_WITHIN_S)
        hub.launch("gateway")

        await eventually(lambda: hub.sessions(link_id))
        assert device.connections == 2
        await obeys(hub, household, device)


async def test_the_newest_of_two_sockets_is_the_one_that_is_instructed(hub: Hub, household: Household) -> None:
    url = hub.url(household.rm_node.pk)
    async with living_device(url, household.token, reconnects=False) as older:
        await obeys(hub, household, older)
        told_before = len(older.instructions)
        async with living_device(url, household.token) as newer:
            await obeys(hub, household, newer)

            assert older.close_codes == [4409]
            assert len(older.instructions) == told_before
            assert len(hub.sessions(household.link.pk)) == 1
