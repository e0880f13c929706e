"""What each tenant may have and do, and whether there is room for more.

`of` and `of_many` answer what is asked often: processes remember the answer for `REMEMBERED_S`, so a change takes
effect everywhere within that time. What is counted in the database is judged exactly instead: `require_room` locks,
counts and refuses in the transaction that adds the row, so that many at once do not overshoot.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from typing import Any
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.models import Count, Model, QuerySet
from django.utils import timezone

from tenants.models import Tenant
from tenants.quota_table import Quantity, Quotas, reached, room_for
from tenants.scope import platform_scope, tenant_scope

REMEMBERED_S = 30.0
# More tenants than that at once, and some are asked about again.
_REMEMBERED = 10_000
_FIELDS = [quantity.value for quantity in Quantity]

_known: dict[UUID, tuple[float, Quotas]] = {}


class QuotaReachedError(ValidationError):
    """The tenant has as many as it may have. The message names the quota and its value, and says what to do."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Rows that a quota counts: those of a model, where `only` says so just the ones with these values.

    With `within`, only those that were added in this time until now.
    """

    model: str
    only: Mapping[str, Any]
    within: timedelta | None = None

    def covers(self, row: Model) -> bool:
        return row._meta.label_lower == self.model and all(
            getattr(row, name) == value for name, value in self.only.items()
        )

    def rows(self) -> QuerySet[Model]:
        rows: QuerySet[Model] = apps.get_model(self.model)._default_manager.filter(**self.only)
        if self.within is not None:
            rows = rows.filter(at__gt=timezone.now() - self.within)
        return rows.order_by()


# By name, since the models are of packages above this one. `tenants.roles` does the same.
COUNTED: dict[Quantity, Counted] = {
    Quantity.SITES: Counted("devices.site", {}),
    Quantity.DEVICES: Counted("devices.device", {}),
    Quantity.CEM_NODES: Counted("devices.node", {"role": "CEM", "hosted": False}),
    Quantity.DEVICE_TYPES: Counted("devices.devicetype", {}),
    Quantity.MEMBERS: Counted("tenants.membership", {}),
    Quantity.API_CLIENTS: Counted("tenants.apiclient", {}),
    # In the trail, since what was sent is not unsent by revoking it. Nobody can delete from the trail.
    Quantity.INVITATIONS_PER_DAY: Counted(
        "tenants.auditentry",
        {"action__in": ("signin.invitation.created", "signin.invitation.sent_again")},
        within=timedelta(days=1),
    ),
    Quantity.FEEDS: Counted("feeds.feed", {}),
}


def defaults(kind: str) -> Quotas:
    """What a tenant of this kind gets that has no row of its own."""
    found: Quotas = settings.QUOTAS[kind]
    return found


def of(tenant_id: UUID) -> Quotas:
    """Raises Tenant.DoesNotExist. Opens a scope of its own where it has to ask."""
    remembered = _remembered(tenant_id)
    if remembered is not None:
        return remembered
    with tenant_scope(tenant_id):
        found = _read([tenant_id])
    if tenant_id not in found:
        raise Tenant.DoesNotExist(f"there is no tenant {tenant_id}")
    return found[tenant_id]


def of_many(tenant_ids: Collection[UUID]) -> dict[UUID, Quotas]:
    """Of those that exist, as the database says now; one query. What `of` remembers of them is renewed."""
    with platform_scope("read quotas"):
        return _read(tenant_ids)


def forget(tenant_id: UUID) -> None:
    """Ask again next time, in this process; call after a change was committed."""
    _known.pop(tenant_id, None)


def require_room(tenant_id: UUID, quantity: Quantity, *, adding: int = 1) -> None:
    """Raises QuotaReachedError unless so many more rows may be added, for the rest of the transaction.

    To be called in the tenant's scope, before the rows are written. Whoever else adds rows of this kind for the same
    tenant waits until the transaction ends, so that both cannot take the last place.
    """
    _lock(tenant_id, quantity)
    kind, own = Tenant.objects.values_list("kind", f"quota__{quantity}").get(pk=tenant_id)
    quota = defaults(kind)[quantity] if own is None else own
    used = COUNTED[quantity].rows().filter(tenant_id=tenant_id).count()
    if not room_for(adding, used=used, quota=quota):
        raise QuotaReachedError(reached(quantity, quota), code="quota_reached")


def require_room_for(row: Model) -> None:
    """As `require_room`, for one new row; a row that no quota counts always has room."""
    for quantity, counted in COUNTED.items():
        if counted.covers(row):
            require_room(row.tenant_id, quantity)  # type: ignore[attr-defined]  # All that are counted have one.


def counts() -> dict[Quantity, dict[UUID, int]]:
    """How many rows each tenant has of what is counted, of those that the open scope shows; a query for each."""
    return {
        quantity: dict(counted.rows().values_list("tenant_id").annotate(Count("pk")))
        for quantity, counted in COUNTED.items()
    }


def _read(tenant_ids: Collection[UUID]) -> dict[UUID, Quotas]:
    columns = ["pk", "kind", *(f"quota__{name}" for name in _FIELDS)]
    found = {
        tenant_id: defaults(kind).but(dict(zip(_FIELDS, own, strict=True)))
        for tenant_id, kind, *own in Tenant.objects.filter(pk__in=tenant_ids).values_list(*columns)
    }
    _remember(found)
    return found


def _remembered(tenant_id: UUID) -> Quotas | None:
    until_s, found = _known.get(tenant_id, (0.0, None))
    return found if until_s > time.monotonic() else None


def _remember(found: Mapping[UUID, Quotas]) -> None:
    if len(_known) + len(found) > _REMEMBERED:
        _known.clear()
    until_s = time.monotonic() + REMEMBERED_S
    _known.update({tenant_id: (until_s, quotas) for tenant_id, quotas in found.items()})


def _lock(tenant_id: UUID, quantity: Quantity) -> None:
    """Until the transaction ends. No row is locked: most tenants have none, and may not write the one they have."""
    assert transaction.get_connection(DEFAULT_DB_ALIAS).in_atomic_block  # noqa: S101 - Every scope is one.
    digest = blake2b(tenant_id.bytes + quantity.encode(), digest_size=8).digest()
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int.from_bytes(digest, "big", signed=True)])
