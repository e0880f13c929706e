"""A tenant's sites, and what their main meters read."""

from __future__ import annotations

from typing import ClassVar

from django.core.exceptions import ValidationError
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from cem_service import runtime
from cem_service.readings import MeterIsDevice, report_readings
from flexhub.api.authentication import client_of
from flexhub.api.problems import MEDIA_TYPE, ProblemSerializer
from flexhub.api.refusals import INVALID, REFUSALS, UNAVAILABLE, Conflict, InvalidRequest, Unavailable, checked
from flexhub.api.views import ScopedView
from flexhub.bus.errors import BusUnavailable
from flexhub.devices.models import Site
from flexhub.site_api.examples import PHASES, TOTALS
from flexhub.site_api.limit_views import NO_SITE, SITE
from flexhub.site_api.lookup import own_site
from flexhub.site_api.serializers import AfterSerializer, ReadingsSerializer, SitesSerializer, TakenSerializer
from tenants import api_scopes
from tenants.scope import tenant_scope

SITES_A_PAGE = 500


class SitesView(ScopedView):
    required_scopes = (api_scopes.SITES_READ,)

    @extend_schema(
        operation_id="sites_list",
        summary="Your sites",
        parameters=[AfterSerializer],
        responses={200: SitesSerializer, **REFUSALS, **INVALID},
        tags=["Sites"],
    )
    def get(self, request: Request) -> Response:
        """The sites of the tenant that the token belongs to, by name, 500 at a time."""
        after = checked(AfterSerializer(data=request.query_params))["after"]
        with tenant_scope(client_of(request).tenant_id):
            found = list(Site.objects.filter(name__gt=after).order_by("name")[: SITES_A_PAGE + 1])
        page = found[:SITES_A_PAGE]
        more = page[-1].name if len(found) > SITES_A_PAGE else None
        return Response(SitesSerializer({"sites": page, "next": more}).data)


class ReadingsView(ScopedView):
    required_scopes = (api_scopes.READINGS_WRITE,)
    examples: ClassVar = [
        OpenApiExample("Totals", value=TOTALS, request_only=True),
        OpenApiExample("Phases", value=PHASES, request_only=True),
    ]

    @extend_schema(
        operation_id="readings_report",
        summary="Readings of a main meter",
        parameters=[SITE],
        request=ReadingsSerializer,
        responses={
            202: TakenSerializer,
            **REFUSALS,
            **INVALID,
            **NO_SITE,
            (409, MEDIA_TYPE): OpenApiResponse(
                ProblemSerializer, "The site's main meter is a device of its own, which is believed."
            ),
            **UNAVAILABLE,
        },
        examples=examples,
        tags=["Sites"],
    )
    def post(self, request: Request, site_id: str) -> Response:
        """All are taken, or none. The site is looked at as soon as they are.

        A reading may be up to 7 days old, and lie a minute ahead of the hub's clock. One of the last 5 minutes counts
        for what devices are told now; older ones are history. The same moment sent twice is stored once.
        """
        client = client_of(request)
        site = own_site(client, site_id)
        sent = ReadingsSerializer(data=request.data)
        checked(sent)
        readings = sent.meter_readings()
        try:
            report_readings(site=site, readings=readings, tools=runtime.tools(), actor=client)
        except ValidationError as error:
            raise InvalidRequest.of(error) from error
        except MeterIsDevice as error:
            raise Conflict("The main meter of this site is a device of its own, which is believed.") from error
        except BusUnavailable as error:
            raise Unavailable("The readings cannot be taken now.") from error
        latest_at = max(one.at for one in readings)
        answer = TakenSerializer({"taken": len(readings), "latest_at": latest_at}).data
        return Response(answer, status=status.HTTP_202_ACCEPTED)
