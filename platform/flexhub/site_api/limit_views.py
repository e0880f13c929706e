"""Limits of the grid at a site: listed, set, read and ended."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from cem_service import limits, runtime
from cem_service.grid_limit import REFERENCE
from cem_service.models import GridLimit
from flexhub.api.authentication import client_of
from flexhub.api.problems import MEDIA_TYPE, ProblemSerializer
from flexhub.api.refusals import INVALID, REFUSALS, InvalidRequest, checked
from flexhub.api.views import ScopedView
from flexhub.devices.models import Site
from flexhub.site_api.examples import LIMIT, LIMIT_WISH
from flexhub.site_api.lookup import NO_SUCH_SITE, limit_of, own_site
from flexhub.site_api.serializers import LimitSerializer, LimitWishSerializer, limit_answer
from tenants import api_scopes
from tenants.scope import tenant_scope

SITE = OpenApiParameter("site_id", OpenApiTypes.UUID, OpenApiParameter.PATH)
_REFERENCE = OpenApiParameter(
    "reference",
    {"type": "string", "pattern": f"^{REFERENCE}$"},
    OpenApiParameter.PATH,
    description="Yours to choose: what the grid operator calls it, for instance.",
)
NO_SITE: dict[tuple[int, str], OpenApiResponse] = {
    (404, MEDIA_TYPE): OpenApiResponse(ProblemSerializer, "No such site, or not yours.")
}
_NO_LIMIT: dict[tuple[int, str], OpenApiResponse] = {
    (404, MEDIA_TYPE): OpenApiResponse(ProblemSerializer, "No such site or limit, or not yours.")
}


class LimitsView(ScopedView):
    required_scopes = (api_scopes.LIMITS_READ,)

    @extend_schema(
        operation_id="limits_list",
        summary="Limits of a site",
        parameters=[SITE],
        responses={200: LimitSerializer(many=True), **REFUSALS, **NO_SITE},
        tags=["Sites"],
    )
    def get(self, request: Request, site_id: str) -> Response:
        """Those in force and those to come, by their start; 100 at most. Whoever set them: programs, or people."""
        site = own_site(client_of(request), site_id)
        now = runtime.tools().clock.now()
        with tenant_scope(site.tenant_id):
            rows = GridLimit.objects.open(now).filter(site=site).order_by("starts_at", "id")
            found = [limit_answer(row, now) for row in rows]
        return Response(LimitSerializer(found, many=True).data)


class LimitView(ScopedView):
    scopes_of_method: ClassVar = dict.fromkeys(("GET", "HEAD"), (api_scopes.LIMITS_READ,))
    required_scopes = (api_scopes.LIMITS_WRITE,)

    @extend_schema(
        operation_id="limit_read",
        summary="One limit",
        parameters=[SITE, _REFERENCE],
        responses={200: LimitSerializer, **REFUSALS, **_NO_LIMIT},
        tags=["Sites"],
    )
    def get(self, request: Request, site_id: str, reference: str) -> Response:
        """Also one that has ended or was withdrawn, for 90 days."""
        limit = limit_of(own_site(client_of(request), site_id), reference)
        return _answer(limit)

    @extend_schema(
        operation_id="limit_set",
        summary="Limit a site",
        parameters=[SITE, _REFERENCE],
        request=LimitWishSerializer,
        responses={200: LimitSerializer, **REFUSALS, **INVALID, **NO_SITE},
        examples=[
            OpenApiExample("Two hours at 4.2 kW", value=LIMIT_WISH, request_only=True),
            OpenApiExample("As it was set", value=LIMIT, response_only=True, status_codes=["200"]),
        ],
        tags=["Sites"],
    )
    def put(self, request: Request, site_id: str, reference: str) -> Response:
        """At most so many W, for a while. The site is looked at as soon as this is stored.

        The same reference again replaces what it stood for, so asking twice does no harm. Of several limits that hold
        at once the lowest counts; at least one of the three powers is given.
        """
        client, tools = client_of(request), runtime.tools()
        site = own_site(client, site_id)
        sent = LimitWishSerializer(data=request.data)
        checked(sent)
        try:
            limit = limits.set_limit(
                site=site, reference=reference, wish=sent.wish(tools.clock.now()), tools=tools, actor=client
            )
        except ValidationError as error:
            raise InvalidRequest.of(error) from error
        except Site.DoesNotExist as error:
            raise NotFound(NO_SUCH_SITE) from error
        return _answer(limit)

    @extend_schema(
        operation_id="limit_end",
        summary="End a limit now",
        parameters=[SITE, _REFERENCE],
        request=None,
        responses={204: None, **REFUSALS, **_NO_LIMIT},
        tags=["Sites"],
    )
    def delete(self, request: Request, site_id: str, reference: str) -> Response:
        """Withdraws it, in force or still to come. Doing it again, or after its end, changes nothing."""
        client = client_of(request)
        limit = limit_of(own_site(client, site_id), reference)
        limits.withdraw_limit(limit, tools=runtime.tools(), actor=client)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _answer(limit: GridLimit) -> Response:
    values: dict[str, Any] = limit_answer(limit, runtime.tools().clock.now())
    return Response(LimitSerializer(values).data)
