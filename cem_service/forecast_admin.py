"""How good the hosted CEM's forecasts are, day by day."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from cem_service.forecast_rows import BASE_LOAD
from cem_service.models import ForecastScore
from tenants.model_admin import ReadOnlyAdmin


@admin.register(ForecastScore)
class ForecastScoreAdmin(ReadOnlyAdmin):
    """Errors as a share of the mean power, of each source of each forecast."""

    list_display = ("start", "forecasts", "series", "source", "nmae_percent", "pinball_percent", "steps")
    list_filter: ClassVar = ("source",)
    list_select_related = ("site", "link__rm_node")
    ordering = ("-start", "site", "link", "source")
    search_fields = ("site__name", "link__rm_node__name")
    date_hierarchy = "start"

    @admin.display(description="site", ordering="site__name")
    def forecasts(self, score: ForecastScore) -> SafeString:
        """With the page that shows all of its forecasts side by side."""
        return format_html('<a href="{}">{}</a>', reverse("admin:site_forecasts", args=[score.site_id]), score.site)

    @admin.display(description="forecast of", ordering="link__rm_node__name")
    def series(self, score: ForecastScore) -> str:
        return BASE_LOAD if score.link is None else score.link.rm_node.name

    @admin.display(description="nMAE", ordering="nmae")
    def nmae_percent(self, score: ForecastScore) -> str:
        return f"{score.nmae:.0%}"

    @admin.display(description="pinball", ordering="pinball")
    def pinball_percent(self, score: ForecastScore) -> str:
        return f"{score.pinball:.0%}"
