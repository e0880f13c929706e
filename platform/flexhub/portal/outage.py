"""What people read while Redis is away and a page cannot do without it."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from kombu.exceptions import OperationalError

from flexhub.bus.errors import BusUnavailable

RETRY_AFTER_S = 10


class OutageMiddleware:
    """Answers 503 for what a view left to whoever calls it; nothing that the view wrote is kept.

    Signing in is such a page: without Redis nobody can tell how often somebody has guessed. Who is signed in stays so,
    since sessions are in PostgreSQL.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, BusUnavailable | OperationalError):
            return None
        response = render(request, "portal/unavailable.html", status=HTTPStatus.SERVICE_UNAVAILABLE)
        response["Retry-After"] = str(RETRY_AFTER_S)
        return response
