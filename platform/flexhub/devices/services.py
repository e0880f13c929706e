"""Changes to the registry: each one transaction in the tenant's scope, with its audit row.

All raise ValidationError for values that the models refuse, and QuotaReachedError, which is one, where the tenant has
as many as it may have.
"""

from __future__ import annotations

from uuid import UUID, uuid4

from flexhub.devices.models import Device, DeviceType, Link, Node, Site
from tenants import audit, deletion, quotas
from tenants.audit import Actor
from tenants.models import Household, Tenant
from tenants.quota_table import Quantity
from tenants.scope import platform_scope, tenant_scope


class ForeignNodeError(ValueError):
    """A node has the wrong role for this, or belongs to another site or tenant."""


def create_site(
    *,
    tenant: Tenant,
    name: str,
    timezone: str,
    fuse_limit_w: int,
    export_limit_w: int | None = None,
    fuse_limit_per_phase_w: int | None = None,
    household: Household | None = None,
    actor: Actor = None,
    site_id: UUID | None = None,
) -> Site:
    """A site with its hosted CEM node."""
    with tenant_scope(tenant.pk):
        site = Site(
            id=site_id or uuid4(),
            tenant=tenant,
            household=household,
            name=name,
            timezone=timezone,
            fuse_limit_w=fuse_limit_w,
            export_limit_w=export_limit_w,
            fuse_limit_per_phase_w=fuse_limit_per_phase_w,
        )
        site.full_clean()
        quotas.require_room(tenant.pk, Quantity.SITES)
        site.save()
        audit.record("devices.site.created", site, actor=actor, after=audit.fields_of(site))
        _add_node(Node(site=site, role=Node.Role.CEM, hosted=True, name=f"CEM of {site.name}"[:100]), actor)
    return site


def create_device_type(
    *, tenant: Tenant, brand: str, model: str, kind: DeviceType.Kind, actor: Actor = None
) -> DeviceType:
    """A product of the manufacturer `tenant`."""
    with tenant_scope(tenant.pk):
        device_type = DeviceType(tenant=tenant, brand=brand, model=model, kind=kind)
        device_type.full_clean()
        quotas.require_room(tenant.pk, Quantity.DEVICE_TYPES)
        device_type.save()
        audit.record("devices.devicetype.created", device_type, actor=actor, after=audit.fields_of(device_type))
    return device_type


def create_device(
    *,
    site: Site,
    device_type: DeviceType,
    name: str,
    serial_number: str,
    actor: Actor = None,
    node_id: UUID | None = None,
    device_id: UUID | None = None,
    hosted: bool = False,
) -> Device:
    """A device with its RM node (`device.node`), linked to the site's hosted CEM (`device.node.rm_link`).

    `hosted`: the RM is run by us, for a device that its vendor's cloud speaks for.
    """
    with tenant_scope(site.tenant_id):
        device = Device(
            id=device_id or uuid4(),
            tenant_id=site.tenant_id,
            site=site,
            device_type=device_type,
            name=name,
            serial_number=serial_number,
        )
        device.full_clean()
        quotas.require_room(site.tenant_id, Quantity.DEVICES)
        device.save()
        audit.record("devices.device.created", device, actor=actor, after=audit.fields_of(device))
        rm_node = Node(id=node_id or uuid4(), site=site, role=Node.Role.RM, hosted=hosted, device=device, name=name)
        _add_node(rm_node, actor)
        link_nodes(rm_node=rm_node, cem_node=hosted_cem_of(site), actor=actor)
    return device


def create_cem_node(*, site: Site, name: str, actor: Actor = None, node_id: UUID | None = None) -> Node:
    """A CEM that connects to us, such as a box in the building. It gets RMs with `link_nodes`."""
    with tenant_scope(site.tenant_id):
        quotas.require_room(site.tenant_id, Quantity.CEM_NODES)
        return _add_node(Node(id=node_id or uuid4(), site=site, role=Node.Role.CEM, name=name), actor)


def link_nodes(*, rm_node: Node, cem_node: Node, actor: Actor = None, link_id: UUID | None = None) -> Link:
    """Pair an RM with a CEM of its tenant. A pairing that the RM had before ends. Raises ForeignNodeError."""
    if (rm_node.role, cem_node.role) != (Node.Role.RM, Node.Role.CEM):
        raise ForeignNodeError("a link goes from an RM node to a CEM node")
    if rm_node.tenant_id != cem_node.tenant_id:
        raise ForeignNodeError("both ends of a link belong to one tenant")
    with tenant_scope(rm_node.tenant_id):
        deletion.delete(Link.objects.select_for_update(of=("self",)).filter(rm_node_id=rm_node.pk), actor=actor)
        link = Link(id=link_id or uuid4(), tenant_id=rm_node.tenant_id, rm_node=rm_node, cem_node=cem_node)
        link.save(force_insert=True)
        audit.record("devices.link.created", link, actor=actor, after=audit.fields_of(link))
    return link


def set_main_meter(*, site: Site, node: Node | None, actor: Actor = None) -> Site:
    """Say which RM node measures the whole site. Raises ForeignNodeError for a node of another site or a CEM."""
    if node is not None and (node.site_id != site.pk or node.role != Node.Role.RM):
        raise ForeignNodeError("the main meter is an RM node of the same site")
    with tenant_scope(site.tenant_id):
        before = {"main_meter_id": site.main_meter_id}
        site.main_meter = node
        site.save(update_fields=["main_meter"])
        after = {"main_meter_id": site.main_meter_id}
        audit.record("devices.site.changed", site, actor=actor, before=before, after=after)
    return site


def hosted_cem_of(site: Site) -> Node:
    """The site's hosted CEM node. Each site has one from `create_site`. Needs a scope."""
    return Node.objects.get(site_id=site.pk, role=Node.Role.CEM, hosted=True)


def is_in_use(device_type: DeviceType) -> bool:
    """Whether any tenant has a device of this type. Asked platform-wide: its owner cannot see those devices."""
    with platform_scope("look for devices of a device type"):
        return Device.objects.filter(device_type_id=device_type.pk).exists()


def _add_node(node: Node, actor: Actor) -> Node:
    node.tenant_id = node.site.tenant_id
    node.full_clean()
    node.save()
    audit.record("devices.node.created", node, actor=actor, after=audit.fields_of(node))
    return node
