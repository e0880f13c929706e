"""How much of their quotas tenants use, of those that the open scope shows. So many queries, however many there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from flexhub.api import rate_limits
from flexhub.bus.errors import BusUnavailable
from flexhub.bus.ports import WorkerBus
from flexhub.bus.use import TenantUse
from tenants import quotas
from tenants.models import Tenant
from tenants.quota_table import Level, Quantity, Quotas, Usage

Used = Mapping[Quantity, float | None]


@dataclass(frozen=True, slots=True)
class TenantUsage:
    """`usages` are those of the quotas that concern the tenant, in their order; there is always one."""

    tenant: Tenant
    usages: tuple[Usage, ...]

    @property
    def fullest(self) -> Usage:
        return max(self.usages, key=lambda usage: usage.part)

    @property
    def has_own(self) -> bool:
        """Whether the tenant has quotas of its own beside the defaults."""
        return hasattr(self.tenant, "quota")

    @property
    def is_near(self) -> bool:
        return self.fullest.level is not Level.CALM


def usage_of_all(bus: WorkerBus) -> list[TenantUsage]:
    """Whoever is closest to a quota comes first. What Redis knows is unknown while it is away."""
    tenants = list(Tenant.objects.select_related("quota"))
    allowed, counted, living = quotas.of_many([each.pk for each in tenants]), quotas.counts(), _living(bus)
    calls = _calls({tenant_id: each.api_calls_per_min for tenant_id, each in allowed.items()})
    found = [
        TenantUsage(each, usages_of(each.kind, allowed[each.pk], _used(each.pk, counted, living, calls)))
        for each in tenants
    ]
    return sorted(found, key=lambda each: (-each.fullest.part, each.tenant.name))


def usages_of(kind: str, allowed: Quotas, used: Used) -> tuple[Usage, ...]:
    """Of what concerns this kind of tenant, or is used all the same."""
    return tuple(
        Usage(quantity, allowed[quantity], used[quantity])
        for quantity in Quantity
        if quantity.concerns(kind) or used[quantity]
    )


def _living(bus: WorkerBus) -> Mapping[UUID, TenantUse] | None:
    try:
        return bus.tenant_use()
    except BusUnavailable:
        return None


def _calls(quota_of: Mapping[UUID, int]) -> Mapping[UUID, int] | None:
    try:
        return rate_limits.calls_used(quota_of)
    except BusUnavailable:
        return None


def _used(
    tenant_id: UUID,
    counted: Mapping[Quantity, Mapping[UUID, int]],
    living: Mapping[UUID, TenantUse] | None,
    calls: Mapping[UUID, int] | None,
) -> Used:
    rows: dict[Quantity, float | None] = {quantity: each.get(tenant_id, 0) for quantity, each in counted.items()}
    use = None if living is None else living.get(tenant_id, TenantUse())
    return rows | {
        Quantity.SESSIONS: use.sessions if use else None,
        Quantity.MESSAGES_PER_S: round(use.messages_per_s, 1) if use else None,
        Quantity.API_CALLS_PER_MIN: None if calls is None else calls[tenant_id],
    }
