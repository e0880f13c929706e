"""What a site's energy manager plans, what it told the devices, and why."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from cem_service.loading import read_plan
from cem_service.models import Instruction, PlanRun, PlanRunKind
from flexhub.api.authentication import client_of
from flexhub.api.problems import MEDIA_TYPE, ProblemSerializer
from flexhub.api.refusals import REFUSALS
from flexhub.api.views import ScopedView
from flexhub.devices.models import Link
from flexhub.site_api.limit_views import NO_SITE, SITE
from flexhub.site_api.lookup import own_site
from flexhub.site_api.plan_serializers import InstructionSerializer, PlanSerializer, instruction_answer, plan_answer
from tenants import api_scopes
from tenants.scope import tenant_scope

LATEST = 100
LANGUAGE = OpenApiParameter(
    "Accept-Language",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="In which language reasons are told: `en` or `nl`. Any other is answered in English.",
)


class PlanView(ScopedView):
    required_scopes = (api_scopes.PLANS_READ,)

    @extend_schema(
        operation_id="plan_read",
        summary="The latest plan of a site",
        parameters=[SITE, LANGUAGE],
        responses={
            200: PlanSerializer,
            **REFUSALS,
            (404, MEDIA_TYPE): OpenApiResponse(ProblemSerializer, "No such site, or not yours; or it has no plan yet."),
        },
        tags=["Sites"],
    )
    def get(self, request: Request, site_id: str) -> Response:
        """For the 24 hours from its start on, with what moved each device: an objective, a price or a limit."""
        site = own_site(client_of(request), site_id)
        with tenant_scope(site.tenant_id):
            runs = PlanRun.objects.filter(site=site, kind=PlanRunKind.PLAN).select_related("site")
            run = runs.order_by("-at").first()
            plan = read_plan(site.pk, run.plan) if run else None
            if run is None or plan is None:
                raise NotFound("The site has no plan yet.")
            links = Link.objects.filter(pk__in=plan.devices).values_list("pk", "rm_node__name")
            answer = plan_answer(run, plan, dict(links))
        return Response(PlanSerializer(answer).data)


class InstructionsView(ScopedView):
    required_scopes = (api_scopes.PLANS_READ,)

    @extend_schema(
        operation_id="instructions_list",
        summary="What the devices of a site were told",
        parameters=[SITE, LANGUAGE],
        responses={200: InstructionSerializer(many=True), **REFUSALS, **NO_SITE},
        tags=["Sites"],
    )
    def get(self, request: Request, site_id: str) -> Response:
        """The latest 100 instructions, newest first, each with its reason and with what became of it."""
        site = own_site(client_of(request), site_id)
        with tenant_scope(site.tenant_id):
            rows = Instruction.objects.filter(site=site).select_related("site", "link__rm_node")
            found = [instruction_answer(row) for row in rows.order_by("-issued_at", "id")[:LATEST]]
        return Response(InstructionSerializer(found, many=True).data)
