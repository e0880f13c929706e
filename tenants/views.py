"""What every signed-in person may do, whomever they act for."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.middleware.csrf import rotate_token
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
    # What may be done with the session changes, and so does its key. What stands open in another window was for the
    # tenant before, and is not taken for this one.
    request.session.cycle_key()
    rotate_token(request)
    request.session[ACTING_FOR] = wanted
    with platform_scope("note for whom somebody acts"):
        audit.record("tenants.membership.chosen", chosen, actor=user)
    return redirect("admin:index")
