"""Admin actions on one row that ask once more before they begin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse

from tenants.model_admin import TenantModelAdmin

_CONFIRMED = "confirmed"


def once_confirmed(
    page: TenantModelAdmin,
    request: HttpRequest,
    queryset: QuerySet[Any],
    *,
    text: str,
    verb: str,
    act: Callable[[Any], HttpResponseBase | None],
) -> HttpResponseBase | None:
    """Ask whether to `verb` the chosen row, saying `text`; once that was answered, do it."""
    chosen = list(queryset[:2])
    if len(chosen) != 1:
        page.message_user(request, f"Choose one {page.opts.verbose_name}.", messages.WARNING)
        return None
    if _CONFIRMED not in request.POST:
        return TemplateResponse(request, "tenants/confirm.html", _context(page, request, chosen[0], text, verb))
    return act(chosen[0])


def _context(page: TenantModelAdmin, request: HttpRequest, row: Model, text: str, verb: str) -> dict[str, Any]:
    return {
        **page.admin_site.each_context(request),
        "title": f"{verb} {row}?",
        "opts": page.opts,
        "row": row,
        "action": request.POST.get("action"),
        "confirmed": _CONFIRMED,
        "text": text,
        "verb": verb,
    }
