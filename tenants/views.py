"""What every signed-in person may do, whomever they act for."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from tenants import audit
from tenants.middleware import ACTING_FOR
from tenants.model_admin import actor_of
from tenants.scope import platform_scope


@require_POST
def switch_tenant(request: HttpRequest) -> HttpResponse:
    """Act for another of one's own tenants from now on. Leads to the first page: what was open is another tenant's."""
    user = actor_of(request)
    wanted = request.POST.get("tenant_id", "")
    chosen = next((each for each in user.all_memberships if str(each.tenant_id) == wanted), None)
    if chosen is None:
        raise Http404
    # What may be done with the session changes, and so does its key.
    request.session.cycle_key()
    request.session[ACTING_FOR] = wanted
    with platform_scope("note for whom somebody acts"):
        audit.record("tenants.membership.chosen", chosen, actor=user)
    return redirect("admin:index")
