"""The REST API of aggregators."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from cem_service import runtime
from flexhub.api.authentication import client_of
from flexhub.api.problems import MEDIA_TYPE, ProblemSerializer
from flexhub.api.refusals import REFUSALS, Conflict, Unavailable
from flexhub.api.views import ScopedView
from flexhub.bus.errors import BusUnavailable
from flexhub.flexibility.errors import FlexibilityError
from flexhub.flexibility.examples import FLEXIBILITY
from flexhub.flexibility.loading import pool_flexibility
from flexhub.flexibility.models import Pool
from flexhub.flexibility.serializers import FlexibilitySerializer, PoolSerializer, as_answer
from tenants import api_scopes
from tenants.models import APIClient
from tenants.scope import tenant_scope

NO_SUCH_POOL = "There is no such pool."


class PoolsView(ScopedView):
    required_scopes = (api_scopes.POOLS_READ,)

    @extend_schema(
        operation_id="pools_list",
        summary="Your pools",
        responses={200: PoolSerializer(many=True), **REFUSALS},
        tags=["Pools"],
    )
    def get(self, request: Request) -> Response:
        """All pools of the tenant that the token belongs to, by name."""
        with tenant_scope(client_of(request).tenant_id):
            return Response(PoolSerializer(Pool.objects.all(), many=True).data)


class FlexibilityView(ScopedView):
    required_scopes = (api_scopes.FLEXIBILITY_READ,)

    @extend_schema(
        operation_id="pool_flexibility",
        summary="Flexibility of a pool over the next 24 hours",
        parameters=[OpenApiParameter("pool_id", OpenApiTypes.UUID, OpenApiParameter.PATH)],
        responses={
            200: FlexibilitySerializer,
            **REFUSALS,
            (404, MEDIA_TYPE): OpenApiResponse(ProblemSerializer, "No such pool, or not yours."),
            (409, MEDIA_TYPE): OpenApiResponse(
                ProblemSerializer,
                "So few sites are enrolled, or connected now, that figures could tell about one home.",
            ),
            (503, MEDIA_TYPE): OpenApiResponse(
                ProblemSerializer, "The state of the devices cannot be read now; see the Retry-After header."
            ),
        },
        examples=[
            OpenApiExample(
                "Twelve homes",
                value=FLEXIBILITY,
                description="Two of the 96 quarters. In the first, the homes together feed in 8.4 kW; they could take "
                "up to 40 kW more, or feed in up to 21 kW more.",
                response_only=True,
                status_codes=["200"],
            )
        ],
        tags=["Pools"],
    )
    def get(self, request: Request, pool_id: str) -> Response:
        """For each quarter hour: what the pool is expected to draw, and how far it can go above and below that.

        Power is in W at the grid connections, positive = consumption. Each quarter hour is judged **by itself**, within
        what every device offers, its storage range and its owner's targets, and within the fuse and export limit of
        each site. The figures are indicative: nothing is reserved by asking.
        """
        pool = _own_pool(client_of(request), pool_id)
        tools = runtime.tools()
        try:
            result = pool_flexibility(
                pool, bus=tools.bus, now=settings.CLOCK.now(), minimum_sites=settings.POOL_MINIMUM_SITES
            )
        except FlexibilityError as error:
            raise Conflict(str(error)) from error
        except BusUnavailable as error:
            raise Unavailable from error
        return Response(FlexibilitySerializer(as_answer(result)).data)


def _own_pool(client: APIClient, pool_id: str) -> Pool:
    """The client's pool. One answer for what is unknown, another tenant's, or no id at all."""
    try:
        wanted = UUID(pool_id)
    except ValueError as error:
        raise NotFound(NO_SUCH_POOL) from error
    with tenant_scope(client.tenant_id):
        pool = Pool.objects.filter(pk=wanted).first()
    if pool is None:
        raise NotFound(NO_SUCH_POOL)
    return pool
