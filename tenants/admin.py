"""Admin pages of tenants and people; those of API clients and of the trail have files of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from unfold.admin import StackedInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from tenants import (
    api_client_admin,  # noqa: F401 - Registers API clients and their secrets.
    audit_admin,  # noqa: F401 - Registers the trail.
    quota_admin,  # noqa: F401 - As above.
    retention_admin,  # noqa: F401 - As above.
)
from tenants.model_admin import ReadOnlyAdmin, TenantForm, TenantModelAdmin, actor_of, show_token_once
from tenants.models import Membership, Tenant, User

__all__ = ["ReadOnlyAdmin", "TenantForm", "TenantModelAdmin", "actor_of", "show_token_once"]

if TYPE_CHECKING:
    # The class takes a type parameter in its stubs only.
    _UserAdmin = DjangoUserAdmin[User]
else:
    _UserAdmin = DjangoUserAdmin

# Permissions come from the kind of the tenant (`tenants.roles`), so there are no groups to look after.
admin.site.unregister(Group)


@admin.register(Tenant)
class TenantAdmin(TenantModelAdmin):
    notes_looks = False
    list_display = ("name", "kind", "created_at")
    list_filter = ("kind",)
    search_fields = ("name",)
    fields = ("name", "kind")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """A tenant stays: its audit trail names it."""
        return False


class MembershipInline(StackedInline):  # type: ignore[misc]  # unfold ships no type information.
    model = Membership
    verbose_name = "tenant"
    verbose_name_plural = "tenant"


@admin.register(User)
class UserAdmin(_UserAdmin, TenantModelAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    inlines = (MembershipInline,)
    list_display = ("username", "tenant_name", "tenant_kind", "email", "is_active", "last_login")
    list_filter = ("membership__tenant", "is_active", "is_superuser")
    list_select_related = ("membership__tenant",)
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Access", {"fields": ("is_active", "is_superuser")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")

    @admin.display(description="tenant", ordering="membership__tenant__name")
    def tenant_name(self, user: User) -> str | None:
        return user.membership.tenant.name if hasattr(user, "membership") else None

    @admin.display(description="kind", ordering="membership__tenant__kind")
    def tenant_kind(self, user: User) -> str | None:
        return user.membership.tenant.get_kind_display() if hasattr(user, "membership") else None

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Everyone added here signs in to the admin; what they see is up to their tenant."""
        if not change:
            obj.is_staff = True
        super().save_model(request, obj, form, change)

    def user_change_password(
        self,
        request: HttpRequest,
        id: str,  # noqa: A002 - Django's name.
        form_url: str = "",
    ) -> HttpResponse:
        response = super().user_change_password(request, id, form_url)
        if request.method == "POST" and response.status_code == 302:
            self._record(request, "password_changed", User.objects.get(pk=id))
        return response
