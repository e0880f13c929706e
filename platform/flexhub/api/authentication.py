"""Who calls: `Authorization: Bearer` with an access token (RFC 6750)."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from tenants import access_tokens, api_scopes
from tenants.models import APIAccessToken, APIClient

KEYWORD = "Bearer"
SCHEME = "oauth2"
TOKEN_PATH = "/oauth/token"  # noqa: S105 - An address.


class ClientUser:
    """What the framework calls a user: here the program that holds a token."""

    is_authenticated = True
    is_active = True

    def __init__(self, client: APIClient) -> None:
        self.client = client

    @property
    def pk(self) -> object:
        return self.client.pk

    def __str__(self) -> str:
        return str(self.client)


class AccessTokenAuthentication(BaseAuthentication):
    """One generic answer for every wrong token, so that none can be told from another."""

    def authenticate(self, request: Request) -> tuple[ClientUser, APIAccessToken] | None:
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != KEYWORD.lower().encode():
            return None
        text = parts[1].decode("latin-1") if len(parts) == 2 else ""
        token = access_tokens.find_access_token(text, now=timezone.now())
        if token is None:
            raise AuthenticationFailed(f"The access token is not valid. Ask {TOKEN_PATH} for a new one.")
        return ClientUser(token.client), token

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - The framework's signature.
        return KEYWORD


def client_of(request: Request) -> APIClient:
    """Who calls. Authentication and permission classes have made sure that there is one."""
    token = request.auth
    assert isinstance(token, APIAccessToken)  # noqa: S101 - No other authentication is configured.
    return token.client


class OAuth2Scheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call] # The library registers classes so.
    target_class = AccessTokenAuthentication
    name = SCHEME

    def get_security_definition(self, auto_schema: object) -> dict[str, Any]:  # noqa: ARG002 - As above.
        flow = {"tokenUrl": TOKEN_PATH, "scopes": api_scopes.DESCRIPTIONS}
        return {"type": "oauth2", "flows": {"clientCredentials": flow}}

    def get_security_requirement(self, auto_schema: Any) -> dict[str, list[str]]:
        """What the permission class demands, from the same place."""
        return {SCHEME: list(auto_schema.view.scopes_for(auto_schema.method))}
