"""Thousands of homes at once: what the services make one by one, with each check and audit row, in a few statements."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from flexhub.load.engine.targets import Target
from s2.messages import EnergyManagementRole


@dataclass(frozen=True, slots=True)
class Home:
    """One device in a site of its own, which a hosted energy manager looks after."""

    target: Target
    link_id: UUID


def register(number: int) -> list[Home]:
    """Homes of one new provider."""
    from flexhub.devices.models import Device, DeviceType, Link, Node, Site
    from flexhub.pairing.models import NodeToken
    from tenants import tokens
    from tenants.scope import tenant_scope
    from tests.support.registry import make_device_type, make_tenant

    tenant, device_type = make_tenant("Alder"), make_device_type(kind=DeviceType.Kind.BATTERY)
    sites = [Site(tenant=tenant, name=f"Home {place}", timezone="UTC", fuse_limit_w=17_250) for place in range(number)]
    devices = [
        Device(tenant=tenant, site=site, device_type=device_type, name="Battery", serial_number=f"B-{place}")
        for place, site in enumerate(sites)
    ]
    rms = [
        Node(tenant=tenant, site=each.site, role=Node.Role.RM, device=each, name=f"Battery of {each.site.name}")
        for each in devices
    ]
    cems = [Node(tenant=tenant, site=site, role=Node.Role.CEM, hosted=True, name="CEM") for site in sites]
    links = [Link(tenant=tenant, rm_node=rm, cem_node=cem) for rm, cem in zip(rms, cems, strict=True)]
    texts = [tokens.new_token(tokens.NODE_PREFIX) for _ in rms]
    rows = [
        NodeToken(tenant=tenant, node=rm, token_hash=tokens.digest(text)) for rm, text in zip(rms, texts, strict=True)
    ]
    with tenant_scope(tenant.pk):
        Site.objects.bulk_create(sites)
        Device.objects.bulk_create(devices)
        Node.objects.bulk_create([*rms, *cems])
        Link.objects.bulk_create(links)
        NodeToken.objects.bulk_create(rows)
    return [
        Home(Target(EnergyManagementRole.RM, rm.pk, text), link.pk)
        for rm, text, link in zip(rms, texts, links, strict=True)
    ]
