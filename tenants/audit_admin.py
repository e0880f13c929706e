"""The trail in the admin: found by time, actor, object, action, address or trace id, and taken away as a file."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import RangeDateTimeFilter

from tenants import audit_export, audit_search
from tenants.downloads import download, new_file
from tenants.model_admin import ReadOnlyAdmin, actor_of
from tenants.models import AuditEntry
from tenants.scope import current_tenant_id

if TYPE_CHECKING:
    # The class takes a type parameter in its stubs only.
    _Paginator = Paginator[AuditEntry]
else:
    _Paginator = Paginator

_FORMS = {
    "csv": (audit_export.write_csv, "text/csv; charset=utf-8"),
    "jsonl": (audit_export.write_jsonl, "application/jsonl"),
}


class BoundedPaginator(_Paginator):
    """Counts no further than people turn pages: the whole would be read for a number that nobody needs."""

    MOST = 10_000

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[: self.MOST].count())


class TimeFilter(RangeDateTimeFilter):  # type: ignore[misc]  # unfold ships no type information.
    """In UTC, as all times here. A day without a time of day counts from its beginning, or to its end."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        """Raises IncorrectLookupParameters for what is no time: a filter that is passed over shows too much."""
        for side, lookup, whole_day in (("from", "gte", time.min), ("to", "lte", time.max)):
            day, hour = (self.used_parameters.get(f"{self.parameter_name}_{side}_{part}") for part in (0, 1))
            if not day:
                continue
            try:
                at = time.fromisoformat(hour) if hour else whole_day
                moment = datetime.combine(date.fromisoformat(day), at, UTC)
            except ValueError as error:
                raise IncorrectLookupParameters(f"{day} {hour or ''} is no time.") from error
            queryset = queryset.filter(**{f"{self.parameter_name}__{lookup}": moment})
        return queryset


class ActorFilter(admin.SimpleListFilter):
    """From a list: asking the table for all kinds that are in it would read the whole of it."""

    title = "actor"
    parameter_name = "actor"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("tenants.user", "person"), ("tenants.apiclient", "API client"), ("system", "system")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        return queryset.filter(actor_type=self.value()) if self.value() else queryset


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "action", "object_name", "actor_name", "actor_type", "via", "ip")
    list_filter = (("at", TimeFilter), ActorFilter, "via")
    list_filter_submit = True
    list_before_template = "tenants/audit_export.html"
    # The search is `audit_search`; the name of a field only makes the box appear.
    search_fields = ("action",)
    search_help_text = "A trace id, address or network, id or action; or how the name of an object or actor begins."
    ordering = ("-at", "-id")
    paginator = BoundedPaginator
    fields = (
        "at",
        "action",
        ("object_name", "object_type"),
        "object_id",
        ("actor_name", "actor_type"),
        "actor_id",
        ("via", "ip"),
        "trace_id",
        "values_before",
        "values_after",
    )
    readonly_fields = ("values_before", "values_after")

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        """Row-level security chooses the same rows, but in a way that no index can serve."""
        rows: QuerySet[AuditEntry] = super().get_queryset(request)
        tenant_id = current_tenant_id()
        return rows if tenant_id is None else rows.filter(tenant_id=tenant_id)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEntry], search_term: str
    ) -> tuple[QuerySet[AuditEntry], bool]:
        return audit_search.matching(queryset, search_term), False

    def get_urls(self) -> list[URLPattern]:
        export = path("export.<str:form>", self.admin_site.admin_view(self.export), name="tenants_auditentry_export")
        return [export, *super().get_urls()]

    def export(self, request: HttpRequest, form: str) -> HttpResponseBase:
        """The rows of the list, by the same filters."""
        if form not in _FORMS:
            raise Http404
        if not self.has_view_permission(request):
            raise PermissionDenied
        write, content_type = _FORMS[form]
        file = new_file()
        try:
            rows = self.get_changelist_instance(request).get_queryset(request)
            owners = write(rows, file)
        except (audit_export.TooManyRows, IncorrectLookupParameters) as error:
            file.close()
            self.message_user(request, str(error) or "These filters mean nothing.", messages.ERROR)
            return redirect("admin:tenants_auditentry_changelist")
        audit_export.record(owners, actor=actor_of(request), form=form, chosen=request.GET.urlencode()[:500])
        return download(request, file, name=f"audit-trail.{form}", content_type=content_type)

    @admin.display(description="before")
    def values_before(self, entry: AuditEntry) -> SafeString:
        return _as_block(entry.before)

    @admin.display(description="after")
    def values_after(self, entry: AuditEntry) -> SafeString:
        return _as_block(entry.after)


def _as_block(values: dict[str, Any] | None) -> SafeString:
    text = json.dumps(values, indent=2, ensure_ascii=False) if values else "none"
    return format_html('<pre class="whitespace-pre-wrap">{}</pre>', text)
