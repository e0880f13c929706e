"""Programs that call the REST API, with what they show to be let in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from tenants import access_tokens, api_clients
from tenants.api_scopes import scopes_of
from tenants.models import APIClient, Tenant
from tenants.services import create_api_client
from tests.support.registry import make_tenant


@dataclass(frozen=True, slots=True)
class Program:
    client: APIClient
    secret: str

    @property
    def credentials(self) -> dict[str, str]:
        """As they stand in the body of a request for a token."""
        return {"client_id": self.client.client_id, "client_secret": self.secret}

    def access_token(self, *scopes: str, lifetime_s: float = 600) -> str:
        """Issued past the OAuth2 server; without scopes, for all that the tenant may have."""
        now = timezone.now()
        secret = api_clients.authenticate_client(self.client.client_id, self.secret, now=now)
        assert secret is not None
        token = access_tokens.new_access_token()
        wanted = scopes or scopes_of(self.client.tenant.kind)
        lifetime = timedelta(seconds=lifetime_s)
        access_tokens.store_access_token(token, secret, scopes=wanted, now=now, lifetime=lifetime)
        return token


def make_program(tenant: Tenant | None = None, name: str = "trading desk") -> Program:
    """Of an aggregator, unless it is said whose."""
    client = create_api_client(tenant=tenant or make_tenant("Alder Aggregation", Tenant.Kind.AGGREGATOR), name=name)
    return Program(client, api_clients.issue_secret(client, now=timezone.now()))
