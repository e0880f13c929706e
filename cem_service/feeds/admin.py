"""Admin pages of feeds: what providers are asked, how old their answers are, and why one did not come."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.timesince import timesince, timeuntil
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminSelectWidget

from cem_service.domain.feed import SeriesKind
from cem_service.feeds import services
from cem_service.feeds.catalogue import manifests
from cem_service.feeds.labels import state_of
from cem_service.feeds.models import Feed
from cem_service.feeds.sdk import Manifest, settings_of
from tenants.model_admin import TenantForm, TenantModelAdmin, actor_of

_ONLY_SHOWN = (
    "provider",
    "wants",
    "shown_state",
    "age",
    "holds",
    "next_fetch",
    "failures",
    "failing_since",
    "last_error",
)


class FeedForm(TenantForm):
    """Settings are judged here by the provider's manifest, so that a person gets the answer beside the field."""

    credential = forms.CharField(
        required=False,
        max_length=services.MOST_CREDENTIAL_CHARACTERS,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text="What the provider wants to be shown. It is stored encrypted and never shown again; "
        "empty leaves the one that is there.",
    )

    def manifest(self) -> Manifest | None:
        return manifests().get(self.cleaned_data.get("provider") or self.instance.provider)

    def clean_settings(self) -> dict[str, Any]:
        said = self.cleaned_data["settings"] or {}
        manifest = self.manifest()
        if not isinstance(said, dict):
            raise ValidationError("Should be an object.")
        if manifest is None:
            return said
        try:
            return services.checked_settings(manifest, said)
        except ValidationError as error:
            raise ValidationError(error.messages) from None

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        manifest = self.manifest()
        if manifest is not None and "settings" in values:
            try:
                services.check_credential(
                    manifest, values.get("credential") or None, settings=values["settings"], former=self._former()
                )
            except ValidationError as error:
                self.add_error(None, error)
        return values

    def _former(self) -> Feed | None:
        """As it is stored: the form has changed its instance already."""
        return Feed.objects.filter(pk=self.instance.pk).first()


class NewFeedForm(FeedForm):
    provider = forms.ChoiceField(
        choices=lambda: [(name, manifest.title) for name, manifest in manifests().items()],
        widget=UnfoldAdminSelectWidget,
    )
    # Before the settings, which are judged by it.
    field_order = ("tenant", "provider")


@admin.register(Feed)
class FeedAdmin(TenantModelAdmin):
    form = FeedForm
    chooses_tenant = True
    list_display = ("name", "provider", "shown_state", "age", "next_fetch", "failures", "last_error")
    list_filter = ("provider", ("failing_since", admin.EmptyFieldListFilter))
    search_fields = ("name", "id")
    ordering = ("name",)
    fields = ("provider", "name", "settings", "credential")
    actions = ("fetch_now",)

    def get_form(self, request: HttpRequest, obj: Any | None = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            kwargs["form"] = NewFeedForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        fields = super().get_fields(request, obj)
        shown = [*fields, "shown_state", ("age", "next_fetch"), "holds", ("failures", "failing_since"), "last_error"]
        return fields if obj is None else [*shown[:2], "wants", *shown[2:]]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return fields if obj is None else (*fields, *_ONLY_SHOWN)

    @admin.display(description="what it can be told")
    def wants(self, feed: Feed) -> SafeString | None:
        manifest = manifests().get(feed.provider)
        if manifest is None:
            return None
        known = ((f"{each.name}{' (needed)' if each.required else ''}", each.help) for each in settings_of(manifest))
        return format_html_join("", "<p><code>{}</code> {}</p>", known) or None

    @admin.display(description="state")
    def shown_state(self, feed: Feed) -> SafeString:
        text, colour = state_of(feed, settings.CLOCK.now())
        return render_to_string("unfold/helpers/label.html", {"text": text, "type": colour})

    @admin.display(description="last answer", ordering="fetched_at")
    def age(self, feed: Feed) -> str | None:
        return f"{timesince(feed.fetched_at, settings.CLOCK.now(), depth=1)} ago" if feed.fetched_at else None

    @admin.display(description="next try", ordering="next_at")
    def next_fetch(self, feed: Feed) -> str:
        now = settings.CLOCK.now()
        return "now" if feed.next_at <= now else f"in {timeuntil(feed.next_at, now, depth=1)}"

    @admin.display(description="what it told")
    def holds(self, feed: Feed) -> SafeString | None:
        rows = feed.series.order_by("kind")
        told = (
            (row.kind, _known(row.series, SeriesKind(row.kind).unit), f"{row.ends_at:%Y-%m-%d %H:%M}") for row in rows
        )
        return format_html_join("", "<p>{}: {}, until {} UTC</p>", told) or None

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        actor, now = actor_of(request), settings.CLOCK.now()
        values = {key: form.cleaned_data[key] for key in ("name", "settings")}
        if change:
            services.change_feed(
                obj, credential=form.cleaned_data["credential"] or None, now=now, actor=actor, **values
            )
        else:
            tenant: Any = obj.tenant if obj.tenant_id else actor.tenant
            services.create_feed(
                tenant=tenant,
                provider=form.cleaned_data["provider"],
                credential=form.cleaned_data["credential"],
                now=now,
                actor=actor,
                feed_id=obj.pk,
                **values,
            )
        obj.refresh_from_db()

    @admin.action(description="Fetch now", permissions=["change"])
    def fetch_now(self, request: HttpRequest, queryset: QuerySet[Feed]) -> None:
        feeds = list(queryset)
        for feed in feeds:
            services.fetch_soon(feed, now=settings.CLOCK.now(), actor=actor_of(request))
        self.message_user(request, f"Being fetched: {len(feeds)}.")


def _known(stored: dict[str, Any], unit: str) -> str:
    told = stored.get("values", [])
    values = [value for value in told if value is not None]
    if not values:
        return "nothing"
    missing = f", {len(told) - len(values)} missing" if len(told) > len(values) else ""
    return f"{len(values)} values from {min(values):.4g} to {max(values):.4g} {unit}{missing}"
