"""What API clients may ask for: the OAuth2 scopes, and which of them each kind of tenant has.

An access token carries the scopes that were asked for, and a view of the API says which one it needs. This table is
the only place where scopes are named; the OpenAPI document and the server's metadata are made from it.
"""

from __future__ import annotations

from tenants.models import Tenant

POOLS_READ = "pools:read"
FLEXIBILITY_READ = "flexibility:read"
SITES_READ = "sites:read"
LIMITS_READ = "limits:read"
LIMITS_WRITE = "limits:write"
READINGS_WRITE = "readings:write"
PLANS_READ = "plans:read"
PLANS_COMPUTE = "plans:compute"

DESCRIPTIONS = {
    POOLS_READ: "List your pools.",
    FLEXIBILITY_READ: "Read the pooled flexibility of your pools.",
    SITES_READ: "List your sites.",
    LIMITS_READ: "Read the grid limits of your sites.",
    LIMITS_WRITE: "Set the grid limits of your sites, and end them.",
    READINGS_WRITE: "Report what the main meters of your sites read.",
    PLANS_READ: "Read the plans of your sites, and what their devices were told and why.",
    PLANS_COMPUTE: "Compute what the coming day of your sites would be like otherwise.",
}

_OF_KIND: dict[str, frozenset[str]] = {
    # What an operator or a manufacturer may see, programs need not ask for.
    Tenant.Kind.OPERATOR: frozenset(),
    Tenant.Kind.PROVIDER: frozenset({SITES_READ, LIMITS_READ, LIMITS_WRITE, READINGS_WRITE, PLANS_READ, PLANS_COMPUTE}),
    Tenant.Kind.MANUFACTURER: frozenset(),
    Tenant.Kind.AGGREGATOR: frozenset({POOLS_READ, FLEXIBILITY_READ}),
}


def scopes_of(kind: str) -> frozenset[str]:
    """What the programs of such a tenant may ask for."""
    return _OF_KIND[kind]
