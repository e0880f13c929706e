"""What the portal's pages have in common: how they are cut into parts and put into the frame of the admin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse


def page_of(request: HttpRequest, rows: Sequence[Any], size: int) -> dict[str, Any]:
    """The part that was asked for, and the rest of the query, for the links to the other parts."""
    page = Paginator(rows, size).get_page(request.GET.get("page"))
    query = request.GET.copy()
    query.pop("page", None)
    return {"page": page, "query": query.urlencode()}


def render(request: HttpRequest, template: str, context: Mapping[str, Any]) -> HttpResponse:
    return TemplateResponse(request, template, {**admin.site.each_context(request), **context})
