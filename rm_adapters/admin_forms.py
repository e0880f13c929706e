"""What people fill in to link an account and to host the RM of one of its devices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from flexhub.devices.models import Device, DeviceType, Site
from rm_adapters.catalogue import manifests
from rm_adapters.models import HostedRM, VendorAccount
from rm_adapters.services import checked_preferences
from tenants.model_admin import TenantForm

#: A page with the devices of more accounts would be of no use to anybody.
ACCOUNTS_OFFERED = 1_000


class VendorAccountForm(TenantForm):
    vendor = forms.ChoiceField(
        choices=lambda: [(name, manifest.title) for name, manifest in manifests().items()],
        widget=UnfoldAdminSelectWidget,
    )


class HostedRMForm(TenantForm):
    """A hosted RM belongs to the tenant of its account. Once it is there, its preferences alone can be changed."""

    def clean_preferences(self) -> dict[str, Any]:
        wanted = self.cleaned_data["preferences"] or {}
        if not isinstance(wanted, dict):
            raise ValidationError("Should be an object.")
        try:
            return checked_preferences(wanted)
        except ValidationError as error:
            raise ValidationError(error.messages) from None


class NewHostedRMForm(HostedRMForm):
    vendor_device = forms.ChoiceField(
        label="device of an account",
        choices=lambda: [("", "---------"), *_offered()],
        widget=UnfoldAdminSelectWidget,
        help_text="Of the accounts that are linked, what their vendors have told of and nobody hosts yet.",
    )
    site = forms.ModelChoiceField(Site.objects.all(), widget=UnfoldAdminSelectWidget)
    device_type = forms.ModelChoiceField(DeviceType.objects.all(), widget=UnfoldAdminSelectWidget)
    name = forms.CharField(
        max_length=100, required=False, widget=UnfoldAdminTextInputWidget, help_text="Empty: as the vendor calls it."
    )
    serial_number = forms.CharField(
        max_length=100, required=False, widget=UnfoldAdminTextInputWidget, help_text="Empty: the vendor's own id."
    )

    def clean_vendor_device(self) -> str:
        account_id, _, key = self.cleaned_data["vendor_device"].partition("/")
        self.account = VendorAccount.objects.get(pk=account_id)
        self.instance.account, self.instance.tenant_id = self.account, self.account.tenant_id
        return str(key)

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        site, key = values.get("site"), values.get("vendor_device")
        if key is None or site is None:
            return values
        if site.tenant_id != self.account.tenant_id:
            raise ValidationError({"site": "The site and the account belong to different tenants."})
        serial_number = values.get("serial_number") or key[:100]
        same = Device.objects.filter(
            tenant_id=site.tenant_id, device_type=values.get("device_type"), serial_number=serial_number
        )
        if same.exists():
            raise ValidationError({"serial_number": "This device is registered already."})
        return values


def _offered() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The devices that have no hosted RM, by account."""
    accounts = list(VendorAccount.objects.exclude(devices=[])[:ACCOUNTS_OFFERED])
    of_these = HostedRM.objects.filter(account__in=accounts).order_by()
    hosted: set[tuple[UUID, str]] = set(of_these.values_list("account_id", "device_key"))
    for account in accounts:
        free = [each for each in account.devices if (account.pk, each["key"]) not in hosted]
        if free:
            yield str(account), [(f"{account.pk}/{each['key']}", each["name"]) for each in free]
