"""Says of each request where it comes from."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

from tenants.client_address import client_address
from tenants.origin import Origin, Via, bound, new_trace_id, trace_id_of

TRACE_HEADER = "X-Trace-Id"
_API_PREFIXES = ("/api/", "/oauth/")


class OriginMiddleware:
    """Binds the origin of a request, and answers with its trace id so that people can name it when they report.

    It is synchronous and stands before the others, so that their log lines bear the trace id too.
    """

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        origin = origin_of(request)
        with bound(origin):
            response = self.get_response(request)
        response.headers[TRACE_HEADER] = origin.trace_id
        return response


def origin_of(request: HttpRequest) -> Origin:
    trace_id = trace_id_of(request.headers.get("traceparent", ""))
    return Origin(via=_via(request.path), ip=ip_of(request), trace_id=trace_id or new_trace_id())


def ip_of(request: HttpRequest) -> str | None:
    """The client's address, behind the proxies that TRUSTED_PROXIES tells of."""
    forwarded_for = request.headers.get("X-Forwarded-For", "")
    return client_address(request.META.get("REMOTE_ADDR") or "", forwarded_for, settings.TRUSTED_PROXIES)


def _via(path: str) -> Via:
    if path.startswith(_API_PREFIXES):
        return Via.API
    return Via.ADMIN if path.startswith(reverse("admin:index")) else Via.WEB
