"""The owner's pages of support access."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from flexhub.devices import support
from flexhub.devices.models import Device, SupportGrant
from tenants.admin import ReadOnlyAdmin, TenantForm, actor_of
from tenants.model_admin import TenantModelAdmin
from tenants.scope import current_tenant_id

_PROPOSED = timedelta(days=7)


class SupportGrantForm(TenantForm):
    """A grant belongs to the tenant of its device."""

    def tenant_id_of_new(self) -> UUID | None:
        return self.instance.device.tenant_id if self.instance.device_id else None

    def clean_ends_at(self) -> datetime:
        ends_at: datetime = self.cleaned_data["ends_at"]
        try:
            support.check_end(ends_at)
        except ValidationError as error:
            raise ValidationError(error.message_dict["ends_at"]) from error
        return ends_at


@admin.register(SupportGrant)
class SupportGrantAdmin(ReadOnlyAdmin):
    form = SupportGrantForm
    list_display = ("device", "product", "created_at", "ends_at", "revoked_at", "is_living")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter), "device__device_type__brand")
    list_select_related = ("device__device_type",)
    search_fields = (
        "device__name",
        "device__serial_number",
        "device__device_type__brand",
        "device__device_type__model",
    )
    actions = ("revoke",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any | None = None) -> Any:
        return (*super().get_readonly_fields(request, obj), "product")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Given and revoked, and nothing else."""
        return bool(TenantModelAdmin.has_add_permission(self, request))

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return self.has_add_permission(request)

    def get_fields(self, request: HttpRequest, obj: Any | None = None) -> Any:
        if obj is None:
            return ["device", "ends_at"]
        tenant = ["tenant"] if actor_of(request).sees_all_tenants else []
        return [*tenant, "device", "product", "created_at", "ends_at", "revoked_at"]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer what is theirs: a device that one may only look at is not theirs to show."""
        owner_id = current_tenant_id()
        theirs = Device.objects.filter(tenant_id=owner_id) if owner_id else Device.objects.all()
        kwargs["queryset"] = theirs.select_related("device_type")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"ends_at": timezone.now() + _PROPOSED, **super().get_changeform_initial_data(request)}

    @admin.display(description="product", ordering="device__device_type__brand")
    def product(self, grant: SupportGrant) -> str:
        """Stands for its manufacturer, whose row only that one's own people can read."""
        return str(grant.device.device_type)

    @admin.display(description="living", boolean=True)
    def is_living(self, grant: SupportGrant) -> bool:
        return grant.revoked_at is None and grant.ends_at > timezone.now()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Only ever adds."""
        obj.pk = support.grant_support(obj.device, ends_at=obj.ends_at, actor=actor_of(request)).pk
        obj.refresh_from_db()

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[SupportGrant]) -> None:
        grants = list(queryset.living().select_related("device__device_type"))  # type: ignore[attr-defined]
        for grant in grants:
            support.revoke_support(grant, actor=actor_of(request))
        self.message_user(request, f"Grants revoked: {len(grants)}.", messages.SUCCESS)
