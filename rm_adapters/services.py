"""Accounts with vendors and the hosted RMs of their devices: each change one transaction with its audit row.

Whatever takes values from people raises ValidationError.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import structlog
from django.core.exceptions import ValidationError
from django.db import DataError, transaction
from django.db.models import F
from django.dispatch import receiver
from pydantic import TypeAdapter
from pydantic import ValidationError as InvalidValue
from pydantic_core import PydanticSerializationError

from flexhub.devices.models import DeviceType, Site
from flexhub.devices.services import create_device
from flexhub.observability.failures import in_short
from rm_adapters import rows
from rm_adapters.catalogue import UnknownVendor, manifests, vendor_named
from rm_adapters.models import HostedRM, VendorAccount
from rm_adapters.rows import PREFERENCES
from rm_adapters.sdk import AdapterError, Device, Preferences
from rm_adapters.vendor_calls import ERROR_CHARACTERS, VendorLine
from tenants import audit
from tenants.audit import Actor
from tenants.deactivation import reactivated
from tenants.models import Tenant
from tenants.scope import tenant_scope

log = structlog.get_logger(__name__)

_FOUND: TypeAdapter[list[Device]] = TypeAdapter(list[Device])
_PREFERENCE_NAMES = frozenset(field.name for field in fields(Preferences))

Look = Callable[[UUID, UUID], object]


def link_account(
    *, tenant: Tenant, vendor: str, name: str, look: Look, actor: Actor = None, account_id: UUID | None = None
) -> VendorAccount:
    """Keep an account with a vendor; `look` is called with the tenant's id and its own after the commit.

    Raises ValidationError.
    """
    if vendor not in manifests():
        raise ValidationError({"vendor": f"There is no adapter for {vendor!r}; there is {', '.join(manifests())}."})
    with tenant_scope(tenant.pk):
        account = VendorAccount(id=account_id or uuid4(), tenant=tenant, vendor=vendor, name=name)
        account.full_clean()
        account.save()
        audit.record("rm_adapters.vendoraccount.created", account, actor=actor, after=audit.fields_of(account))
        # Robust: the account stands, and a person can ask for the look again.
        transaction.on_commit(lambda: look(account.tenant_id, account.pk), robust=True)
    return account


def look_for_devices(tenant_id: UUID, account_id: UUID, *, now: Callable[[], datetime]) -> None:
    """Ask the vendor what the account holds, and keep the answer, or why there was none that can be kept."""
    with tenant_scope(tenant_id):
        account = VendorAccount.objects.filter(pk=account_id).first()
    if account is None:
        return
    try:
        found = VendorLine(vendor_named(account.vendor), account, now).discover()
        _keep(account, devices=_FOUND.dump_python(found, mode="json"), looked_at=now(), last_error="")
    except (AdapterError, UnknownVendor, DataError, PydanticSerializationError) as error:
        unkept = isinstance(error, DataError | PydanticSerializationError)
        text = "a value of the adapter is none that JSON can hold" if unkept else in_short(error, ERROR_CHARACTERS)
        log.warning("rm.look_failed", account_id=str(account_id), error=text)
        _keep(account, last_error=text)


def _keep(account: VendorAccount, **changes: Any) -> None:
    with tenant_scope(account.tenant_id):
        VendorAccount.objects.filter(pk=account.pk).update(**changes)


def register(
    *,
    account: VendorAccount,
    device_key: str,
    site: Site,
    device_type: DeviceType,
    name: str = "",
    serial_number: str = "",
    preferences: Mapping[str, Any] | None = None,
    actor: Actor = None,
    device_id: UUID | None = None,
) -> HostedRM:
    """A device of the account with its hosted RM, linked to the site's hosted CEM.

    Without name or serial number it is known by those of the vendor; one that has no name there, by its id.
    """
    told = next((each for each in account.devices if each["key"] == device_key), None)
    if told is None:
        there = ", ".join(each["key"] for each in account.devices) or "nothing that is known yet"
        raise ValidationError({"device_key": f"The account has no device {device_key!r}; it has {there}."})
    if site.tenant_id != account.tenant_id:
        raise ValidationError({"site": "The site and the account belong to different tenants."})
    wanted = checked_preferences(preferences or {})
    with tenant_scope(account.tenant_id):
        device = create_device(
            site=site,
            device_type=device_type,
            name=name or told["name"][:100] or device_key[:100],
            serial_number=serial_number or device_key[:100],
            actor=actor,
            device_id=device_id,
            hosted=True,
        )
        owner = {"tenant_id": account.tenant_id, "account": account}
        hosted_rm = HostedRM(node=device.node, device_key=device_key, device=told, preferences=wanted, **owner)
        hosted_rm.full_clean(exclude=["node_role"])
        hosted_rm.save(force_insert=True)
        after = {"account_id": account.pk, "device_key": device_key, "preferences": wanted}
        audit.record("rm_adapters.hostedrm.created", hosted_rm, actor=actor, after=after)
    return hosted_rm


def set_preferences(hosted_rm: HostedRM, preferences: Mapping[str, Any], *, now: datetime, actor: Actor = None) -> None:
    """What the owner wants of the device, from now on."""
    wanted = checked_preferences(preferences)
    with tenant_scope(hosted_rm.tenant_id):
        before = {"preferences": HostedRM.objects.get(pk=hosted_rm.pk).preferences}
        # Due at once, since what is offered may follow from it; and a task at work has to read them first.
        HostedRM.objects.filter(pk=hosted_rm.pk).update(
            version=F("version") + 1, preferences=wanted, due_at=now, next_at=now
        )
        after = {"preferences": wanted}
        audit.record("rm_adapters.hostedrm.changed", hosted_rm, actor=actor, before=before, after=after)
    hosted_rm.preferences = wanted


def checked_preferences(preferences: Mapping[str, Any]) -> dict[str, Any]:
    """As they are stored. Raises ValidationError that names the field."""
    unknown = preferences.keys() - _PREFERENCE_NAMES
    if unknown:
        there = ", ".join(sorted(_PREFERENCE_NAMES))
        raise ValidationError({"preferences": f"There is no {min(unknown)!r}; there is {there}."})
    try:
        wanted = PREFERENCES.validate_python(preferences)
    except InvalidValue as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise ValidationError({"preferences": f"{place}: should be a pair of numbers or null."}) from None
    for reading, (low, high) in wanted.comfort.items():
        if not all(math.isfinite(each) for each in (low, high) if each is not None):
            raise ValidationError({"preferences": f"comfort.{reading}: should be a pair of numbers or null."})
        if low is not None and high is not None and not low <= high:
            raise ValidationError({"preferences": f"comfort.{reading}: the first number should be the lower one."})
    stored: dict[str, Any] = PREFERENCES.dump_python(wanted, mode="json")
    return stored


@receiver(reactivated)
def _attend_again(sender: Tenant, **_: object) -> None:
    rows.make_all_due(sender.pk)
