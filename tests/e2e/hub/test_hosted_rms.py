"""Hosted RMs of simulated devices in the whole hub: steered by a building's own CEM, and by the hosted one."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from pytest_django import DjangoDbBlocker

from flexhub.clock import Clock
from flexhub.demo import fleet
from flexhub.devices.models import Link
from flexhub.devices.services import create_cem_node, link_nodes
from flexhub.pairing.services import issue_node_token
from rm_adapters.services import register
from s2.messages import InstructionStatus, Message, ResourceManagerDetails
from tenants.scope import tenant_scope
from tests.rm_adapters.attended_home import make_account
from tests.rm_adapters.hosted_home import CONTROL_TYPES
from tests.rm_adapters.instructing import order_for
from tests.rm_adapters.test_control_types import MENU_CLASSES
from tests.support.building_cem import BuildingCEM, connected
from tests.support.hub import Hub, eventually
from tests.support.registry import make_device_type, make_site, make_tenant
from tests.support.services import django_at

WORKER = "worker-rm"
ACCEPTED, STARTED = InstructionStatus.ACCEPTED, InstructionStatus.STARTED
#: Envelopes and programs go on for as long as they say; the others are done once the device follows.
ENDS = {kind: STARTED if kind in {"roof", "washer"} else InstructionStatus.SUCCEEDED for kind in CONTROL_TYPES}

_numbers = itertools.count(1)


@pytest.fixture
def cloud_hub(hub: Hub) -> Iterator[Hub]:
    """The hub with its worker for vendors' clouds, which ends with the test."""
    if WORKER not in hub._specs:
        specs = fleet.hub_processes(logs=hub._logs, port=hub.port, environment=hub.environment)
        hub._specs[WORKER] = next(spec for spec in specs if spec.name == WORKER)
    if WORKER not in hub.alive():
        hub.launch(WORKER)
    hub.await_ready()
    yield hub
    hub.kill(WORKER)
    del hub._specs[WORKER]


@dataclass(frozen=True, slots=True)
class CloudHome:
    """A building whose five devices are behind a vendor's cloud. `links` by the kind of device."""

    tenant_id: UUID
    links: dict[str, UUID]
    nodes: dict[str, UUID]
    box: UUID
    token: str


@pytest.fixture
def home(cloud_hub: Hub, django_db_blocker: DjangoDbBlocker) -> CloudHome:
    """With a box of its own that manages all of it but the battery, which is left to the hosted CEM."""
    with django_db_blocker.unblock(), django_at(cloud_hub.database):
        tenant = make_tenant(f"Alder clouds {next(_numbers)}")
        site = make_site(tenant)
        account = make_account(tenant, Clock.system().now)
        box = create_cem_node(site=site, name="box")
        links, nodes = {}, {}
        for kind in CONTROL_TYPES:
            hosted_rm = register(account=account, device_key=kind, site=site, device_type=make_device_type())
            nodes[kind] = hosted_rm.pk
            if kind == "battery":
                with tenant_scope(tenant.pk):
                    links[kind] = Link.objects.get(rm_node=hosted_rm.pk).pk
            else:
                links[kind] = link_nodes(rm_node=hosted_rm.node, cem_node=box).pk
        return CloudHome(tenant.pk, links, nodes, box.pk, issue_node_token(box))


def settings(hub: Hub, home: CloudHome, kind: str) -> list[Any]:
    """What had its effect in the vendor's cloud."""
    sql = "SELECT settings FROM simulator_simulatedmachine WHERE tenant_id = %s AND key = %s"
    (row,) = hub.query(sql, home.tenant_id, kind)
    return [setting for _, setting in row["settings"]]


async def control(hub: Hub, home: CloudHome, kind: str) -> None:
    """From the connection to an instruction that the device follows."""
    async with connected(f"{hub.url(home.box)}/{home.nodes[kind]}", home.token, kind) as cem:
        await cem.until(lambda: bool(cem.heard(ResourceManagerDetails)))
        await cem.select(CONTROL_TYPES[kind])
        menu: type[Message] = MENU_CLASSES[kind]
        await cem.until(lambda: bool(cem.heard(menu)))
        order = order_for(cem)  # type: ignore[arg-type]  # It is as good as a `Home` for that.
        await cem.say(order)
        await cem.until(lambda: ENDS[kind] in cem.course(order.id))
        check(cem, order.id)


def check(cem: BuildingCEM, order_id: str) -> None:
    assert cem.course(order_id)[:2] == [ACCEPTED, STARTED]
    assert cem.findings == []
    assert cem.answers() == {"OK"}


async def test_a_building_steers_its_cloud_devices_by_every_control_type(cloud_hub: Hub, home: CloudHome) -> None:
    kinds = [kind for kind in CONTROL_TYPES if kind != "battery"]

    await asyncio.gather(*(control(cloud_hub, home, kind) for kind in kinds))

    for kind in kinds:
        assert len(settings(cloud_hub, home, kind)) >= 1


async def test_the_hosted_cem_steers_a_cloud_battery(cloud_hub: Hub, home: CloudHome) -> None:
    """Nobody connects: both ends of the link are ours."""
    link_id = home.links["battery"]

    row, *_ = await eventually(lambda: cloud_hub.succeeded(link_id), within_s=90.0)

    assert row["message_type"] == "FRBC.Instruction"
    (session,) = cloud_hub.sessions(link_id)
    assert session.control_type == "FILL_RATE_BASED_CONTROL"
    findings = [finding for entry in cloud_hub.bus.conversation(link_id) for finding in entry.findings]
    # On a busy machine a change of mode may be read, and so reported, some seconds later than S2 likes it.
    assert [finding for finding in findings if finding["rule"] != "R-132"] == []


async def test_a_killed_worker_loses_nothing_and_writes_nothing_twice(cloud_hub: Hub, home: CloudHome) -> None:
    """Killed while it has the device in its hands, or before, or after: whenever it happens to be."""
    kind = "heater"
    async with connected(f"{cloud_hub.url(home.box)}/{home.nodes[kind]}", home.token, kind) as cem:
        await cem.until(lambda: bool(cem.heard(ResourceManagerDetails)))
        await cem.select(CONTROL_TYPES[kind])
        await cem.until(lambda: bool(cem.heard(MENU_CLASSES[kind])))
        order = order_for(cem)  # type: ignore[arg-type]  # As above.
        await cem.say(order)
        cloud_hub.kill(WORKER)
        cloud_hub.launch(WORKER)
        await eventually(lambda: cloud_hub.is_ready(WORKER))

        await eventually(lambda: ENDS[kind] in cem.course(order.id), within_s=150.0)

        check(cem, order.id)
        assert settings(cloud_hub, home, kind) == [{"mode": "on"}]
