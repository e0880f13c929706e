"""Admin pages of the registry. New rows are made by the services, which add what belongs to them."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count, Model, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from flexhub.devices import (
    services,
    support_admin,  # noqa: F401 - Registers its page.
)
from flexhub.devices.models import Device, DeviceType, Link, Node, Site, quirk_choices
from s2.strictness import QUIRK_TEXTS, Quirk
from tenants.admin import TenantForm, TenantModelAdmin, actor_of

# The page with the last messages of a link. It belongs to an app above this one and may not be installed.
CONVERSATION_VIEW = "admin:link_conversation"


class SiteForm(TenantForm):
    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        household, tenant = values.get("household"), values.get("tenant")
        owner = tenant.pk if tenant else self.instance.tenant_id or self.tenant_id_of_new()
        if household is not None and household.tenant_id != owner:
            raise ValidationError({"household": "This household is another tenant's."})
        return values


@admin.register(Site)
class SiteAdmin(TenantModelAdmin):
    form = SiteForm
    chooses_tenant = True
    list_display = ("name", "household", "timezone", "fuse_limit_w", "export_limit_w", "device_count", "main_meter")
    list_filter = ("household",)
    list_select_related = ("household", "main_meter")
    search_fields = ("name", "id")
    fields = (
        "name",
        "household",
        "timezone",
        "fuse_limit_w",
        "fuse_limit_per_phase_w",
        "export_limit_w",
        "main_meter",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request).annotate(devices_in_it=Count("devices"))
        return rows

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        fields = super().get_fields(request, obj)
        return fields if obj is not None else [field for field in fields if field != "main_meter"]

    def get_form(self, request: HttpRequest, obj: Any | None = None, change: bool = False, **kwargs: Any) -> Any:
        """Only the RM nodes of this very site can be its main meter."""
        form: Any = super().get_form(request, obj, change, **kwargs)
        if obj is not None and "main_meter" in form.base_fields:
            form.base_fields["main_meter"].queryset = Node.objects.filter(site=obj, role=Node.Role.RM)
        return form

    @admin.display(description="devices", ordering="devices_in_it")
    def device_count(self, site: Any) -> SafeString:
        url = reverse("admin:devices_device_changelist")
        return format_html('<a href="{}?site__id__exact={}">{}</a>', url, site.pk, site.devices_in_it)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        tenant: Any = obj.tenant if obj.tenant_id else actor_of(request).tenant
        values = {key: form.cleaned_data[key] for key in self.fields if key != "main_meter"}
        services.create_site(tenant=tenant, actor=actor_of(request), site_id=obj.pk, **values)
        obj.refresh_from_db()


def _quirks_explained() -> SafeString:
    """Below the boxes, because the labels beside them do not wrap."""
    texts = format_html_join("", "<li><code>{}</code>: {}</li>", ((quirk.value, QUIRK_TEXTS[quirk]) for quirk in Quirk))
    return format_html("{}<ul>{}</ul>", DeviceType._meta.get_field("quirks").help_text, texts)


class DeviceTypeForm(TenantForm):
    quirks = forms.MultipleChoiceField(
        choices=quirk_choices,
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_quirks_explained(),
    )


@admin.register(DeviceType)
class DeviceTypeAdmin(TenantModelAdmin):
    form = DeviceTypeForm
    notes_looks = False
    chooses_tenant = True
    list_display = ("brand", "model", "kind", "strictness")
    list_filter = ("kind", "brand", "strictness")
    search_fields = ("brand", "model")
    fields = ("brand", "model", "kind", "strictness", "quirks", "messages_per_s", "burst")

    def has_change_permission(self, request: HttpRequest, obj: Any | None = None) -> bool:
        """All read a type, its manufacturer alone changes it; the database would refuse anyone else."""
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or self._may_write(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any | None = None) -> bool:
        """One by one, and not while any device is of this type."""
        allowed = super().has_delete_permission(request, obj)
        return allowed and obj is not None and self._may_write(request, obj) and not services.is_in_use(obj)

    def _may_write(self, request: HttpRequest, device_type: DeviceType) -> bool:
        user = actor_of(request)
        return user.sees_all_tenants or (user.tenant is not None and user.tenant.pk == device_type.tenant_id)


class DeviceForm(TenantForm):
    """A device belongs to the tenant of its site."""

    def tenant_id_of_new(self) -> UUID | None:
        return self.instance.site.tenant_id if self.instance.site_id else None


@admin.register(Device)
class DeviceAdmin(TenantModelAdmin):
    form = DeviceForm
    list_display = ("name", "site", "device_type", "kind", "serial_number", "link")
    list_filter = ("device_type__kind", "site")
    list_select_related = ("site", "device_type", "node__rm_link")
    search_fields = ("name", "serial_number", "site__name", "id", "node__id")
    fields = ("site", "device_type", "name", "serial_number")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """A device that moves is a new device there: its node and its link belong to the site."""
        fields = super().get_readonly_fields(request, obj)
        return (*fields, "site") if obj is not None else fields

    @admin.display(description="kind", ordering="device_type__kind")
    def kind(self, device: Device) -> str:
        return device.device_type.get_kind_display()

    @admin.display(description="link")
    def link(self, device: Device) -> SafeString | None:
        link = getattr(getattr(device, "node", None), "rm_link", None)
        if link is None:
            return None
        return conversation_of(link) or _anchor("admin:devices_link_change", link, "link")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        values = {key: form.cleaned_data[key] for key in ("site", "device_type", "name", "serial_number")}
        services.create_device(actor=actor_of(request), device_id=obj.pk, **values)
        obj.refresh_from_db()


@admin.register(Node)
class NodeAdmin(TenantModelAdmin):
    list_display = ("name", "role", "hosted", "site", "device", "id")
    list_filter = ("role", "hosted", "site")
    list_select_related = ("site", "device")
    search_fields = ("name", "id", "site__name", "device__serial_number")
    fields = ("site", "role", "hosted", "device", "name", "id")
    readonly_fields = ("role", "hosted", "device", "id")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return super().get_fields(request, obj) if obj is not None else ["site", "name"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return (*fields, "site") if obj is not None else fields

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """A node added by hand is a CEM that will connect to us: the others come with their site or device."""
        if change:
            super().save_model(request, obj, form, change)
            return
        values = {key: form.cleaned_data[key] for key in ("site", "name")}
        services.create_cem_node(actor=actor_of(request), node_id=obj.pk, **values)
        obj.refresh_from_db()


class LinkForm(TenantForm):
    class Meta:
        help_texts: ClassVar = {"rm_node": "An RM has one link: making another ends it."}

    def clean(self) -> dict[str, Any]:
        ends: dict[str, Any] = super().clean() or {}
        if len({ends[name].tenant_id for name in ("rm_node", "cem_node") if name in ends}) > 1:
            raise ValidationError("Both ends of a link belong to one tenant.")
        return ends

    def validate_unique(self) -> None:
        """That an RM has one link only is no reason to refuse: the service ends the old one."""


@admin.register(Link)
class LinkAdmin(TenantModelAdmin):
    form = LinkForm
    list_display = ("device", "site", "cem_node", "created_at", "id")
    list_filter = ("rm_node__site",)
    list_select_related = ("rm_node__device", "rm_node__site", "cem_node")
    search_fields = ("id", "rm_node__name", "rm_node__id", "cem_node__id", "rm_node__site__name")
    fields = ("rm_node", "cem_node")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        fields = super().get_fields(request, obj)
        if obj is None:
            return fields
        shown = [*fields, "created_at", "id"]
        return ["conversation", *shown] if _has_conversations() else shown

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return fields if obj is None else (*fields, "conversation", "created_at", "id")

    def get_list_display(self, request: HttpRequest) -> Any:
        columns = tuple(super().get_list_display(request))
        return (*columns, "conversation") if _has_conversations() else columns

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """An RM that gets another CEM gets another link."""
        return False

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["queryset"] = Node.objects.filter(role=Node.Role.RM if db_field.name == "rm_node" else Node.Role.CEM)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @admin.display(description="device", ordering="rm_node__name")
    def device(self, link: Link) -> str:
        return link.rm_node.device.name if link.rm_node.device else link.rm_node.name

    @admin.display(description="site", ordering="rm_node__site__name")
    def site(self, link: Link) -> Site:
        return link.rm_node.site

    @admin.display(description="conversation")
    def conversation(self, link: Link) -> SafeString | None:
        return conversation_of(link)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        services.link_nodes(rm_node=obj.rm_node, cem_node=obj.cem_node, actor=actor_of(request), link_id=obj.pk)
        obj.refresh_from_db()


def conversation_of(link: Link) -> SafeString | None:
    """A link to the page with the messages of `link`; None where that page is not installed."""
    return _anchor(CONVERSATION_VIEW, link, "conversation") if _has_conversations() else None


def _has_conversations() -> bool:
    try:
        reverse(CONVERSATION_VIEW, args=[UUID(int=0)])
    except NoReverseMatch:
        return False
    return True


def _anchor(view: str, obj: Model, text: str) -> SafeString:
    return format_html(
        '<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>', reverse(view, args=[obj.pk]), text
    )
