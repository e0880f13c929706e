"""What a site's coming day would be like otherwise."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cem_service.models import HOURS_A_DAY, LARGEST_PRICE
from cem_service.what_if import MOST_COMFORT_PERCENT, NoAnswer, NothingConnected, Question, ask
from flexhub.api import rate_limits
from flexhub.api.authentication import client_of
from flexhub.api.problems import MEDIA_TYPE, ProblemSerializer
from flexhub.api.refusals import INVALID, REFUSALS, UNAVAILABLE, Conflict, Unavailable, checked
from flexhub.api.throttling import QuotaExceeded
from flexhub.api.views import ScopedView
from flexhub.bus.errors import BusUnavailable
from flexhub.site_api.fields import NumberField
from flexhub.site_api.limit_views import NO_SITE, SITE
from flexhub.site_api.lookup import own_site
from tenants import api_scopes

Serializer = serializers.Serializer[Any]


def _prices(what: str) -> serializers.ListField:
    price = NumberField(min_value=-LARGEST_PRICE, max_value=LARGEST_PRICE)
    return serializers.ListField(
        child=price,
        required=False,
        min_length=HOURS_A_DAY,
        max_length=HOURS_A_DAY,
        help_text=f"{what} in EUR/kWh, for each local hour of the day. Left out: as now. With either of the two given, "
        "feeds of prices and prices of weekends do not count.",
    )


class QuestionSerializer(Serializer):
    import_eur_per_kwh = _prices("What buying costs")
    export_eur_per_kwh = _prices("What feeding in earns")
    comfort_percent = NumberField(
        required=False,
        min_value=-MOST_COMFORT_PERCENT,
        max_value=MOST_COMFORT_PERCENT,
        help_text="How much more of what they hold stores are to keep, where they are to keep something: hot water, a "
        "full car, a reserve. Below 0: less.",
    )
    cem_off = serializers.BooleanField(
        required=False,
        help_text="Each device minds itself: batteries rest, cars and programs start at once, nothing is held back.",
    )


class OutcomeSerializer(Serializer):
    eur = serializers.FloatField(
        help_text="`bill_eur`, and what running devices costs, less the worth of what is in stores at the end."
    )
    bill_eur = serializers.FloatField(
        help_text="What the energy of the coming 24 hours costs, with peaks and carbon where the site counts them."
    )
    drawn_kwh = serializers.FloatField(help_text="From the grid.")
    fed_in_kwh = serializers.FloatField()
    peak_w = serializers.FloatField(help_text="The highest mean of a quarter hour.")
    missed = serializers.ListField(child=serializers.CharField(), help_text="Devices that cannot keep their targets.")


class ComparisonSerializer(Serializer):
    as_it_is = OutcomeSerializer()
    otherwise = OutcomeSerializer()


class WhatIfView(ScopedView):
    required_scopes = (api_scopes.PLANS_COMPUTE,)

    @extend_schema(
        operation_id="what_if",
        summary="The coming day, otherwise",
        parameters=[SITE],
        request=QuestionSerializer,
        responses={
            200: ComparisonSerializer,
            **REFUSALS,
            **INVALID,
            **NO_SITE,
            (409, MEDIA_TYPE): OpenApiResponse(ProblemSerializer, "No device of the site is connected."),
            **UNAVAILABLE,
        },
        examples=[OpenApiExample("Without an energy manager", value={"cem_off": True}, request_only=True)],
        tags=["Sites"],
    )
    def post(self, request: Request, site_id: str) -> Response:
        """Plans the next 24 hours twice from the site's present state, as it is and with what you change.

        The same planner makes both. Nothing is stored, and no device is told anything. A tenant may ask for 30 a
        minute, unless the operator says otherwise.
        """
        client = client_of(request)
        site = own_site(client, site_id)
        question = Question(**checked(QuestionSerializer(data=request.data)))
        self.readings = [*self.readings, *(taken := rate_limits.take_what_if(client.tenant_id))]
        if refused := rate_limits.exceeded(taken):
            raise QuotaExceeded(refused, "Too many questions: your tenant's quota of what-ifs is used up.")
        try:
            compared = ask(site, question)
        except NothingConnected as error:
            raise Conflict(str(error)) from error
        except NoAnswer as error:
            raise Unavailable(str(error)) from error
        except BusUnavailable as error:
            raise Unavailable("This cannot be computed now.") from error
        return Response(ComparisonSerializer(asdict(compared)).data)
