"""API clients on the REST API: `Authorization: Bearer fha_…`."""

from __future__ import annotations

from django.utils.functional import cached_property
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from tenants import api_clients
from tenants.models import APIClient

KEYWORD = "Bearer"


class ClientUser:
    """What the framework calls a user: here the program that holds a token."""

    is_authenticated = True
    is_active = True

    def __init__(self, client: APIClient) -> None:
        self.client = client

    @cached_property
    def pk(self) -> object:
        return self.client.pk

    def __str__(self) -> str:
        return str(self.client)


class APITokenAuthentication(BaseAuthentication):
    """One generic answer for every wrong token, so that none can be told from another."""

    def authenticate(self, request: Request) -> tuple[ClientUser, APIClient] | None:
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != KEYWORD.lower().encode():
            return None
        try:
            token = parts[1].decode("ascii") if len(parts) == 2 else ""
        except UnicodeDecodeError:
            token = ""
        client = api_clients.authenticate(token)
        if client is None:
            raise AuthenticationFailed("The token is not valid. Send 'Authorization: Bearer <API token>'.")
        return ClientUser(client), client

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - The framework's signature.
        return KEYWORD


class APITokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call] # The library registers classes so.
    target_class = APITokenAuthentication
    name = "apiToken"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:  # noqa: ARG002 - As above.
        return {"type": "http", "scheme": "bearer"}
