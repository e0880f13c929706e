"""Tokens of API clients."""

from tenants import audit, tokens
from tenants.audit import Actor
from tenants.models import APIClient
from tenants.scope import platform_scope, tenant_scope


def issue_token(client: APIClient, *, actor: Actor = None) -> str:
    """Give the client a new token and return it, for the only time. An older token of this client ends with it."""
    token = tokens.new_token(tokens.API_PREFIX)
    with tenant_scope(client.tenant_id):
        client.token_hash = tokens.digest(token)
        client.save(update_fields=["token_hash"])
        audit.record("tenants.apiclient.token_issued", client, actor=actor)
    return token


def authenticate(token: str) -> APIClient | None:
    """The active client that holds this token, with its tenant; None for any other text.

    The look-up is by digest: how long it takes tells about digests of what was sent, never about a stored token.
    """
    if not token.startswith(tokens.API_PREFIX):
        return None
    with platform_scope("authenticate an API client"):
        clients = APIClient.objects.select_related("tenant")
        return clients.filter(token_hash=tokens.digest(token), is_active=True).first()
