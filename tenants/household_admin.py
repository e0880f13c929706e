"""Taking away and erasing all that is known about a household, in the admin: each asks once more before it begins."""

from __future__ import annotations

from functools import partial

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from tenants.confirmation import once_confirmed
from tenants.downloads import download, new_file
from tenants.model_admin import TenantModelAdmin, actor_of
from tenants.models import Household, Membership
from tenants.privacy import erasure
from tenants.privacy.export import export
from tenants.privacy.holdings import StoreUnavailable


class HouseholdPrivacyAdmin(TenantModelAdmin):
    """For operators, and for the admins of the provider whose customer the household is."""

    actions = ("export_all", "erase")

    def has_privacy_permission(self, request: HttpRequest) -> bool:
        user = actor_of(request)
        is_admin = user.membership is not None and user.membership.role == Membership.Role.ADMIN
        return bool(self.has_delete_permission(request)) and (user.sees_all_tenants or is_admin)

    @admin.action(description="Export all that is known about the household", permissions=["privacy"])
    def export_all(self, request: HttpRequest, queryset: QuerySet[Household]) -> HttpResponseBase | None:
        text = "A file with all rows, measurements and conversations of its sites, and the people who live there."
        act = partial(self._export, request)
        return once_confirmed(self, request, queryset, text=text, verb="Export", act=act)

    @admin.action(description="Erase the household", permissions=["privacy"])
    def erase(self, request: HttpRequest, queryset: QuerySet[Household]) -> HttpResponseBase | None:
        text = (
            "Its sites with all that is in them, their measurements and conversations, and the accounts of those who"
            " live there. Devices are shut out at once and the rest follows in some minutes. Nothing brings it back."
        )
        act = partial(self._erase, request)
        return once_confirmed(self, request, queryset, text=text, verb="Erase", act=act)

    def _export(self, request: HttpRequest, household: Household) -> HttpResponseBase | None:
        file = new_file()
        try:
            export(household, file, actor=actor_of(request))
        except StoreUnavailable as error:
            file.close()
            self._say_later(request, error)
            return None
        return download(request, file, name=f"household-{household.pk}.zip", content_type="application/zip")

    def _erase(self, request: HttpRequest, household: Household) -> None:
        try:
            erasure.request(household, now=timezone.now(), actor=actor_of(request))
        except StoreUnavailable as error:
            self._say_later(request, error)
            return
        self.message_user(request, f"{household} is shut out, and will be erased in some minutes.", messages.SUCCESS)

    def _say_later(self, request: HttpRequest, error: StoreUnavailable) -> None:
        self.message_user(request, f"{error}. Try again later.", messages.ERROR)
