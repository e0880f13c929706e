"""The devices of a load test as rows of a tenant: sites of their own, a device type of their own, tokens in a file.

Everything is made by the services that people's devices are made by, so each row has its audit row.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from django.db.models import QuerySet

from flexhub.devices import services as devices
from flexhub.devices.models import Device, DeviceType, Node, Site
from flexhub.load.engine.targets import Target, write_targets
from flexhub.pairing.services import issue_node_token
from s2.messages import EnergyManagementRole
from tenants import deletion
from tenants.models import Tenant
from tenants.scope import platform_scope, tenant_scope

BRAND, MODEL = "Flexhub", "load test"
# A fuse that no battery of the test can blow, so that a hosted CEM has nothing to curtail.
_FUSE_LIMIT_W = 1_000_000
_SITES_AT_ONCE = 50

Progress = Callable[[int], None]


class UnknownTenant(LookupError):
    """No tenant has this name or id."""


class NotAProvider(ValueError):
    """Only providers have sites."""


def provider(name: str) -> Tenant:
    """By its name or id. Raises UnknownTenant and NotAProvider."""
    with platform_scope("find the tenant of a load test"):
        found = Tenant.objects.filter(name=name).first() or _by_id(name)
    if found is None:
        raise UnknownTenant(f"there is no tenant {name!r}")
    if found.kind != Tenant.Kind.PROVIDER:
        raise NotAProvider(f"{found} is a tenant of kind {found.get_kind_display()}; only a provider has sites")
    return found


def strangers_of(tenant: Tenant) -> int:
    """Sites of the tenant that no load test made."""
    with tenant_scope(tenant.pk):
        return Site.objects.exclude(pk__in=_sites().values("pk")).count()


def prepare(
    *, tenant: Tenant, number: int, per_site: int, building_cems: bool, out: Path, progress: Progress = lambda _: None
) -> None:
    """Register so many devices and write their tokens to a new file: all of it, or nothing. Raises OSError.

    With `building_cems` the devices of a site are managed by a CEM that signs in too, over one link for each of them.
    """
    tag = secrets.token_hex(3)
    targets: list[Target] = []
    try:
        # A transaction for some, since each of its own would wait for the disk, and one for all slows down as it grows.
        for first in range(0, number, per_site * _SITES_AT_ONCE):
            with tenant_scope(tenant.pk):
                device_type = _device_type(tenant)
                for begin in range(first, min(first + per_site * _SITES_AT_ONCE, number), per_site):
                    places = range(begin, min(begin + per_site, number))
                    targets += _site(tenant, device_type, tag, places, building_cem=building_cems)
            progress(min(first + per_site * _SITES_AT_ONCE, number))
        write_targets(out, targets)
    except BaseException:
        # Rows without their file are of no use to anyone.
        with tenant_scope(tenant.pk):
            _delete(list(_sites().filter(name__startswith=f"Load test {tag} ")))
        raise


def clean(*, tenant: Tenant, progress: Progress = lambda _: None) -> int:
    """Delete every site of load tests that this tenant has, with what is in it, and end its sessions.

    Returns the number of sites. A site to which someone added a device of another type is left alone.
    """
    with tenant_scope(tenant.pk):
        sites = list(_sites())
    for first in range(0, len(sites), _SITES_AT_ONCE):
        with tenant_scope(tenant.pk):
            _delete(sites[first : first + _SITES_AT_ONCE])
        progress(min(first + _SITES_AT_ONCE, len(sites)))
    with tenant_scope(tenant.pk):
        for device_type in DeviceType.objects.filter(tenant=tenant, brand=BRAND, model=MODEL):
            if not Device.objects.filter(device_type=device_type).exists():
                deletion.delete([device_type], actor=None)
    return len(sites)


def _site(tenant: Tenant, device_type: DeviceType, tag: str, places: range, *, building_cem: bool) -> list[Target]:
    """One site with the devices of these numbers. Needs a scope."""
    name = f"Load test {tag} {places[0] + 1:06}"
    site = devices.create_site(tenant=tenant, name=name, timezone="UTC", fuse_limit_w=_FUSE_LIMIT_W)
    cem = devices.create_cem_node(site=site, name="Building's CEM") if building_cem else None
    rms = [_device(site, device_type, f"{tag}-{place + 1:06}", cem) for place in places]
    return rms if cem is None else rms + _links_of(cem, rms)


def _device(site: Site, device_type: DeviceType, number: str, cem: Node | None) -> Target:
    device = devices.create_device(
        site=site, device_type=device_type, name=f"Load test battery {number}", serial_number=f"LOAD-{number}"
    )
    node = device.node
    if cem is not None:
        devices.link_nodes(rm_node=node, cem_node=cem)
    return Target(EnergyManagementRole.RM, node.pk, issue_node_token(node))


def _delete(sites: list[Site]) -> None:
    """With what is in them. Needs a scope."""
    deletion.delete(sites, actor=None)


def _links_of(cem: Node, rms: list[Target]) -> list[Target]:
    token = issue_node_token(cem)
    return [Target(EnergyManagementRole.CEM, cem.pk, token, peer=rm.node) for rm in rms]


def _device_type(tenant: Tenant) -> DeviceType:
    known = DeviceType.objects.filter(tenant=tenant, brand=BRAND, model=MODEL).first()
    return known or devices.create_device_type(tenant=tenant, brand=BRAND, model=MODEL, kind=DeviceType.Kind.BATTERY)


def _sites() -> QuerySet[Site]:
    """Sites in which all devices are of a load test, and there is at least one. Needs a scope."""
    ours = Device.objects.filter(device_type__brand=BRAND, device_type__model=MODEL)
    others = Device.objects.exclude(pk__in=ours.values("pk"))
    return Site.objects.filter(pk__in=ours.values("site")).exclude(pk__in=others.values("site"))


def _by_id(text: str) -> Tenant | None:
    try:
        return Tenant.objects.filter(pk=UUID(text)).first()
    except ValueError:
        return None
