"""The page that shows how good the forecasts of a site are."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from cem_service import reader
from cem_service.forecast_page import forecasts_page
from cem_service.telling import reason_in_words
from flexhub.portal.pages import render, site_looked_at


def forecasts(request: HttpRequest, site_id: UUID) -> HttpResponse:
    site = site_looked_at(request, site_id, permission="cem_service.view_forecastscore", page="portal.forecasts")
    page = forecasts_page(site, settings.CLOCK.now())
    context = {
        "title": f"Forecasts of {site.name}",
        **page,
        "series": [(one, [reason_in_words(each, site.timezone) for each in one.reasons]) for one in page["series"]],
        "language": reader.language().code,
    }
    return render(request, "portal/forecasts.html", context)
