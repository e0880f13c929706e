"""A site's coming day, otherwise: under another tariff, with other comfort, without its energy manager."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render as render_part
from django.views.decorators.http import require_http_methods, require_safe
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from cem_service.models import Tariff
from cem_service.what_if import MOST_COMFORT_PERCENT, Comparison, Question, WhatIfError, begin, look
from flexhub.api import rate_limits
from flexhub.bus.errors import BusUnavailable
from flexhub.devices.models import Site
from flexhub.portal.pages import render, site_looked_at


class WhatIfForm(forms.Form):
    tariff = forms.ModelChoiceField(
        Tariff.objects.none(),
        required=False,
        empty_label="as now",
        widget=UnfoldAdminSelectWidget,
        help_text="Counts instead of the site's own and of its feeds of prices.",
    )
    comfort_percent = forms.IntegerField(
        label="comfort (%)",
        initial=0,
        required=False,
        min_value=-MOST_COMFORT_PERCENT,
        max_value=MOST_COMFORT_PERCENT,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "numeric"}),
        help_text="How much more of what they hold stores are to keep; below 0: less.",
    )
    cem_off = forms.BooleanField(
        label="without the energy manager",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="Batteries rest, cars and programs start at once, and nothing is held back.",
    )

    def __init__(self, site: Site, data: Any = None) -> None:
        super().__init__(data)
        tariffs: Any = self.fields["tariff"]
        tariffs.queryset = Tariff.objects.filter(tenant_id=site.tenant_id).order_by("name")

    def question(self) -> Question:
        values, tariff = self.cleaned_data, self.cleaned_data["tariff"]
        return Question(
            import_eur_per_kwh=tariff and tariff.import_eur_per_kwh,
            export_eur_per_kwh=tariff and tariff.export_eur_per_kwh,
            weekend_import_eur_per_kwh=tariff and (tariff.weekend_import_eur_per_kwh or None),
            weekend_export_eur_per_kwh=tariff and (tariff.weekend_export_eur_per_kwh or None),
            comfort_percent=values["comfort_percent"] or 0,
            cem_off=values["cem_off"],
        )


@require_http_methods(["GET", "HEAD", "POST"])
def what_if(request: HttpRequest, site_id: UUID) -> HttpResponse:
    """A form, and below it what was asked last, which the page fetches when it is there. Nothing is stored."""
    site = _site(request, site_id)
    form = WhatIfForm(site, request.POST if request.method == "POST" else None)
    context: dict[str, Any] = {"title": f"What if: {site}", "site": site, "form": form}
    status = HTTPStatus.OK
    if form.is_valid():
        status = _asked(context, site, form.question())
    response = render(request, "portal/what_if.html", context)
    response.status_code = status
    return response


@require_safe
def answer(request: HttpRequest, site_id: UUID, answer_id: UUID) -> HttpResponse:
    """A part of the page; no content while a worker computes it, so that no request waits in its transaction."""
    site = _site(request, site_id)
    context: dict[str, Any] = {}
    try:
        found = look(site, str(answer_id))
    except WhatIfError as error:
        context["trouble"] = str(error)
    else:
        if found is None:
            return HttpResponse(status=HTTPStatus.NO_CONTENT)
        context["rows"] = _rows(found)
    return render_part(request, "portal/what_if_answer.html", context)


def _site(request: HttpRequest, site_id: UUID) -> Site:
    return site_looked_at(request, site_id, permission="cem_service.view_planrun", page="portal.what_if")


def _asked(context: dict[str, Any], site: Site, question: Question) -> HTTPStatus:
    """Adds the id of the answer, or what went wrong."""
    if rate_limits.exceeded(rate_limits.take_what_if(site.tenant_id)):
        context["trouble"] = "Too many questions in the last minute. Ask again in a moment."
        return HTTPStatus.TOO_MANY_REQUESTS
    try:
        context["answer_id"] = begin(site, question)
    except BusUnavailable:
        context["bus_is_down"] = True
    return HTTPStatus.OK


def _rows(compared: Comparison) -> list[tuple[str, str, str, str]]:
    """What, as it is, otherwise, and by how much that is more."""
    now, then = compared.as_it_is, compared.otherwise
    figures = (
        ("Cost (EUR)", "{:z,.2f}", now.eur, then.eur),
        ("Of it, the bill (EUR)", "{:z,.2f}", now.bill_eur, then.bill_eur),
        ("Drawn from the grid (kWh)", "{:z,.1f}", now.drawn_kwh, then.drawn_kwh),
        ("Fed in (kWh)", "{:z,.1f}", now.fed_in_kwh, then.fed_in_kwh),
        ("Highest quarter hour (W)", "{:z,.0f}", now.peak_w, then.peak_w),
    )
    rows = [
        (name, form.format(one), form.format(other), form.replace("z", "+z").format(other - one))
        for name, form, one, other in figures
    ]
    comfort = (", ".join(one.missed) or "all" for one in (now, then))
    missed = [f"not by {names}" if names != "all" else "by all" for names in comfort]
    return [*rows, ("Comfort kept", missed[0], missed[1], "")]
