"""How often programs may call: the quotas, and the header fields that tell them.

The fields are those of draft-ietf-httpapi-ratelimit-headers-11: `RateLimit-Policy` says what applies, `RateLimit` what
is left (`r`) and in how many seconds the quota is whole again (`t`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from uuid import UUID

from django.conf import settings

from flexhub.api.buckets import Buckets, Quota, Reading
from flexhub.bus.opening import open_worker_line
from tenants import origin, quotas
from tenants.models import APIClient

# A call must not wait long for the question whether it may be made.
_TIMEOUT_S = 0.5
_CONNECTIONS = 8


def take_call(client: APIClient) -> list[Reading]:
    """Count a call of the API against the quotas of the client and of its tenant."""
    return _buckets().take(
        [
            (f"api-client:{client.pk}", Quota("client", settings.API_CLIENT_CALLS_PER_MINUTE)),
            _of_tenant(client.tenant_id, quotas.of(client.tenant_id).api_calls_per_min),
        ]
    )


def take_what_if(tenant_id: UUID) -> list[Reading]:
    """Count a question that costs as much as plans do, whoever of the tenant asks it."""
    return _buckets().take([(f"what-if:{tenant_id}", Quota("what-if", settings.WHAT_IF_PER_MINUTE))])


def calls_used(quota_of: Mapping[UUID, int]) -> dict[UUID, int]:
    """How many calls of the last minute count against each tenant's quota. Raises BusUnavailable."""
    wanted = [_of_tenant(tenant_id, limit) for tenant_id, limit in quota_of.items()]
    return dict(zip(quota_of, _buckets().missing(wanted), strict=True))


def take_token_request(client_id: UUID | None) -> list[Reading]:
    """Count a request that shows a secret against the quotas of its address and of the client that it names."""
    limit = settings.API_TOKEN_REQUESTS_PER_MINUTE
    wanted = [(f"oauth-address:{origin.current().ip}", Quota("address", limit))]
    if client_id is not None:
        wanted.append((f"oauth-client:{client_id}", Quota("client", limit)))
    return _buckets().take(wanted)


def exceeded(readings: Sequence[Reading]) -> list[Reading]:
    return [reading for reading in readings if not reading.taken]


def headers(readings: Sequence[Reading]) -> dict[str, str]:
    """None where nothing was limited."""
    if not readings:
        return {}
    fields = {
        "RateLimit-Policy": ", ".join(
            f'"{reading.quota.name}";q={reading.quota.limit};w={reading.quota.window_s}' for reading in readings
        ),
        "RateLimit": ", ".join(
            f'"{reading.quota.name}";r={reading.remaining};t={reading.wait_s}' for reading in readings
        ),
    }
    if refused := exceeded(readings):
        fields["Retry-After"] = str(max(reading.wait_s for reading in refused))
    return fields


def _of_tenant(tenant_id: UUID, limit: int) -> tuple[str, Quota]:
    return f"api-tenant:{tenant_id}", Quota("tenant", limit)


def _buckets() -> Buckets:
    return _buckets_at(settings.REDIS_URL)


@cache
def _buckets_at(url: str) -> Buckets:
    return Buckets(open_worker_line(url, timeout_s=_TIMEOUT_S, connections=_CONNECTIONS))
