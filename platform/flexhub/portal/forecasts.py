"""The page that shows how good the forecasts of a site are."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from cem_service import reader
from cem_service.forecast_page import forecasts_page
from cem_service.telling import reason_in_words
from flexhub.devices.models import Site
from flexhub.portal.pages import render
from tenants import looks
from tenants.model_admin import actor_of


def forecasts(request: HttpRequest, site_id: UUID) -> HttpResponse:
    user = actor_of(request)
    if not user.has_perm("cem_service.view_forecastscore"):
        raise PermissionDenied
    site = get_object_or_404(Site, pk=site_id)
    looks.note_object(user, site, what="portal.forecasts")
    page = forecasts_page(site, settings.CLOCK.now())
    context = {
        "title": f"Forecasts of {site.name}",
        **page,
        "series": [(one, [reason_in_words(each, site.timezone) for each in one.reasons]) for one in page["series"]],
        "language": reader.language().code,
    }
    return render(request, "portal/forecasts.html", context)
