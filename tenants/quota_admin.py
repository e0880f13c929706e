"""The page on which operators say what one tenant may have and do."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest

from tenants import quotas
from tenants.model_admin import TenantForm, TenantModelAdmin
from tenants.models import Quota
from tenants.quota_table import Quantity


class QuotaForm(TenantForm):
    """Shows the defaults where nothing else is said."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None:
            return
        defaults = quotas.defaults(self.instance.tenant.kind)
        for quantity in Quantity:
            if quantity in self.fields:
                self.fields[quantity].widget.attrs["placeholder"] = f"{defaults[quantity]} by default"


@admin.register(Quota)
class QuotaAdmin(TenantModelAdmin):
    """Others may look at their row; row-level security lets nobody but operators write one."""

    form = QuotaForm
    chooses_tenant = True
    list_display = ("__str__", "devices", "sessions", "messages_per_s", "api_calls_per_min")
    search_fields = ("tenant__name",)
    fields = tuple(quantity.value for quantity in Quantity)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        _forget_after_commit(obj)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """The defaults hold again."""
        _forget_after_commit(obj)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for obj in queryset:
            _forget_after_commit(obj)
        super().delete_queryset(request, queryset)


def _forget_after_commit(quota: Quota) -> None:
    tenant_id = quota.tenant_id
    transaction.on_commit(lambda: quotas.forget(tenant_id))
