"""Admin pages of the accounts with vendors and of the hosted RMs behind them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import Count, Model, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from flexhub.bus.errors import BusUnavailable
from flexhub.devices.admin import conversation_of
from flexhub.devices.models import Site
from rm_adapters import removal, runtime, services
from rm_adapters.admin_forms import HostedRMForm, NewHostedRMForm, VendorAccountForm
from rm_adapters.catalogue import manifests
from rm_adapters.labels import in_words
from rm_adapters.models import HostedRM, VendorAccount
from tenants import audit
from tenants.model_admin import TenantModelAdmin, actor_of

_ONLY_SHOWN = (
    *("node", "site", "account", "vendor", "device_key", "conversation", "shown_state", "last_reading"),
    *("read_at", "due_at", "next_at", "failing_since", "last_error"),
)


@admin.register(VendorAccount)
class VendorAccountAdmin(TenantModelAdmin):
    form = VendorAccountForm
    chooses_tenant = True
    list_display = ("name", "vendor", "device_count", "hosted_count", "looked_at", "last_error")
    list_filter = ("vendor",)
    search_fields = ("name", "id")
    fields = ("vendor", "name")
    actions = ("look",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request).annotate(hosted=Count("hosted_rms"))
        return rows

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        fields = super().get_fields(request, obj)
        return fields if obj is None else [*fields, "found", "looked_at", "last_error"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return fields if obj is None else (*fields, "vendor", "found", "looked_at", "last_error")

    @admin.display(description="devices")
    def device_count(self, account: VendorAccount) -> int:
        return len(account.devices)

    @admin.display(description="hosted RMs", ordering="hosted")
    def hosted_count(self, account: Any) -> int:
        return int(account.hosted)

    @admin.display(description="devices")
    def found(self, account: VendorAccount) -> SafeString | None:
        rows = ((each["name"], each["kind"], each["key"]) for each in account.devices)
        return format_html_join("", "<p>{} ({}) <code>{}</code></p>", rows) or None

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        tenant: Any = obj.tenant if obj.tenant_id else actor_of(request).tenant
        services.link_account(
            tenant=tenant,
            vendor=form.cleaned_data["vendor"],
            name=form.cleaned_data["name"],
            look=runtime.send_look,
            actor=actor_of(request),
            account_id=obj.pk,
        )
        obj.refresh_from_db()

    @admin.action(description="Look for devices again", permissions=["change"])
    def look(self, request: HttpRequest, queryset: QuerySet[VendorAccount]) -> None:
        accounts = list(queryset)
        try:
            for account in accounts:
                audit.record("rm_adapters.vendoraccount.look_requested", account, actor=actor_of(request))
                runtime.send_look(account.tenant_id, account.pk)
        except BusUnavailable:
            self.message_user(request, "The task queue cannot be reached. Try again in a moment.", messages.ERROR)
            return
        self.message_user(request, f"Vendors are being asked: {len(accounts)}.", messages.SUCCESS)


@admin.register(HostedRM)
class HostedRMAdmin(TenantModelAdmin):
    """What it is told and what it says is in the conversation of its link; here is how it is."""

    form = HostedRMForm
    list_display = ("node", "site", "vendor", "shown_state", "last_reading", "last_error", "next_at")
    list_filter = ("account__vendor", ("failing_since", admin.EmptyFieldListFilter))
    list_select_related = ("node__site", "account")
    search_fields = ("node__name", "node__id", "node__site__name", "device_key", "account__name")
    actions = ("remove",)

    def get_form(self, request: HttpRequest, obj: Any | None = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            kwargs["form"] = NewHostedRMForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        if obj is None:
            return ["vendor_device", "site", "device_type", "name", "serial_number", "preferences"]
        tenant = ["tenant"] if self._shows_tenant(request) else []
        shown = [*tenant, "node", "site", ("account", "vendor"), "device_key", "preferences", "conversation"]
        state = ["shown_state", "last_reading", ("read_at", "due_at"), "next_at", ("failing_since", "last_error")]
        return [*shown, *state]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return fields if obj is None else (*fields, *_ONLY_SHOWN)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """It goes when its device has been given back: see the action."""
        return False

    def has_remove_permission(self, request: HttpRequest) -> bool:
        return bool(super().has_delete_permission(request))

    @admin.display(description="site", ordering="node__site__name")
    def site(self, row: HostedRM) -> Site:
        return row.node.site

    @admin.display(description="vendor", ordering="account__vendor")
    def vendor(self, row: HostedRM) -> str:
        manifest = manifests().get(row.account.vendor)
        return row.account.vendor if manifest is None else manifest.title

    @admin.display(description="state")
    def shown_state(self, row: HostedRM) -> SafeString:
        text, colour = in_words(row)
        return render_to_string("unfold/helpers/label.html", {"text": text, "type": colour})

    @admin.display(description="last reading", ordering="observed_at")
    def last_reading(self, row: HostedRM) -> str | None:
        if row.observed_at is None:
            return None
        return f"{timesince(row.observed_at, settings.CLOCK.now(), depth=1)} ago"

    @admin.display(description="conversation")
    def conversation(self, row: HostedRM) -> SafeString | None:
        link = getattr(row.node, "rm_link", None)
        return None if link is None else conversation_of(link)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        actor, now = actor_of(request), settings.CLOCK.now()
        if change:
            services.set_preferences(obj, form.cleaned_data["preferences"], now=now, actor=actor)
            return
        values = {key: form.cleaned_data[key] for key in ("site", "device_type", "name", "serial_number")}
        created = services.register(
            account=form.account,
            device_key=form.cleaned_data["vendor_device"],
            preferences=form.cleaned_data["preferences"],
            actor=actor,
            **values,
        )
        obj.pk = created.pk
        obj.refresh_from_db()

    @admin.action(description="Give the device back to itself, then remove it", permissions=["remove"])
    def remove(self, request: HttpRequest, queryset: QuerySet[HostedRM]) -> None:
        rows: list[HostedRM] = list(queryset)
        for row in rows:
            removal.remove(row, now=settings.CLOCK.now(), actor=actor_of(request))
        self.message_user(request, f"Being removed: {len(rows)}.", messages.SUCCESS)
