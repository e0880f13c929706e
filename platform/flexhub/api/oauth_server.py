"""The OAuth2 server of API clients: oauthlib's, with our rows behind it.

oauthlib knows the protocol (RFC 6749, 7009, 7662) and asks the validator for everything that it cannot know. Its
documentation of `RequestValidator` says what each method is for and in which order they are called. Decision 0006 says
why django-oauth-toolkit does not stand between the two.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote_plus

from django.conf import settings
from django.utils import timezone
from oauthlib.common import Request
from oauthlib.oauth2 import BackendApplicationServer, RequestValidator
from oauthlib.oauth2.rfc6749.errors import InvalidClientError

from tenants import access_tokens, api_clients, api_scopes
from tenants.models import APIAccessToken, APIClientSecret

_BASIC = "basic"


class ClientCredentials(RequestValidator):
    """The validator of one request: it holds the secret that was shown, from its authentication to the token."""

    def __init__(self, now: datetime) -> None:
        super().__init__()
        self._now = now
        self._secret: APIClientSecret | None = None

    def client_authentication_required(self, request: Request, *args: Any, **kwargs: Any) -> bool:
        """All our clients can keep a secret."""
        return True

    def authenticate_client(self, request: Request, *args: Any, **kwargs: Any) -> bool:
        shown = credentials_of(request.headers.get("Authorization"), request.client_id, request.client_secret)
        if shown is None:
            return False
        self._secret = api_clients.authenticate_client(*shown, now=self._now)
        # Set in any case: until then oauthlib would take the parameter `client` of the body for it.
        request.client = None if self._secret is None else self._secret.client
        return self._secret is not None

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: Any, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        return grant_type == "client_credentials"

    def get_default_scopes(self, client_id: str, request: Request, *args: Any, **kwargs: Any) -> list[str]:
        """Who asks for nothing in particular gets all that it may have."""
        return sorted(api_scopes.scopes_of(self._shown.tenant.kind))

    def validate_scopes(
        self, client_id: str, scopes: list[str], client: Any, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        """An access token without any scope would be of no use, so it is not given."""
        return bool(scopes) and api_scopes.scopes_of(self._shown.tenant.kind).issuperset(scopes)

    def save_token(self, token: Mapping[str, Any], request: Request, *args: Any, **kwargs: Any) -> None:
        """Raises InvalidClientError when the secret has ended since it was shown."""
        try:
            access_tokens.store_access_token(
                token["access_token"],
                self._shown,
                scopes=set(request.scopes or ()),
                now=self._now,
                lifetime=timedelta(seconds=settings.API_ACCESS_TOKEN_S),
            )
        except access_tokens.SecretEnded:
            raise InvalidClientError(request=request) from None

    def revoke_token(self, token: str, token_type_hint: str, request: Request, *args: Any, **kwargs: Any) -> None:
        access_tokens.revoke_access_token(self._shown.client, token)

    def introspect_token(
        self, token: str, token_type_hint: str, request: Request, *args: Any, **kwargs: Any
    ) -> dict[str, Any] | None:
        """Of the client's own tokens; any other looks like none at all."""
        found = access_tokens.find_access_token(token, now=self._now)
        if found is None or found.client != self._shown.client:
            return None
        return _claims(found)

    @property
    def _shown(self) -> APIClientSecret:
        assert self._secret is not None  # noqa: S101 - oauthlib authenticates first, whatever it is asked.
        return self._secret


def server() -> BackendApplicationServer:
    """For one request."""
    return BackendApplicationServer(
        ClientCredentials(timezone.now()),
        token_generator=lambda _request: access_tokens.new_access_token(),
        token_expires_in=settings.API_ACCESS_TOKEN_S,
    )


def credentials_of(authorization: str | None, client_id: str | None, secret: str | None) -> tuple[str, str] | None:
    """Who says to be which client, and the secret: from the header, or else from the body (RFC 6749, 2.3.1).

    None where there is neither, or where there are both and so two answers.
    """
    if not authorization:
        return (client_id, secret) if client_id and secret else None
    shown = _from_basic(authorization)
    if shown is None or secret or client_id not in (None, "", shown[0]):
        return None
    return shown


def _from_basic(authorization: str) -> tuple[str, str] | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != _BASIC:
        return None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    client_id, colon, secret = text.partition(":")
    return (unquote_plus(client_id), unquote_plus(secret)) if colon else None


def _claims(token: APIAccessToken) -> dict[str, Any]:
    return {
        "scope": " ".join(token.scopes),
        "client_id": token.client.client_id,
        "token_type": "Bearer",
        "iat": int(token.created_at.timestamp()),
        "exp": int(token.expires_at.timestamp()),
    }
