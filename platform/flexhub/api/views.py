"""The base of every view of the REST API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from flexhub.api import rate_limits
from flexhub.api.buckets import Reading
from flexhub.api.permissions import HasScopes
from flexhub.api.throttling import QuotaThrottle


class ScopedView(APIView):
    """A view for API clients. Each names the scopes that it demands; none is open to any token.

    A method that asks for others has them in `scopes_of_method`.
    """

    required_scopes: ClassVar[tuple[str, ...]]
    scopes_of_method: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    permission_classes = (HasScopes,)
    throttle_classes = (QuotaThrottle,)
    readings: list[Reading]

    @classmethod
    def scopes_for(cls, method: str | None) -> tuple[str, ...]:
        return cls.scopes_of_method.get(method or "", cls.required_scopes)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Each answer says what is left of the quotas. One that was refused before they were asked does not."""
        response = super().finalize_response(request, response, *args, **kwargs)
        for name, value in rate_limits.headers(getattr(self, "readings", [])).items():
            response[name] = value
        return response
