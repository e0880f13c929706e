"""Admin pages of tenants, people and API clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.admin import StackedInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from tenants import (
    api_clients,
    audit_admin,  # noqa: F401 - Registers the trail.
)
from tenants.model_admin import ReadOnlyAdmin, TenantForm, TenantModelAdmin, actor_of, show_token_once
from tenants.models import APIClient, Membership, Tenant, User

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


@admin.register(APIClient)
class APIClientAdmin(TenantModelAdmin):
    chooses_tenant = True
    list_display = ("name", "is_active", "fingerprint", "created_at")
    list_filter = ("is_active",)
    search_fields = ("name",)
    fields = ("name", "is_active", "fingerprint", "created_at")
    readonly_fields = ("fingerprint", "created_at")
    actions = ("issue_token",)

    @admin.display(description="token (start of its hash)")
    def fingerprint(self, client: APIClient) -> str | None:
        return f"{client.token_hash[:8]}…" if client.token_hash else None

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """A new client's first token is shown right away."""
        token = api_clients.issue_token(obj, actor=actor_of(request))
        return show_token_once(self, request, owner=obj, token=token)

    @admin.action(description="Issue a new token, ending the old one", permissions=["change"])
    def issue_token(self, request: HttpRequest, queryset: QuerySet[APIClient]) -> HttpResponse | None:
        clients = list(queryset[:2])
        if len(clients) != 1:
            self.message_user(request, "Choose one client: a token is shown only once.", messages.WARNING)
            return None
        token = api_clients.issue_token(clients[0], actor=actor_of(request))
        return show_token_once(self, request, owner=clients[0], token=token)
