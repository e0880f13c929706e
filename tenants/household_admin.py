"""Taking away and erasing all that is known about a household, in the admin: each asks once more before it begins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.utils import timezone

from tenants.downloads import download, new_file
from tenants.model_admin import TenantModelAdmin, actor_of
from tenants.models import Household, Membership
from tenants.privacy import erasure
from tenants.privacy.export import export
from tenants.privacy.holdings import StoreUnavailable

_CONFIRMED = "confirmed"


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
        return self._once_confirmed(request, queryset, text, "Export", self._export)

    @admin.action(description="Erase the household", permissions=["privacy"])
    def erase(self, request: HttpRequest, queryset: QuerySet[Household]) -> HttpResponseBase | None:
        text = (
            "Its sites with all that is in them, their measurements and conversations, and the accounts of those who"
            " live there. Devices are shut out at once and the rest follows in some minutes. Nothing brings it back."
        )
        return self._once_confirmed(request, queryset, text, "Erase", self._erase)

    def _export(self, request: HttpRequest, household: Household) -> HttpResponseBase:
        file = new_file()
        try:
            export(household, file, actor=actor_of(request))
        except StoreUnavailable:
            file.close()
            raise
        return download(request, file, name=f"household-{household.pk}.zip", content_type="application/zip")

    def _erase(self, request: HttpRequest, household: Household) -> None:
        erasure.request(household, now=timezone.now(), actor=actor_of(request))
        self.message_user(request, f"{household} is shut out, and will be erased in some minutes.", messages.SUCCESS)

    def _once_confirmed(
        self,
        request: HttpRequest,
        queryset: QuerySet[Household],
        text: str,
        verb: str,
        act: Callable[[HttpRequest, Household], HttpResponseBase | None],
    ) -> HttpResponseBase | None:
        chosen = list(queryset[:2])
        if len(chosen) != 1:
            self.message_user(request, "Choose one household.", messages.WARNING)
            return None
        if _CONFIRMED not in request.POST:
            return TemplateResponse(
                request, "tenants/household_confirm.html", self._page(request, chosen[0], text, verb)
            )
        try:
            return act(request, chosen[0])
        except StoreUnavailable as error:
            self.message_user(request, f"{error}. Try again later.", messages.ERROR)
            return None

    def _page(self, request: HttpRequest, household: Household, text: str, verb: str) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "title": f"{verb} {household}?",
            "opts": self.opts,
            "household": household,
            "action": request.POST.get("action"),
            "confirmed": _CONFIRMED,
            "text": text,
            "verb": verb,
        }
