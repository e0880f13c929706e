"""Admin pages of pools. Aggregators see their pools and how large they are, never the sites in them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from flexhub.flexibility import services
from flexhub.flexibility.models import Enrolment, Pool
from tenants.model_admin import TenantModelAdmin, actor_of


@admin.register(Pool)
class PoolAdmin(TenantModelAdmin):
    chooses_tenant = True
    list_display = ("name", "id")
    search_fields = ("name", "id")
    fields = ("name",)


@admin.register(Enrolment)
class EnrolmentAdmin(TenantModelAdmin):
    """The tenant is the site's, so it is never asked."""

    list_display = ("site", "pool")
    list_filter = ("pool",)
    list_select_related = ("site", "pool")
    search_fields = ("site__name", "pool__name")
    autocomplete_fields = ("site", "pool")
    fields = ("pool", "site")

    def has_view_permission(self, request: HttpRequest, obj: Any | None = None) -> bool:
        """The rows are the site owners'; an aggregator would find an empty list, so it is not shown one."""
        return bool(super().has_view_permission(request, obj)) and actor_of(request).sees_all_tenants

    def has_change_permission(self, request: HttpRequest, obj: Any | None = None) -> bool:
        """A site leaves one pool and is enrolled in another; the record of either is not rewritten."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        services.enrol_site(pool=obj.pool, site=obj.site, actor=actor_of(request), enrolment_id=obj.pk)
        obj.refresh_from_db()
