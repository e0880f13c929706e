"""Rows for tests, made by the services. The cast: Alder and Birch, where Birch must never see what is Alder's."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from flexhub.devices import services as devices
from flexhub.devices.models import Device, DeviceType, Link, Node, Site
from flexhub.pairing.services import issue_node_token
from tenants import quotas
from tenants import services as tenants
from tenants.models import AuditEntry, Quota, Tenant, User
from tenants.scope import platform_scope, tenant_scope

_numbers = itertools.count(1)


def make_tenant(name: str = "Alder", kind: Tenant.Kind = Tenant.Kind.PROVIDER) -> Tenant:
    return tenants.create_tenant(name=name, kind=kind)


def give_quotas(tenant: Tenant, **values: int) -> Quota:
    """As an operator would on the page of quotas."""
    with platform_scope("a test sets quotas"):
        quota, _ = Quota.objects.update_or_create(tenant=tenant, defaults=values)
    quotas.forget(tenant.pk)
    return quota


def make_operator(username: str = "olga") -> User:
    """Signs in with force_login: it has no password, since hashing one takes as long as many tests."""
    return make_member(make_tenant("Operations", Tenant.Kind.OPERATOR), username)


def make_member(tenant: Tenant, username: str | None = None) -> User:
    return tenants.create_member(tenant=tenant, username=username or tenant.name.lower(), password=None)


def make_site(tenant: Tenant, name: str = "Home", **values: Any) -> Site:
    options: dict[str, Any] = {"timezone": "Europe/Amsterdam", "fuse_limit_w": 17_250} | values
    return devices.create_site(tenant=tenant, name=name, **options)


def make_device_type(
    tenant: Tenant | None = None, kind: DeviceType.Kind = DeviceType.Kind.BATTERY, model: str = "One"
) -> DeviceType:
    """By the given manufacturer, or by one of its own."""
    manufacturer = tenant or make_tenant(f"Maker {next(_numbers)}", Tenant.Kind.MANUFACTURER)
    return devices.create_device_type(tenant=manufacturer, brand=manufacturer.name, model=model, kind=kind)


def make_device(site: Site, device_type: DeviceType | None = None, name: str = "Battery", **values: Any) -> Device:
    options: dict[str, Any] = {"serial_number": f"SN-{next(_numbers)}"} | values
    return devices.create_device(site=site, device_type=device_type or make_device_type(), name=name, **options)


@dataclass(frozen=True, slots=True)
class Household:
    """One tenant with a site, a device in it, and the token of the device's RM."""

    tenant: Tenant
    site: Site
    device: Device
    rm_node: Node
    cem_node: Node
    link: Link
    token: str


def make_household(name: str = "Alder") -> Household:
    tenant = make_tenant(name)
    site = make_site(tenant, f"{name} house")
    device = make_device(site, name=f"{name} battery")
    with tenant_scope(tenant.pk):
        link = Link.objects.select_related("rm_node", "cem_node").get(rm_node__device=device)
    token = issue_node_token(link.rm_node)
    return Household(tenant, site, device, link.rm_node, link.cem_node, link, token)


def query(sql: str, *parameters: str | int | UUID) -> list[tuple[Any, ...]]:
    """Rows of a statement on the application's connection, past the ORM."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []


def audited(action: str) -> list[dict[str, Any]]:
    """The audit rows with this action, oldest first."""
    with platform_scope("a test reads the trail"):
        return [dict(entry) for entry in AuditEntry.objects.filter(action=action).order_by("id").values()]
