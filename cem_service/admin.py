"""Admin pages of the hosted CEM: what it is asked to pursue, what it decided and why, and what devices answered."""

from __future__ import annotations

import json
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count, Model, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from cem_service import (
    forecast_admin,  # noqa: F401 - Registers its pages.
    limits_admin,  # noqa: F401 - Likewise.
    reader,
    runtime,
)
from cem_service.domain.decision import Objective
from cem_service.feeds.models import Feed
from cem_service.labels import RECEPTION_COLOURS, STATUS_COLOURS, trouble_with
from cem_service.models import Instruction, InstructionQuerySet, PlanRun, Pursuit, SiteObjectives, Tariff
from cem_service.objectives import FOLLOWED, WISHES, Wishes, check_follows, follow_feeds, set_objectives
from cem_service.plan_page import plan_page
from cem_service.telling import instruction_in_words, run_in_words
from cem_service.waking import wake_on_commit
from flexhub.devices.admin import conversation_of
from flexhub.devices.models import Site
from tenants.model_admin import ReadOnlyAdmin, TenantForm, TenantModelAdmin, actor_of
from tenants.scope import in_platform_scope

_STYLES = {"all": ["cem_service/admin.css"]}


class TariffForm(TenantForm):
    class Meta:
        _prices = "24 prices in EUR/kWh, one for each local hour from midnight on: [0.25, 0.25, …]."
        _weekend = "The same for Saturdays and Sundays. Empty: as on other days."
        help_texts: ClassVar = {
            "import_eur_per_kwh": _prices,
            "export_eur_per_kwh": _prices,
            "weekend_import_eur_per_kwh": _weekend,
            "weekend_export_eur_per_kwh": _weekend,
        }
        labels: ClassVar = {
            "import_eur_per_kwh": "Buying",
            "export_eur_per_kwh": "Feeding in",
            "weekend_import_eur_per_kwh": "Buying at weekends",
            "weekend_export_eur_per_kwh": "Feeding in at weekends",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.Meta.labels.keys() & self.fields.keys():
            self.fields[name].widget.attrs["rows"] = 3


@admin.register(Tariff)
class TariffAdmin(TenantModelAdmin):
    form = TariffForm
    chooses_tenant = True
    list_display = ("name", "buying", "feeding_in")
    ordering = ("name",)
    search_fields = ("name",)
    fields = (
        "name",
        "import_eur_per_kwh",
        "export_eur_per_kwh",
        "weekend_import_eur_per_kwh",
        "weekend_export_eur_per_kwh",
    )

    @admin.display(description="buying (EUR/kWh)")
    def buying(self, tariff: Tariff) -> str:
        return _range(tariff.import_eur_per_kwh)

    @admin.display(description="feeding in (EUR/kWh)")
    def feeding_in(self, tariff: Tariff) -> str:
        return _range(tariff.export_eur_per_kwh)


class ObjectivesForm(TenantForm):
    """Objectives belong to the tenant of their site, and so does the tariff that they name."""

    pursued = forms.MultipleChoiceField(
        choices=Pursuit.choices,
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=SiteObjectives._meta.get_field("pursued").help_text,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("tariff", *FOLLOWED):
            if name in self.fields:
                self._offer(self.fields[name])

    def _offer(self, field: Any) -> None:
        """What the site can follow; who sees all tenants and has not named a site yet is told whose each is."""
        if self.instance.site_id is not None:
            field.queryset = field.queryset.filter(tenant_id=self.instance.site.tenant_id)
        elif in_platform_scope():
            field.queryset = field.queryset.select_related("tenant")
            field.label_from_instance = lambda row: f"{row} ({row.tenant})"

    def tenant_id_of_new(self) -> UUID | None:
        return self._site.tenant_id if self._site else None

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        tariff = values.get("tariff")
        if tariff is not None and self._site is not None and tariff.tenant_id != self._site.tenant_id:
            raise ValidationError("The tariff and the site belong to different tenants.")
        for name in FOLLOWED.keys() & values.keys():
            self._check_feed(name, values[name])
        return values

    def _check_feed(self, name: str, feed: Feed | None) -> None:
        if feed is not None and self._site is not None and feed.tenant_id != self._site.tenant_id:
            self.add_error(name, "The feed and the site belong to different tenants.")
        try:
            check_follows(name, feed)
        except ValidationError as error:
            self.add_error(None, error)

    @property
    def _site(self) -> Site | None:
        if self.instance.site_id is not None:
            return self.instance.site  # type: ignore[no-any-return]  # TenantForm is for every model.
        return self.cleaned_data.get("site")


@admin.register(SiteObjectives)
class SiteObjectivesAdmin(TenantModelAdmin):
    form = ObjectivesForm
    list_display = ("site", "tariff")
    list_select_related = ("site", "tariff")
    search_fields = ("site__name", "tariff__name")
    fields = ("site", "tariff", *WISHES)
    autocomplete_fields = ("site",)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Another site has objectives of its own."""
        fields = super().get_readonly_fields(request, obj)
        return (*fields, "site") if obj is not None else fields

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Feeds are the provider's; its residents choose a tariff only."""
        fields = super().get_fields(request, obj)
        return [*fields, *FOLLOWED] if request.user.has_perm("feeds.view_feed") else fields

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        wishes = Wishes(**{name: form.cleaned_data[name] for name in WISHES})
        set_objectives(site=obj.site, tariff=obj.tariff, wishes=wishes, actor=actor_of(request))
        feeds = {name: form.cleaned_data[name] for name in FOLLOWED.keys() & set(form.changed_data)}
        if feeds:
            follow_feeds(site=obj.site, feeds=feeds, actor=actor_of(request))
        wake_on_commit(obj.site, runtime.tools())
        obj.refresh_from_db()


@admin.register(PlanRun)
class PlanRunAdmin(ReadOnlyAdmin):
    list_display = ("at", "kind", "site", "first_line", "instruction_count", "duration")
    list_filter = ("kind", ("site", AutocompleteSelectFilter))
    list_filter_submit = True
    list_select_related = ("site",)
    search_fields = ("site__name", "summary")
    ordering = ("-at",)
    change_form_template = "cem_service/plan_run.html"

    class Media:
        css = _STYLES

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Counted for the rows of the page only: a join would group all runs before it could sort them."""
        issued = Instruction.objects.filter(plan_run=OuterRef("pk")).order_by().values("plan_run")
        number = Subquery(issued.annotate(number=Count("pk")).values("number"))
        rows: QuerySet[Any] = super().get_queryset(request).defer("plan").annotate(issued=number)
        return rows

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        context |= plan_page(context["original"])
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="reasons")
    def first_line(self, run: PlanRun) -> str:
        first, *rest = run_in_words(run) or [""]
        return f"{first} …" if rest else first

    @admin.display(description="instructions", ordering="issued")
    def instruction_count(self, run: Any) -> int:
        return run.issued or 0

    @admin.display(description="took", ordering="duration_ms")
    def duration(self, run: PlanRun) -> str:
        return f"{run.duration_ms:.1f} ms"


class RefusedFilter(admin.SimpleListFilter):
    title = "answer"
    parameter_name = "refused"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Refused")]

    def queryset(self, request: HttpRequest, queryset: Any) -> InstructionQuerySet:
        instructions: InstructionQuerySet = queryset
        return instructions.refused() if self.value() == "yes" else instructions


class ObjectiveFilter(admin.SimpleListFilter):
    """From the list of objectives: asking the table for all that are in use would read the whole of it."""

    title = "objective"
    parameter_name = "objective"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(objective.value, _spaced(objective)) for objective in Objective]

    def queryset(self, request: HttpRequest, queryset: Any) -> InstructionQuerySet:
        instructions: InstructionQuerySet = queryset
        return instructions.filter(objective=self.value()) if self.value() else instructions


@admin.register(Instruction)
class InstructionAdmin(ReadOnlyAdmin):
    list_display = (
        "when",
        "shown_status",
        "shown_reception",
        "device_and_site",
        "what",
        "expected_power",
        "told_reason",
    )
    list_filter = (RefusedFilter, "status", ObjectiveFilter, ("site", AutocompleteSelectFilter))
    list_filter_submit = True
    list_filter_sheet = True
    list_fullwidth = True
    list_select_related = ("site", "link__rm_node")
    search_fields = ("id", "link__rm_node__name", "site__name", "reason")
    ordering = ("-issued_at",)
    fields = (
        ("shown_status", "status_at"),
        ("shown_reception", "conversation"),
        ("site", "device"),
        ("message_type", "goal"),
        ("issued_at", "ends_at"),
        ("power_before", "expected_power"),
        "told_reason",
        "broken_rules",
        ("run", "id"),
        "as_sent",
    )
    readonly_fields = (
        *("shown_status", "shown_reception", "conversation", "device", "goal", "power_before", "expected_power"),
        *("told_reason", "broken_rules", "run", "as_sent", "id"),
    )

    class Media:
        css = _STYLES

    @admin.display(description="when (UTC)", ordering="issued_at")
    def when(self, instruction: Instruction) -> SafeString:
        """Marked where the instruction had no effect; the style sheet colours the whole row by the mark."""
        day, hour = f"{instruction.issued_at:%Y-%m-%d}", f"{instruction.issued_at:%H:%M:%S}"
        trouble = trouble_with(instruction)
        if not trouble:
            return format_html("{}<br>{}", day, hour)
        icon = '<span class="material-symbols-outlined md-18 align-middle" aria-hidden="true">block</span>'
        return format_html(
            '<span class="refused-mark" title="{}">{} {}<br>{}</span>', trouble, SafeString(icon), day, hour
        )

    @admin.display(description="status", ordering="status")
    def shown_status(self, instruction: Instruction) -> SafeString:
        return _label(instruction.get_status_display(), STATUS_COLOURS.get(instruction.status))

    @admin.display(description="reception", ordering="reception")
    def shown_reception(self, instruction: Instruction) -> SafeString | None:
        reception = instruction.reception
        return _label(reception, RECEPTION_COLOURS.get(reception)) if reception else None

    @admin.display(description="device", ordering="link__rm_node__name")
    def device_and_site(self, instruction: Instruction) -> SafeString:
        return _two_lines(instruction.link.rm_node.name, instruction.site.name)

    @admin.display(description="instruction", ordering="message_type")
    def what(self, instruction: Instruction) -> SafeString:
        return _two_lines(instruction.message_type, _spaced(instruction.objective))

    @admin.display(description="device")
    def device(self, instruction: Instruction) -> str:
        return instruction.link.rm_node.name

    @admin.display(description="objective")
    def goal(self, instruction: Instruction) -> str:
        return _spaced(instruction.objective)

    @admin.display(description="power before")
    def power_before(self, instruction: Instruction) -> str:
        return f"{instruction.power_before_w:z,.0f} W"

    @admin.display(description="expected", ordering="expected_power_w")
    def expected_power(self, instruction: Instruction) -> str:
        return f"{instruction.expected_power_w:z,.0f} W"

    @admin.display(description="reason")
    def told_reason(self, instruction: Instruction) -> SafeString:
        return format_html('<span lang="{}">{}</span>', reader.language().code, instruction_in_words(instruction))

    @admin.display(description="conversation")
    def conversation(self, instruction: Instruction) -> SafeString | None:
        return conversation_of(instruction.link)

    @admin.display(description="plan run")
    def run(self, instruction: Instruction) -> SafeString | None:
        run = instruction.plan_run
        if run is None:
            return None
        url = reverse("admin:cem_service_planrun_change", args=[run.pk])
        return format_html('<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>', url, run)

    @admin.display(description="findings")
    def broken_rules(self, instruction: Instruction) -> SafeString | None:
        """Each one once: a message that was sent again was judged again."""
        findings = dict.fromkeys(
            (str(finding.get("rule")), str(finding.get("text")), str(finding.get("path")))
            for finding in instruction.findings
        )
        return format_html_join("", "<p><strong>{}</strong> {} <code>{}</code></p>", findings) or None

    @admin.display(description="message")
    def as_sent(self, instruction: Instruction) -> SafeString:
        text = json.dumps(instruction.message, indent=2, ensure_ascii=False)
        return format_html('<pre class="whitespace-pre-wrap">{}</pre>', text)


def _label(text: str, colour: str | None) -> SafeString:
    """As unfold's own, which it draws in lists only."""
    return render_to_string("unfold/helpers/label.html", {"text": text, "type": colour})


def _two_lines(first: str, second: str) -> SafeString:
    return format_html('{}<br><span class="text-subtle">{}</span>', first, second)


def _range(prices: list[float]) -> str:
    low, high = min(prices), max(prices)
    return f"{low:z.3f}" if low == high else f"{low:z.3f} to {high:z.3f}"


def _spaced(objective: str) -> str:
    return objective.replace("_", " ")
