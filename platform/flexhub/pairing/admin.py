"""Admin page of the nodes' tokens."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse

from flexhub.devices.models import Node, Site
from flexhub.pairing import services
from flexhub.pairing.models import NodeToken
from tenants import tokens
from tenants.admin import TenantModelAdmin, actor_of, show_token_once


@admin.register(NodeToken)
class NodeTokenAdmin(TenantModelAdmin):
    list_display = ("node", "site", "fingerprint", "is_valid", "created_at", "revoked_at")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter), "node__site")
    list_select_related = ("node__site",)
    search_fields = ("node__id", "node__name", "node__site__name")
    fields = ("node",)
    actions = ("revoke",)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """A token is issued and revoked; nothing about it can be edited."""
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return bool(self.has_delete_permission(request))

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the nodes that sign in and have room for one more token."""
        valid = Count("tokens", filter=Q(tokens__revoked_at=None))
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
        return row.revoked_at is None

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Only ever adds. The plain text stays on the object for `response_add`."""
        obj.plain_text = services.issue_node_token(obj.node, actor=actor_of(request))
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
