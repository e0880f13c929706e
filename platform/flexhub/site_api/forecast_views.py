"""How good the forecasts of a site have been, and which of them its plans stand on."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cem_service.domain.forecasts import ForecastSource
from cem_service.forecast_page import SeriesForecasts, forecasts_page
from cem_service.telling import reason_in_words
from flexhub.api.authentication import client_of
from flexhub.api.refusals import REFUSALS
from flexhub.api.views import ScopedView
from flexhub.devices.models import Site
from flexhub.site_api.limit_views import NO_SITE, SITE
from flexhub.site_api.lookup import own_site
from flexhub.site_api.plan_serializers import ReasonSerializer
from flexhub.site_api.plan_views import LANGUAGE
from tenants import api_scopes
from tenants.scope import tenant_scope

_SOURCES = [source.value for source in ForecastSource]

Serializer = serializers.Serializer[Any]


class SourceSerializer(Serializer):
    # A field of a serializer has a `source` of its own, which this one is not.
    source = serializers.ChoiceField(choices=_SOURCES)  # type: ignore[assignment]
    days = serializers.IntegerField(help_text="How many days were judged.")
    nmae = serializers.FloatField(help_text="Mean absolute error, as a share of the mean power.")
    pinball = serializers.FloatField(help_text="Mean quantile loss, as a share of the mean power.")
    used = serializers.BooleanField(help_text="The latest plan stands on it.")
    trusted = serializers.BooleanField(help_text="It was better than the day before repeated.")


class SeriesSerializer(Serializer):
    name = serializers.CharField(help_text="`Base load`, or a device that is not steered, such as panels.")
    learned_at = serializers.DateTimeField(allow_null=True, help_text="Null: not yet.")
    sources = SourceSerializer(many=True, help_text="Over the past week, the best first.")
    reasons = ReasonSerializer(many=True, help_text="What the latest plan stands on, and how good that has been.")
    words = serializers.ListField(
        child=serializers.CharField(), help_text="The reasons in words, in the language of `Accept-Language`: en or nl."
    )


class ForecastsView(ScopedView):
    required_scopes = (api_scopes.PLANS_READ,)

    @extend_schema(
        operation_id="forecasts_list",
        summary="How good the forecasts of a site have been",
        parameters=[SITE, LANGUAGE],
        responses={200: SeriesSerializer(many=True), **REFUSALS, **NO_SITE},
        tags=["Sites"],
    )
    def get(self, request: Request, site_id: str) -> Response:
        """Of each series that plans need: what forecasts it, judged day by day against what was measured."""
        site = own_site(client_of(request), site_id)
        with tenant_scope(site.tenant_id):
            page = forecasts_page(site, settings.CLOCK.now())
        return Response(SeriesSerializer([_answer(site, one) for one in page["series"]], many=True).data)


def _answer(site: Site, series: SeriesForecasts) -> dict[str, Any]:
    """The values of SeriesSerializer."""
    return {
        "name": series.name,
        "learned_at": series.learned_at,
        "sources": [
            {
                "source": line.source.value,
                "days": line.score.days,
                "nmae": line.score.nmae,
                "pinball": line.score.pinball,
                "used": line.is_used,
                "trusted": line.is_trusted,
            }
            for line in series.sources
        ],
        "reasons": [reason.as_dict() for reason in series.reasons],
        "words": [reason_in_words(reason, site.timezone) for reason in series.reasons],
    }
