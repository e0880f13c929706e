"""Support access: given and taken back by a device's owner, used by the manufacturer of its type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone

from flexhub.devices.models import Device, SupportGrant
from tenants import audit
from tenants.audit import Actor
from tenants.models import Tenant, User
from tenants.origin import Origin, bound
from tenants.scope import tenant_scope


def grant_support(device: Device, *, ends_at: datetime, actor: Actor = None) -> SupportGrant:
    """Let the manufacturer of the device's type look at it until `ends_at`. One that is there already stays.

    Raises ValidationError for an end that is not to come or too far away, and for a device of one's own make.
    """
    device_type = device.device_type
    with tenant_scope(device.tenant_id):
        check_end(ends_at)
        if device_type.tenant_id == device.tenant_id:
            raise ValidationError({"device": "Its manufacturer is its owner, who sees it anyway."})
        grant = SupportGrant.objects.create(
            tenant_id=device.tenant_id, device=device, manufacturer_id=device_type.tenant_id, ends_at=ends_at
        )
        audit.record("devices.supportgrant.given", grant, actor=actor, after=audit.fields_of(grant))
    _tell_manufacturer("received", grant)
    return grant


def revoke_support(grant: SupportGrant, *, actor: Actor = None) -> None:
    """End it now. Doing it again, or after its end, changes nothing."""
    with tenant_scope(grant.tenant_id):
        now = timezone.now()
        if not SupportGrant.objects.living().filter(pk=grant.pk).update(revoked_at=now):
            return
        grant.revoked_at = now
        audit.record("devices.supportgrant.revoked", grant, actor=actor, after={"revoked_at": now})
    _tell_manufacturer("ended", grant)


@dataclass(frozen=True, slots=True)
class SupportedDevice:
    """What a manufacturer is shown of a device: nothing that its owner has named, or said before `begins_at`."""

    device_id: UUID
    owner_id: UUID
    brand: str
    model: str
    serial_number: str
    begins_at: datetime
    ends_at: datetime


def supported_devices(manufacturer: Tenant | None) -> list[SupportedDevice]:
    """The devices that this manufacturer, or any, may look at now, by product. Needs its scope, or the platform's."""
    living = SupportGrant.objects.living()
    grants = living.select_related("device__device_type").order_by("ends_at")
    if manufacturer is not None:
        grants = grants.filter(manufacturer=manufacturer)
    of_device: dict[UUID, list[SupportGrant]] = {}
    for grant in grants:
        of_device.setdefault(grant.device_id, []).append(grant)
    return sorted(map(_supported, of_device.values()), key=lambda each: (each.brand, each.model, each.serial_number))


def note_look(device: SupportedDevice, page: str, *, actor: User) -> None:
    """Tell the device's owner, in their audit trail, that a manufacturer has opened a page about it."""
    with tenant_scope(device.owner_id):
        row = Device.objects.get(pk=device.device_id)
        after = {"page": page, "manufacturer": str(actor.tenant)}
        audit.record("devices.device.viewed_for_support", row, actor=actor, after=after)


def check_end(ends_at: datetime) -> None:
    """Raises ValidationError for one that is not to come, or further away than the setting allows."""
    now, most = timezone.now(), timedelta(days=settings.SUPPORT_GRANT_MAX_DAYS)
    if ends_at <= now:
        raise ValidationError({"ends_at": "It ends in the future."})
    if ends_at > now + most:
        raise ValidationError({"ends_at": f"At most {most.days} days from now; another grant makes it last longer."})


def _supported(grants: Sequence[SupportGrant]) -> SupportedDevice:
    """What all that live of one device allow together: from the first one's beginning to the last one's end."""
    device, device_type = grants[0].device, grants[0].device.device_type
    return SupportedDevice(
        device_id=device.pk,
        owner_id=grants[0].tenant_id,
        brand=device_type.brand,
        model=device_type.model,
        serial_number=device.serial_number,
        begins_at=min(each.created_at for each in grants),
        ends_at=max(each.ends_at for each in grants),
    )


def _tell_manufacturer(outcome: str, grant: SupportGrant) -> None:
    """In its own trail, as something that befell its product: who gave it, and from where, is none of its business."""
    device = grant.device
    with tenant_scope(grant.manufacturer_id), bound(Origin()):
        after = {"grant": grant.pk, "serial_number": device.serial_number, "ends_at": grant.ends_at}
        audit.record(f"devices.supportgrant.{outcome}", device.device_type, actor=None, after=after)
