"""Access tokens of API clients: issued for a secret, valid for some minutes, looked up with every call of the API."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from tenants import audit, tokens
from tenants.api_clients import lock_client
from tenants.audit import Actor
from tenants.models import APIAccessToken, APIClient, APIClientSecret
from tenants.scope import platform_scope, tenant_scope


class SecretEnded(Exception):
    """The secret has ended, or its client was switched off, since it was shown."""


def new_access_token() -> str:
    return tokens.new_token(tokens.ACCESS_PREFIX)


def store_access_token(
    token: str, secret: APIClientSecret, *, scopes: Iterable[str], now: datetime, lifetime: timedelta
) -> None:
    """Make a token valid. Raises SecretEnded.

    The lock is the one that those hold who end a secret or a client, so no token outlives either unseen.
    """
    with tenant_scope(secret.tenant_id):
        lock_client(secret.client)
        if not APIClientSecret.objects.valid(now).filter(pk=secret.pk).exists():
            raise SecretEnded
        APIAccessToken.objects.create(
            tenant_id=secret.tenant_id,
            client=secret.client,
            secret=secret,
            token_hash=tokens.digest(token),
            scopes=sorted(scopes),
            expires_at=now + lifetime,
        )


def find_access_token(token: str, *, now: datetime) -> APIAccessToken | None:
    """The valid token with its client and tenant; None for any other text.

    The look-up is by digest: how long it takes tells about digests of what was sent, never about a stored token.
    """
    if not token.startswith(tokens.ACCESS_PREFIX):
        return None
    with platform_scope("authenticate an API client"):
        rows = APIAccessToken.objects.select_related("client", "tenant")
        found: APIAccessToken | None = rows.filter(
            token_hash=tokens.digest(token),
            expires_at__gt=now,
            client__is_active=True,
            tenant__deactivated_at=None,
        ).first()
    return found


def revoke_access_token(client: APIClient, token: str) -> None:
    """End one of the client's own tokens. A text that is none is as good as ended (RFC 7009, 2.2)."""
    with tenant_scope(client.tenant_id):
        client.access_tokens.filter(token_hash=tokens.digest(token)).delete()


def end_access_tokens(client: APIClient, *, actor: Actor = None) -> None:
    """End all tokens of a client at once; its secrets stay what they are."""
    with tenant_scope(client.tenant_id):
        lock_client(client)
        client.access_tokens.all().delete()
        audit.record("tenants.apiclient.access_tokens_ended", client, actor=actor)


def forget_expired(now: datetime) -> None:
    """Delete what is of no use any more, of all tenants."""
    with platform_scope("forget expired access tokens"):
        APIAccessToken.objects.filter(expires_at__lte=now).delete()
