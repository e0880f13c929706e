"""The admin site: unfold's, with the pages of the portal beside those of the models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse

if TYPE_CHECKING:
    # unfold has no type information; its class extends Django's.
    from django.contrib.admin import AdminSite
else:
    from unfold.sites import UnfoldAdminSite as AdminSite


class HubAdminSite(AdminSite):
    index_template = "portal/index.html"
    index_title = "Dashboard"

    def extra_urls(self) -> list[URLPattern]:
        """Asked for by unfold, which puts them before the pages of the models."""
        # Views need models, which are not loaded when the site is made.
        from flexhub.portal import forecasts, quota_page, support, views, what_if
        from tenants.views import switch_tenant

        return [
            path("switch-tenant/", self.admin_view(switch_tenant), name="switch_tenant"),
            path("poison/", self.admin_view(views.poison), name="poison"),
            path("support/", self.admin_view(support.supported), name="supported"),
            path("support/products/", self.admin_view(support.product_health), name="product_health"),
            path("support/<uuid:device_id>/", self.admin_view(support.supported_device), name="supported_device"),
            path("quotas/", self.admin_view(quota_page.quotas), name="quotas"),
            path("sites/<uuid:site_id>/forecasts/", self.admin_view(forecasts.forecasts), name="site_forecasts"),
            path("sessions/", self.admin_view(views.sessions), name="sessions"),
            path("sites/<uuid:site_id>/what-if/", self.admin_view(what_if.what_if), name="what_if"),
            path(
                "sites/<uuid:site_id>/what-if/<uuid:answer_id>/",
                self.admin_view(what_if.answer),
                name="what_if_answer",
            ),
            path("links/<uuid:link_id>/conversation/", self.admin_view(views.conversation), name="link_conversation"),
            path(
                "links/<uuid:link_id>/conversation.jsonl",
                self.admin_view(views.recorded_conversation),
                name="link_recording",
            ),
        ]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Without colours, which unfold would write into a style within the page: ours are in `portal/colors.css`."""
        return {**super().each_context(request), "colors": None}

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one page to sign in at, and it is not this site's (`tenants.signin`).

        A page that refreshes a part of itself cannot show that form in there, so it is told to load anew.
        """
        if request.user.is_authenticated:
            if self.has_permission(request):
                return redirect("admin:index")
            raise PermissionDenied
        if "HX-Request" in request.headers:
            return HttpResponse(status=204, headers={"HX-Refresh": "true"})
        return redirect_to_login(request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index"))

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """No page of ours has its box, and unfold remembers what it found for a person, whomever they act for then."""
        raise Http404

    def autocomplete_view(self, request: HttpRequest) -> Any:
        # As with the views above.
        from flexhub.portal.completion import CompletionView

        return CompletionView.as_view(admin_site=self)(request)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Likewise on the pages of the account."""
        return redirect("account_change_password")
