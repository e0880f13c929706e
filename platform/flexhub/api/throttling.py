"""Refuses calls that are too many."""

from __future__ import annotations

from typing import Any

from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from flexhub.api import rate_limits
from flexhub.api.authentication import client_of
from flexhub.api.buckets import Reading

# The problem type of draft-ietf-httpapi-ratelimit-headers-11 for a used-up quota.
QUOTA_EXCEEDED = "https://iana.org/assignments/http-problem-types#quota-exceeded"


class QuotaExceeded(APIException):
    """The header fields say which quota, and when to come back."""

    status_code = status.HTTP_429_TOO_MANY_REQUESTS
    kind = QUOTA_EXCEEDED

    def __init__(self, refused: list[Reading], detail: str | None = None) -> None:
        """Without `detail` it is told as that of whose name it bears."""
        names = [reading.quota.name for reading in refused]
        super().__init__(detail or f"Too many calls: the quota of this {' and of this '.join(names)} is used up.")
        self.more = {"violated-policies": names}


class QuotaThrottle(BaseThrottle):
    """Counts each call against the quotas of the client and of its tenant."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """Raises QuotaExceeded, which says more than the framework's own refusal."""
        view.readings = rate_limits.take_call(client_of(request))
        if refused := rate_limits.exceeded(view.readings):
            raise QuotaExceeded(refused)
        return True
