"""What an access token must have been issued for."""

from __future__ import annotations

from typing import Any

from rest_framework import status
from rest_framework.exceptions import APIException, NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from tenants.models import APIAccessToken


class MissingScope(APIException):
    """The token is valid, and was issued for less than this."""

    status_code = status.HTTP_403_FORBIDDEN

    def __init__(self, missing: list[str]) -> None:
        super().__init__(f"The access token lacks the scope {' '.join(missing)}.")
        self.more = {"missing_scopes": missing}
        # The framework sends this as WWW-Authenticate, with any status (RFC 6750, 3.1).
        self.auth_header = f'Bearer error="insufficient_scope", scope="{" ".join(missing)}"'


class HasScopes(BasePermission):
    """Demands all scopes that the view names for this method."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Raises MissingScope and NotAuthenticated."""
        if not isinstance(request.auth, APIAccessToken):
            raise NotAuthenticated
        missing = [scope for scope in view.scopes_for(request.method) if scope not in request.auth.scopes]
        if missing:
            raise MissingScope(missing)
        return True
