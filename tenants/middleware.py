"""Opens the signed-in person's scope around each request."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, transaction
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from tenants.models import User
from tenants.scope import identity_scope, platform_scope, tenant_scope

# In the session: for which of their tenants a person acts, as text.
ACTING_FOR = "tenant_id"
_FAILED = "tenants.request_failed"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class TenantScopeMiddleware:
    """Runs a request in the scope of its person's membership: one transaction, committed unless the view raised.

    The session says for which tenant the person acts. Who acts for an operator gets the platform's scope, a resident
    that of the household. Where people sign in and look after their own account, IDENTITY_PATHS, it is the identity
    scope for everyone, save on OUTBOUND_PATHS: there views open scopes themselves, so that none is open while they wait
    for another server. An anonymous visitor elsewhere, and a person without a tenant, get none and see no row.
    It wraps the whole response and not the view alone, because templates are rendered after the view has returned. It
    is synchronous: under ASGI, Django then runs it, the view and its queries in one thread and so on one connection.
    A response that streams outlives the transaction, so what streams is a file (`tenants.downloads`).
    """

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        scope = _scope_of(request)
        if _is_meant_for_another(request):
            del request.session[ACTING_FOR]
            return redirect("admin:index")
        if scope is None:
            return self.get_response(request)
        with scope:
            response = self.get_response(request)
            if request.META.get(_FAILED):
                transaction.set_rollback(True, using=DEFAULT_DB_ALIAS)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """Django turns an exception of the view into a response before it reaches `__call__`, so it is noted here."""
        request.META[_FAILED] = True


def _is_meant_for_another(request: HttpRequest) -> bool:
    """A change for a tenant that the person has left since is not made for the next one of theirs."""
    user, chosen = request.user, request.session.get(ACTING_FOR)
    if request.method in _SAFE or chosen is None or not isinstance(user, User) or user.tenant is None:
        return False
    return str(user.tenant.pk) != chosen and not request.path_info.startswith(tuple(settings.IDENTITY_PATHS))


def _scope_of(request: HttpRequest) -> AbstractContextManager[None] | None:
    user = request.user
    if isinstance(user, User):
        user.act_for(request.session.get(ACTING_FOR))
        if user.tenant is not None and ACTING_FOR not in request.session:
            # Also of who never switched: what they begin now is for this tenant, and for none that comes after it.
            request.session[ACTING_FOR] = str(user.tenant.pk)
    if request.path_info.startswith(tuple(settings.OUTBOUND_PATHS)):
        return None
    if request.path_info.startswith(tuple(settings.IDENTITY_PATHS)):
        return identity_scope("a request about somebody's own account")
    if not isinstance(user, User):
        return None
    if user.sees_all_tenants:
        return platform_scope("a request of an operator")
    return tenant_scope(user.tenant.pk, user.household_id) if user.tenant else None
