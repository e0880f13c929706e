"""The page that shows tenants how much of their quotas they use."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse

from flexhub.bus.connect import connect_worker
from flexhub.portal.pages import page_of, render
from flexhub.portal.usage import usage_of_all
from tenants import looks
from tenants.model_admin import actor_of

TENANTS_PER_PAGE = 50


def quotas(request: HttpRequest) -> HttpResponse:
    """How much of its quotas a tenant uses: one's own, or that of the id `tenant`. Operators get a table of all."""
    user = actor_of(request)
    if not user.has_perm("tenants.view_quota"):
        raise PermissionDenied
    found = usage_of_all(connect_worker(settings.REDIS_URL))
    wanted = request.GET.get("tenant", "")
    shown = [each for each in found if str(each.tenant.pk) == wanted] if wanted else found
    if not shown and wanted:
        raise Http404
    one = shown[0] if len(found) == 1 or wanted else None
    if one is not None:
        looks.note_object(user, one.tenant, what="portal.quotas")
    context = {
        "title": "Quotas",
        "one": one,
        "near": sum(each.is_near for each in found),
        "may_change": user.has_perm("tenants.change_quota"),
        **page_of(request, shown, TENANTS_PER_PAGE),
    }
    return render(request, "portal/quotas.html", context)
