"""Rows for tests, made by the services. The cast: Alder and Birch, where Birch must never see what is Alder's."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from django.db import connection

from flexhub.devices import services as devices
from flexhub.devices.models import Device, DeviceType, Link, Node, Site
from flexhub.pairing.services import issue_node_token
from tenants import quotas
from tenants import services as tenants
from tenants.models import AuditEntry, Membership, Quota, Tenant, User
from tenants.models import Household as Customer
from tenants.scope import identity_scope, platform_scope, tenant_scope

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


def make_member(
    tenant: Tenant, username: str | None = None, role: Membership.Role = Membership.Role.ADMIN, **values: Any
) -> User:
    """One who may do all that the kind of tenant allows, unless the role says less."""
    name = username or tenant.name.lower()
    return tenants.create_member(tenant=tenant, username=name, password=None, role=role, **values)


def make_resident(household: Customer, username: str) -> User:
    return make_member(household.tenant, username, Membership.Role.RESIDENT, household=household)


def make_customer(tenant: Tenant, name: str) -> Customer:
    """A provider's customer. What is called a household below is a whole tenant with one home."""
    return tenants.create_household(tenant=tenant, name=name)


def make_superuser(username: str = "root") -> User:
    with identity_scope("test"):
        return User.objects.create(username=username, is_staff=True, is_superuser=True)


def make_stranger(username: str = "sam") -> User:
    """Somebody who works for nobody."""
    with identity_scope("test"):
        return User.objects.create(username=username, is_staff=True)


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


def query(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Rows of a statement on the application's connection, past the ORM and past the guard that asks for a scope."""
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []


def audited(action: str) -> list[dict[str, Any]]:
    """The audit rows with this action, oldest first."""
    with platform_scope("a test reads the trail"):
        return [dict(entry) for entry in AuditEntry.objects.filter(action=action).order_by("id").values()]
