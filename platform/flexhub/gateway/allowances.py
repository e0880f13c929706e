"""What tenants may use of a gateway, as the database says."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol
from uuid import UUID

from flexhub.gateway.database import DatabaseThread
from flexhub.gateway.limits import QUOTAS_TIMEOUT_S
from flexhub.gateway.tenant_load import Allowance
from tenants import quotas
from tenants.models import Tenant
from tenants.quota_table import Quotas


class Allowances(Protocol):
    """`fallback` is for a tenant whose quotas cannot be read."""

    @property
    def fallback(self) -> Allowance: ...

    async def read(self, tenant_ids: Collection[UUID]) -> Mapping[UUID, Allowance]:
        """Of those tenants that exist. Raises DatabaseUnavailable."""
        ...

    def close(self) -> None: ...


class DatabaseAllowances:
    """Implements `Allowances`."""

    def __init__(self) -> None:
        self._database = DatabaseThread("gateway-quotas", timeout_s=QUOTAS_TIMEOUT_S)

    @property
    def fallback(self) -> Allowance:
        """Only providers have devices."""
        return _allowance(quotas.defaults(Tenant.Kind.PROVIDER))

    async def read(self, tenant_ids: Collection[UUID]) -> Mapping[UUID, Allowance]:
        found = await self._database.ask(lambda: quotas.of_many(tenant_ids))
        return {tenant_id: _allowance(each) for tenant_id, each in found.items()}

    def close(self) -> None:
        self._database.close()


def _allowance(of: Quotas) -> Allowance:
    return Allowance(of.sessions, of.messages_per_s)
