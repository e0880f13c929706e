"""Opens the signed-in person's scope around each request."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from django.contrib.auth.models import AnonymousUser
from django.db import DEFAULT_DB_ALIAS, transaction
from django.http import HttpRequest, HttpResponseBase

from tenants.models import User
from tenants.scope import platform_scope, tenant_scope

_FAILED = "tenants.request_failed"


class TenantScopeMiddleware:
    """Runs a request in the scope of its user's tenant: one transaction, committed unless the view raised.

    An operator gets the platform's scope. An anonymous visitor, and a user without a tenant, get none and see no row.
    It wraps the whole response and not the view alone, because templates are rendered after the view has returned. It
    is synchronous: under ASGI, Django then runs it, the view and its queries in one thread and so on one connection.
    A response that streams outlives the transaction, so what streams is a file (`tenants.downloads`).
    """

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        scope = _scope_of(request.user)
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


def _scope_of(user: User | AnonymousUser) -> AbstractContextManager[None] | None:
    if not isinstance(user, User):
        return None
    if user.sees_all_tenants:
        return platform_scope("a request of an operator")
    return tenant_scope(user.tenant.pk) if user.tenant else None
