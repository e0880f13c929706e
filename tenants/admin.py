"""Admin pages of tenants and people; those of API clients and of the trail have files of their own."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from allauth.account.models import EmailAddress
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from unfold.admin import TabularInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from tenants import (
    api_client_admin,  # noqa: F401 - Registers API clients and their secrets.
    audit_admin,  # noqa: F401 - Registers the trail.
    deactivation,
    quota_admin,  # noqa: F401 - As above.
    retention_admin,  # noqa: F401 - As above.
)
from tenants.confirmation import once_confirmed
from tenants.household_admin import HouseholdPrivacyAdmin
from tenants.model_admin import ReadOnlyAdmin, TenantForm, TenantModelAdmin, actor_of, show_token_once
from tenants.models import Household, Membership, Tenant, User
from tenants.signin import notices

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
    list_display = ("name", "kind", "created_at", "deactivated_at")
    list_filter = ("kind", ("deactivated_at", admin.EmptyFieldListFilter))
    search_fields = ("name",)
    fields = ("name", "kind", "deactivated_at")
    readonly_fields = ("deactivated_at",)
    actions = ("deactivate", "reactivate")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """A tenant stays: its audit trail names it."""
        return False

    @admin.action(description="Deactivate", permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[Tenant]) -> HttpResponseBase | None:
        text = (
            "Its people can no longer act for it, its API clients and devices are refused, their sessions are closed at"
            " once, and nothing is planned, fetched or dialled for it. Its data stays. It can be reactivated."
        )
        act = partial(self._deactivate, request)
        return once_confirmed(self, request, queryset, text=text, verb="Deactivate", act=act)

    @admin.action(description="Reactivate", permissions=["change"])
    def reactivate(self, request: HttpRequest, queryset: QuerySet[Tenant]) -> HttpResponseBase | None:
        text = "Its people, API clients and devices are let in again, with the passwords, secrets and tokens they had."
        act = partial(self._reactivate, request)
        return once_confirmed(self, request, queryset, text=text, verb="Reactivate", act=act)

    def _deactivate(self, request: HttpRequest, tenant: Tenant) -> None:
        try:
            deactivation.deactivate(tenant, now=timezone.now(), actor=actor_of(request))
        except ValidationError as error:
            self.message_user(request, " ".join(error.messages), messages.ERROR)
        else:
            self.message_user(request, f"{tenant} is deactivated.", messages.SUCCESS)

    def _reactivate(self, request: HttpRequest, tenant: Tenant) -> None:
        deactivation.reactivate(tenant, actor=actor_of(request))
        self.message_user(request, f"{tenant} is active.", messages.SUCCESS)


class MembershipInline(TabularInline):  # type: ignore[misc]  # unfold ships no type information.
    model = Membership
    extra = 0
    min_num = 1


@admin.register(User)
class UserAdmin(_UserAdmin, TenantModelAdmin):
    """For operators. A tenant's own admins look after its memberships: a person may have others."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    inlines = (MembershipInline,)
    list_display = ("username", "works_for", "email", "is_active", "last_login")
    list_filter = ("memberships__tenant", "memberships__role", "is_active", "is_superuser")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Access", {"fields": ("is_active", "is_superuser")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        rows: QuerySet[User] = super().get_queryset(request).prefetch_related("memberships__tenant")
        return rows

    @admin.display(description="works for")
    def works_for(self, user: User) -> str:
        return ", ".join(f"{each.tenant} ({each.get_role_display()})" for each in user.memberships.all())

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Everyone added here signs in to the admin; what they see is up to their tenant."""
        if not change:
            obj.is_staff = True
        super().save_model(request, obj, form, change)
        if "email" in form.changed_data:
            # Who has the former address would otherwise still be sent links to a new password.
            EmailAddress.objects.filter(user=obj).exclude(email__iexact=obj.email).delete()
            if change:
                notices.address_changed(obj, form.initial["email"], actor=actor_of(request))

    def user_change_password(
        self,
        request: HttpRequest,
        id: str,  # noqa: A002 - Django's name.
        form_url: str = "",
    ) -> HttpResponse:
        response = super().user_change_password(request, id, form_url)
        if request.method == "POST" and response.status_code == 302:
            user = User.objects.get(pk=id)
            self._record(request, "password_changed", user)
            notices.password_changed(user, actor=actor_of(request))
        return response


@admin.register(Household)
class HouseholdAdmin(HouseholdPrivacyAdmin):
    chooses_tenant = True
    list_display = ("name", "site_count", "resident_count")
    search_fields = ("name", "id")
    fields = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        counts = {"sites_of_it": Count("sites", distinct=True), "residents_of_it": Count("memberships", distinct=True)}
        rows: QuerySet[Any] = super().get_queryset(request).annotate(**counts)
        return rows

    @admin.display(description="sites", ordering="sites_of_it")
    def site_count(self, household: Any) -> int:
        return int(household.sites_of_it)

    @admin.display(description="residents", ordering="residents_of_it")
    def resident_count(self, household: Any) -> int:
        return int(household.residents_of_it)


@admin.register(Membership)
class MembershipAdmin(TenantModelAdmin):
    """Who belongs to a tenant, and as what. New ones come by invitation, or from an operator on a person's page."""

    list_display = ("person", "email", "role", "household")
    list_filter = ("role", "household")
    list_select_related = ("user", "household")
    search_fields = ("user__username", "user__email", "household__name")
    fields = ("person", "email", "role", "household")
    readonly_fields = ("person", "email")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any | None = None) -> bool:
        return bool(super().has_change_permission(request, obj)) and not self._is_own(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any | None = None) -> bool:
        """One by one, and never one's own: a tenant with people keeps an admin."""
        allowed = bool(super().has_delete_permission(request, obj))
        return allowed and obj is not None and not self._is_own(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        self._require_admin(request)
        super().save_model(request, obj, form, change)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self._require_admin(request)
        super().delete_model(request, obj)

    def _require_admin(self, request: HttpRequest) -> None:
        """Ask once more, one request after the other: of two admins who end each other one is to be left.

        Raises PermissionDenied.
        """
        actor = actor_of(request)
        if actor.sees_all_tenants:
            return
        admins = Membership.objects.filter(tenant=actor.tenant, role=Membership.Role.ADMIN).order_by("pk")
        if actor.pk not in set(admins.select_for_update().values_list("user_id", flat=True)):
            raise PermissionDenied

    @admin.display(description="person", ordering="user__username")
    def person(self, membership: Membership) -> str:
        user = membership.user
        return f"{user.get_full_name()} ({user.username})" if user.get_full_name() else user.username

    @admin.display(description="email", ordering="user__email")
    def email(self, membership: Membership) -> str:
        return membership.user.email

    def _is_own(self, request: HttpRequest, membership: Membership | None) -> bool:
        return membership is not None and membership.user_id == actor_of(request).pk
