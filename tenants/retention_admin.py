"""How long a tenant's things are kept, in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from tenants.model_admin import TenantModelAdmin
from tenants.models import Retention
from tenants.scope import current_tenant_id

_DAYS = ("telemetry_days", "plan_days", "instruction_days", "conversation_days", "audit_days")


@admin.register(Retention)
class RetentionAdmin(TenantModelAdmin):
    chooses_tenant = True
    list_display = ("__str__", *_DAYS)
    search_fields = ("tenant__name",)
    fields = _DAYS

    def has_add_permission(self, request: HttpRequest) -> bool:
        """One for each tenant: whoever has one changes it."""
        allowed = bool(super().has_add_permission(request))
        return allowed and (current_tenant_id() is None or not Retention.objects.exists())
