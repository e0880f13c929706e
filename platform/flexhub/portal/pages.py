"""What the portal's pages have in common: how they are cut into parts and put into the frame of the admin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse

from flexhub.devices.models import Site
from tenants import looks
from tenants.model_admin import actor_of


def page_of(request: HttpRequest, rows: Sequence[Any], size: int) -> dict[str, Any]:
    """The part that was asked for, and the rest of the query, for the links to the other parts."""
    page = Paginator(rows, size).get_page(request.GET.get("page"))
    query = request.GET.copy()
    query.pop("page", None)
    return {"page": page, "query": query.urlencode()}


def site_looked_at(request: HttpRequest, site_id: UUID, *, permission: str, page: str) -> Site:
    """Whose page, named `page`, the person looks at; who works for the platform leaves a row in the tenant's trail.

    Raises PermissionDenied, and Http404 for one that they do not see.
    """
    user = actor_of(request)
    if not user.has_perm(permission):
        raise PermissionDenied
    site = get_object_or_404(Site, pk=site_id)
    looks.note_object(user, site, what=page)
    return site


def render(request: HttpRequest, template: str, context: Mapping[str, Any]) -> HttpResponse:
    return TemplateResponse(request, template, {**admin.site.each_context(request), **context})
