"""Brings stored secrets under their tenant's key for new texts, while the hub runs.

In batches, each a transaction of its own: who is interrupted begins again and finds only what is left. A text that
cannot be opened stays as it is, is counted, and keeps its key from being dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db.models import F, Func, JSONField, QuerySet, Value

from tenants import secrets
from tenants.data_keys import key_for_new_texts, scope_of
from tenants.envelope import BoxNotOpened, start_of_boxes
from tenants.models import Tenant
from tenants.rotation_lock import await_turn
from tenants.scope import platform_scope
from tenants.sealed_fields import SealedField, registered
from tenants.secrets import SealedWithAnotherKeyError

# Short enough that nobody notices the locks on the rows, long enough that a million secrets take minutes.
BATCH = 100


@dataclass(slots=True)
class Tally:
    """How many texts were sealed again, and how many could not be opened."""

    sealed: int = 0
    unreadable: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.sealed + other.sealed, self.unreadable + other.unreadable)


def owners() -> list[UUID | None]:
    """All who may have secrets: every tenant, and the platform."""
    with platform_scope("seal secrets again"):
        return [None, *Tenant.objects.order_by("pk").values_list("pk", flat=True)]


def seal_again(tenant_id: UUID | None, *, batch: int = BATCH) -> Tally:
    """Whatever of this tenant, or of the platform, is sealed with another key than the one for new texts."""
    tally = Tally()
    for field in _fields_of(tenant_id):
        after = None
        while True:
            last, done = _seal_batch(field, tenant_id, after=after, batch=batch)
            tally += done
            if last is None:
                break
            after = last
    return tally


def is_used(key_id: str, tenant_id: UUID | None) -> bool:
    """Whether a text is left that this key has sealed. Needs the tenant's scope."""
    beginning = start_of_boxes(key_id)
    return any(
        _texts(field, tenant_id).filter(**{f"{field.lookup}__startswith": beginning}).exists()
        for field in _fields_of(tenant_id)
    )


def _seal_batch(field: SealedField, tenant_id: UUID | None, *, after: Any, batch: int) -> tuple[Any, Tally]:
    """The key of the last row that was looked at, None at the end; and what was done."""
    tally, last = Tally(), None
    with scope_of(tenant_id):
        await_turn()
        found = _texts(field, tenant_id)
        # Without secrets nobody needs a key.
        if not found.exists():
            return None, tally
        try:
            key = key_for_new_texts(tenant_id)
        except BoxNotOpened:
            return None, Tally(unreadable=found.count())
        rows = found.exclude(**{f"{field.lookup}__startswith": start_of_boxes(key.id)})
        rows = rows if after is None else rows.filter(pk__gt=after)
        for last, text in rows.select_for_update(of=("self",)).order_by("pk").values_list("pk", field.lookup)[:batch]:
            fresh = _sealed_afresh(text, field, tenant_id)
            if fresh is None:
                tally.unreadable += 1
            else:
                found.filter(pk=last).update(**{field.column: _value(field, fresh)})
                tally.sealed += 1
    return last, tally


def _sealed_afresh(text: str, field: SealedField, tenant_id: UUID | None) -> str | None:
    """None where it cannot be opened."""
    try:
        secret = secrets.unseal(text, tenant_id=tenant_id, field=field.name)
    except SealedWithAnotherKeyError:
        return None
    return secrets.seal(secret, tenant_id=tenant_id, field=field.name)


def _fields_of(tenant_id: UUID | None) -> Iterator[SealedField]:
    return (field for field in registered() if field.tenant is not None or tenant_id is None)


def _texts(field: SealedField, tenant_id: UUID | None) -> QuerySet[Any]:
    rows: QuerySet[Any] = apps.get_model(field.model)._default_manager.exclude(**{field.lookup: ""})
    if field.key is not None:
        rows = rows.filter(**{f"{field.column}__has_key": field.key})
    return rows if field.tenant is None else rows.filter(**{field.tenant: tenant_id})


def _value(field: SealedField, text: str) -> Any:
    """What the column has to become."""
    if field.key is None:
        return text
    return Func(F(field.column), Value([field.key]), Value(text, JSONField()), function="jsonb_set")
