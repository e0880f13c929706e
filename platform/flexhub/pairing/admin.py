"""Admin pages of the nodes' tokens, and of the ends that the hub connects to."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminSelectWidget

from flexhub.devices.models import Link, Node, Site
from flexhub.pairing import dialled, services
from flexhub.pairing.addresses import is_elsewhere, is_token
from flexhub.pairing.models import DialledEnd, NodeToken, is_valid_token
from tenants import tokens
from tenants.admin import TenantForm, TenantModelAdmin, actor_of, show_token_once

_NOT = "not"
_OVERLAPS = (
    (_NOT, "are not touched"),
    ("0", "end at once"),
    ("3600", "end in an hour"),
    ("86400", "end in a day"),
    ("604800", "end in a week"),
)


def _overlap(seconds: str) -> timedelta | None:
    return None if seconds == _NOT else timedelta(seconds=int(seconds))


class NodeTokenForm(TenantForm):
    others = forms.TypedChoiceField(
        label="The node's other tokens",
        choices=_OVERLAPS,
        coerce=_overlap,
        empty_value=None,
        required=False,
        initial=_NOT,
        widget=UnfoldAdminSelectWidget,
        help_text="To change a device over: let them end once the device surely has the new one.",
    )

    def clean_expires_at(self) -> datetime | None:
        expires_at: datetime | None = self.cleaned_data["expires_at"]
        if expires_at is not None and expires_at <= timezone.now():
            raise ValidationError("A token expires in the future.")
        return expires_at


@admin.register(NodeToken)
class NodeTokenAdmin(TenantModelAdmin):
    form = NodeTokenForm
    list_display = (
        "node",
        "site",
        "fingerprint",
        "is_valid",
        "created_at",
        "last_used_at",
        "expires_at",
        "revoked_at",
    )
    list_filter = (("revoked_at", admin.EmptyFieldListFilter), "node__site")
    list_select_related = ("node__site",)
    search_fields = ("node__id", "node__name", "node__site__name")
    actions = ("revoke",)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        if obj is None:
            return ["node", "expires_at", "others"]
        tenant = ["tenant"] if actor_of(request).sees_all_tenants else []
        return [*tenant, "node", "fingerprint", "created_at", "last_used_at", "expires_at", "revoked_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        shown = ("fingerprint", "created_at", "last_used_at", "revoked_at") if obj is not None else ()
        return (*super().get_readonly_fields(request, obj), *shown)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """A token is issued and revoked; nothing about it can be edited."""
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return bool(self.has_delete_permission(request))

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the nodes that sign in and have room for one more token."""
        valid = Count("tokens", filter=is_valid_token("tokens__"))
        with_room = Node.objects.filter(hosted=False).annotate(valid_tokens=valid)
        kwargs["queryset"] = with_room.filter(valid_tokens__lt=services.MAX_TOKENS_PER_NODE)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @admin.display(description="site", ordering="node__site__name")
    def site(self, row: NodeToken) -> Site:
        return row.node.site

    @admin.display(description="token (start of its hash)")
    def fingerprint(self, row: NodeToken) -> str:
        return row.fingerprint

    @admin.display(description="valid", boolean=True)
    def is_valid(self, row: NodeToken) -> bool:
        return row.revoked_at is None and (row.expires_at is None or row.expires_at > timezone.now())

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Only ever adds. The plain text stays on the object for `response_add`."""
        options = {"expires_at": obj.expires_at, "actor": actor_of(request)}
        overlap: timedelta | None = form.cleaned_data["others"]
        if overlap is None:
            obj.plain_text = services.issue_node_token(obj.node, **options)
        else:
            obj.plain_text = services.replace_node_tokens(obj.node, overlap=overlap, **options)
        obj.pk = NodeToken.objects.get(token_hash=tokens.digest(obj.plain_text)).pk
        obj.refresh_from_db()

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        return show_token_once(self, request, owner=obj.node, token=obj.plain_text)

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[NodeToken]) -> None:
        rows = list(queryset.filter(revoked_at=None).select_related("node"))
        for row in rows:
            services.revoke_node_token(row, actor=actor_of(request))
        self.message_user(request, f"Tokens revoked: {len(rows)}.", messages.SUCCESS)


class DialledEndForm(TenantForm):
    """A token goes in and never comes out."""

    token = forms.CharField(
        required=False,
        strip=True,
        widget=UnfoldAdminPasswordWidget(render_value=False, attrs={"autocomplete": "new-password"}),
        help_text="What the hub shows as its bearer token. Empty: leave it as it is.",
    )
    forget_token = forms.BooleanField(required=False, help_text="Show no token any more.")

    def clean_token(self) -> str:
        token: str = self.cleaned_data["token"]
        if token and not is_token(token):
            raise ValidationError("A token has neither blanks nor accents, and at most 4096 characters.")
        return token

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        kept = "token" in values and self.new_token() is None and self.instance.sealed_token
        if kept and is_elsewhere(values.get("url", self.initial["url"]), self.initial["url"]):
            self.add_error("token", dialled.ANOTHER_SERVER)
        return values

    def new_token(self) -> str | None:
        """None: leave it."""
        if self.cleaned_data.get("forget_token"):
            return ""
        return self.cleaned_data["token"] or None


@admin.register(DialledEnd)
class DialledEndAdmin(TenantModelAdmin):
    form = DialledEndForm
    list_display = ("link", "role", "url", "enabled", "state", "since", "error")
    list_filter = ("state", "enabled", "role")
    list_select_related = ("link__rm_node", "link__cem_node")
    search_fields = ("url", "link__rm_node__name", "link__cem_node__name")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        token = ("token", "forget_token") if obj is not None else ("token",)
        shown = ("state", "since", "error") if obj is not None else ()
        tenant = ("tenant",) if obj is not None and actor_of(request).sees_all_tenants else ()
        return [*tenant, "link", "role", "url", *token, "enabled", *shown]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Another end is another row."""
        fixed = ("link", "role", "state", "since", "error") if obj is not None else ()
        return (*super().get_readonly_fields(request, obj), *fixed)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the links with an end that is not ours."""
        remote = Q(rm_node__hosted=False) | Q(cem_node__hosted=False)
        kwargs["queryset"] = Link.objects.filter(remote).select_related("rm_node", "cem_node")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        actor, token = actor_of(request), form.new_token()
        if change:
            dialled.change_dialled_end(obj, url=obj.url, token=token, enabled=obj.enabled, actor=actor)
        else:
            values = {"link": obj.link, "role": obj.role, "url": obj.url, "enabled": obj.enabled}
            obj.pk = dialled.create_dialled_end(**values, token=token or "", actor=actor).pk
        obj.refresh_from_db()
