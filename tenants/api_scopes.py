"""What API clients may ask for: the OAuth2 scopes, and which of them each kind of tenant has.

An access token carries the scopes that were asked for, and a view of the API says which one it needs. This table is
the only place where scopes are named; the OpenAPI document and the server's metadata are made from it.
"""

from __future__ import annotations

from tenants.models import Tenant

POOLS_READ = "pools:read"
FLEXIBILITY_READ = "flexibility:read"

DESCRIPTIONS = {
    POOLS_READ: "List your pools.",
    FLEXIBILITY_READ: "Read the pooled flexibility of your pools.",
}

_OF_KIND: dict[str, frozenset[str]] = {
    # The API serves aggregators only, so the programs of all others have nothing to ask for.
    Tenant.Kind.OPERATOR: frozenset(),
    Tenant.Kind.PROVIDER: frozenset(),
    Tenant.Kind.MANUFACTURER: frozenset(),
    Tenant.Kind.AGGREGATOR: frozenset({POOLS_READ, FLEXIBILITY_READ}),
}


def scopes_of(kind: str) -> frozenset[str]:
    """What the programs of such a tenant may ask for."""
    return _OF_KIND[kind]
