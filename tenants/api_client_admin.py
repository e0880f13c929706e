"""Admin pages of API clients: who they are, their secrets, and how one secret takes over from another."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Max, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldBooleanWidget

from tenants import access_tokens, api_clients
from tenants.model_admin import ReadOnlyAdmin, TenantModelAdmin, actor_of
from tenants.models import APIClient, APIClientSecret

_NO_OVERLAP = 0
_OVERLAPS_H = {_NO_OVERLAP: "at once", 1: "in an hour", 24: "in 24 hours", 7 * 24: "in 7 days"}
_DEFAULT_OVERLAP_H = api_clients.DEFAULT_OVERLAP // timedelta(hours=1)


class NewSecretForm(forms.Form):
    overlap_h = forms.TypedChoiceField(
        label="The other secrets end",
        choices=list(_OVERLAPS_H.items()),
        coerce=int,
        initial=_DEFAULT_OVERLAP_H,
        widget=UnfoldAdminSelectWidget,
        help_text="Until then the program may use either. At once is for a secret that somebody else may know.",
    )
    end_tokens = forms.BooleanField(
        label="End the access tokens issued until now as well",
        required=False,
        widget=UnfoldBooleanWidget,
        help_text="The program asks for new ones by itself, with the new secret.",
    )


@admin.register(APIClient)
class APIClientAdmin(TenantModelAdmin):
    chooses_tenant = True
    list_display = ("name", "client_id", "is_active", "last_used", "created_at")
    list_filter = ("is_active",)
    search_fields = ("name",)
    fields = ("name", "is_active", "client_id", "created_at")
    readonly_fields = ("client_id", "created_at")
    actions = ("end_access_tokens",)
    actions_detail = ("new_secret",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[APIClient]:
        clients: QuerySet[APIClient] = super().get_queryset(request)
        return clients.annotate(last_used=Max("secrets__last_used_at"))

    @admin.display(description="client id")
    def client_id(self, client: APIClient) -> str:
        return client.client_id

    @admin.display(description="last token request", ordering="last_used")
    def last_used(self, client: APIClient) -> datetime | None:
        """To the minute."""
        found: datetime | None = getattr(client, "last_used", None)
        return found

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """A client that is switched off has lost its access tokens when it is switched on again."""
        super().save_model(request, obj, form, change)
        if change and not obj.is_active and "is_active" in form.changed_data:
            access_tokens.end_access_tokens(obj, actor=actor_of(request))

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """A new client's first secret is shown right away."""
        secret = api_clients.issue_secret(obj, now=timezone.now(), actor=actor_of(request))
        return self._show_once(request, obj, secret)

    @action(description="New secret", url_path="secret", permissions=["change"])  # type: ignore[untyped-decorator]  # unfold ships no type information.
    def new_secret(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Asks what becomes of the others, issues a secret, and shows it in the answer to that very POST."""
        client: APIClient | None = self.get_object(request, object_id)
        if client is None:
            return HttpResponseRedirect(reverse("admin:tenants_apiclient_changelist"))
        if not self.has_change_permission(request, client):
            raise PermissionDenied
        form = NewSecretForm(request.POST or None)
        if form.is_valid():
            try:
                return self._show_once(request, client, self._issued(request, client, form.cleaned_data))
            except ValidationError as error:
                form.add_error(None, error)
        context = self._context(request, f"New secret of {client}") | {"form": form, "client": client}
        return TemplateResponse(request, "tenants/new_secret.html", context)

    @admin.action(description="End all access tokens now", permissions=["change"])
    def end_access_tokens(self, request: HttpRequest, queryset: QuerySet[APIClient]) -> None:
        for client in queryset:
            access_tokens.end_access_tokens(client, actor=actor_of(request))
        self.message_user(request, "The access tokens have ended. With a valid secret, new ones can be had.")

    def _issued(self, request: HttpRequest, client: APIClient, wanted: dict[str, Any]) -> str:
        return api_clients.issue_secret(
            client,
            now=timezone.now(),
            overlap=timedelta(hours=wanted["overlap_h"]),
            end_tokens=wanted["end_tokens"],
            actor=actor_of(request),
        )

    def _show_once(self, request: HttpRequest, client: APIClient, secret: str) -> HttpResponse:
        context = self._context(request, "New secret") | {"client": client, "secret": secret}
        return TemplateResponse(request, "tenants/secret_once.html", context)

    def _context(self, request: HttpRequest, title: str) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "title": title, "opts": self.model._meta}


@admin.register(APIClientSecret)
class APIClientSecretAdmin(ReadOnlyAdmin):
    list_display = ("fingerprint", "client", "state", "created_at", "expires_at", "last_used_at")
    list_filter = ("client",)
    list_select_related = ("client",)
    search_fields = ("client__name",)
    fields = ("client", "fingerprint", "state", "created_at", "expires_at", "revoked_at", "last_used_at")
    readonly_fields = ("fingerprint", "state")
    actions = ("revoke", "revoke_with_tokens")

    @admin.display(description="secret (start of its hash)")
    def fingerprint(self, secret: APIClientSecret) -> str:
        return secret.fingerprint

    @admin.display(description="state")
    def state(self, secret: APIClientSecret) -> str:
        return secret.state(timezone.now())

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("tenants.change_apiclientsecret")

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[APIClientSecret]) -> None:
        self._revoke(request, queryset, end_tokens=False)

    @admin.action(description="Revoke, and end the access tokens issued for it", permissions=["revoke"])
    def revoke_with_tokens(self, request: HttpRequest, queryset: QuerySet[APIClientSecret]) -> None:
        self._revoke(request, queryset, end_tokens=True)

    def _revoke(self, request: HttpRequest, secrets: QuerySet[APIClientSecret], *, end_tokens: bool) -> None:
        for secret in secrets.select_related("client"):
            api_clients.revoke_secret(secret, now=timezone.now(), end_tokens=end_tokens, actor=actor_of(request))
        self.message_user(request, "Revoked: no access token is issued for them any more.", messages.SUCCESS)
