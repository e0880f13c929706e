"""What row-level security and the scope of a request cost, where many tenants have rows in one table.

The baseline is the same request for the same rows, with a role that passes by all policies, without a scope, and with
the tenant as a condition of the query: what an application without row-level security would do.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any
from unittest.mock import patch
from uuid import UUID

import psutil

from tests.bench.rows import Row
from tests.bench.world import bench_world

if TYPE_CHECKING:
    # Django is set up once there is a database.
    from django.db.models import QuerySet

    from flexhub.devices.models import DeviceType
    from tenants.models import Tenant

TENANTS = 100
DEVICES_EACH = 100
ROUNDS = 7
REQUESTS = 20
QUERIES = 100
WARM_UP = 5
SHOWN = 50
LIST = "/admin/devices/device/"


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds for one request, one query."""

    cpu_ms: float
    wall_ms: float
    query_ms: float


@cache
def measured() -> tuple[Cost, Cost]:
    """With and without, in rounds by turns, so that a noisy moment hits both; the medians."""
    with bench_world() as world:
        owner = _fill()
        found: tuple[list[Cost], list[Cost]] = ([], [])
        for _ in range(ROUNDS):
            with _connected(world.environment["DATABASE_URL"]):
                found[0].append(_round(_as_the_hub_asks, owner))
            with _connected(world.admin_url), _without_scopes(owner):
                found[1].append(_round(_as_the_baseline_asks, owner))
    ours, theirs = (_median(costs) for costs in found)
    return ours, theirs


def _median(costs: list[Cost]) -> Cost:
    return Cost(
        statistics.median(cost.cpu_ms for cost in costs),
        statistics.median(cost.wall_ms for cost in costs),
        statistics.median(cost.query_ms for cost in costs),
    )


def _round(ask: Callable[[UUID], list[object]], owner: UUID) -> Cost:
    from django.db import connection
    from django.test import Client

    from tenants.models import User
    from tenants.scope import platform_scope

    client = Client(headers={"Host": "localhost"})
    with platform_scope("sign in for a benchmark"):
        client.force_login(User.objects.get(username="ann"))
    server = psutil.Process(connection.connection.info.backend_pid)
    for _ in range(WARM_UP):
        page = client.get(LIST).content.decode()
        assert f"{DEVICES_EACH} devices" in page, page
        assert len(ask(owner)) == SHOWN
    began, cpu = time.perf_counter(), _cpu_s(server)
    for _ in range(REQUESTS):
        client.get(LIST)
    wall_s, cpu_s = time.perf_counter() - began, _cpu_s(server) - cpu
    began = time.perf_counter()
    for _ in range(QUERIES):
        ask(owner)
    query_s = time.perf_counter() - began
    return Cost(cpu_s / REQUESTS * 1e3, wall_s / REQUESTS * 1e3, query_s / QUERIES * 1e3)


def _cpu_s(server: psutil.Process) -> float:
    """Of this process and of the one that PostgreSQL has for its connection."""
    times = server.cpu_times()
    return time.process_time() + times.user + times.system


def _as_the_hub_asks(owner: UUID) -> list[object]:
    from tenants.scope import tenant_scope

    with tenant_scope(owner):
        return _ask(_devices())


def _as_the_baseline_asks(owner: UUID) -> list[object]:
    with _transaction():
        return _ask(_devices().filter(tenant=owner))


def _devices() -> QuerySet[Any]:
    from flexhub.devices.models import Device

    return Device.objects.select_related("site", "device_type", "node__rm_link").order_by("name", "pk")


def _ask(devices: QuerySet[Any]) -> list[object]:
    """The number of rows, and those of the first page."""
    devices.count()
    return list(devices[:SHOWN])


@contextmanager
def _connected(url: str) -> Iterator[None]:
    """Django's connection as the role of this address."""
    from django.db import connection

    from flexhub.env import Env

    connection.close()
    connection.settings_dict.update(Env({"DATABASE_URL": url}).database("DATABASE_URL") | {"CONN_MAX_AGE": None})
    try:
        yield
    finally:
        connection.close()


@contextmanager
def _without_scopes(owner: UUID) -> Iterator[None]:
    """Transactions where the hub opens scopes, and the list asks for its tenant by itself."""
    from django.contrib import admin

    from flexhub.devices.models import Device

    page = admin.site.get_model_admin(Device)
    all_rows = page.get_queryset
    with (
        patch("tenants.scope._scope", lambda *_: _transaction()),
        patch.object(page, "get_queryset", lambda request: all_rows(request).filter(tenant=owner)),
    ):
        yield


@contextmanager
def _transaction() -> Iterator[None]:
    """What is left of a scope without its settings; the guard that asks for one is content."""
    from django.db import connection, transaction

    from tenants.guard import guard_of

    with transaction.atomic(), guard_of(connection).opened():
        yield


def _fill() -> UUID:
    """Tenants with their devices in a site each; the one whose people ask."""
    from django.db import connections

    from tenants.models import Tenant
    from tenants.scope import platform_scope
    from tests.support.registry import make_device_type, make_member

    device_type = make_device_type()
    with platform_scope("make the rows of a benchmark"):
        tenants = Tenant.objects.bulk_create(
            Tenant(name=f"Provider {number}", kind=Tenant.Kind.PROVIDER) for number in range(TENANTS)
        )
        for tenant in tenants:
            _fill_site(tenant, device_type)
    owner = tenants[TENANTS // 2]
    make_member(owner, "ann")
    with connections["owner"].cursor() as cursor:
        cursor.execute("ANALYZE")
    return owner.pk


def _fill_site(tenant: Tenant, device_type: DeviceType) -> None:
    from flexhub.devices.models import Device, Link, Node, Site

    site = Site.objects.create(tenant=tenant, name="Home", timezone="UTC", fuse_limit_w=17_250)
    cem = Node.objects.create(tenant=tenant, site=site, role="CEM", hosted=True, name="CEM")
    devices = Device.objects.bulk_create(
        Device(tenant=tenant, site=site, device_type=device_type, name=f"Battery {number}", serial_number=str(number))
        for number in range(DEVICES_EACH)
    )
    nodes = Node.objects.bulk_create(
        Node(tenant=tenant, site=site, role="RM", device=device, name=device.name) for device in devices
    )
    Link.objects.bulk_create(Link(tenant=tenant, rm_node=node, cem_node=cem) for node in nodes)


def _row(name: str, figure: str, target: float | None) -> Row:
    ours, theirs = measured()
    return Row(name, getattr(ours, figure), "ms", target, baseline=getattr(theirs, figure))


ROWS: Mapping[str, Callable[[], Row]] = {
    "rls-list": partial(_row, "rls-list", "cpu_ms", 1.15),
    "rls-list-wall": partial(_row, "rls-list-wall", "wall_ms", 1.15),
    "rls-query": partial(_row, "rls-query", "query_ms", None),
}
