"""The audit trail: one row per change or look, written in the transaction of what it tells of."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Model

from tenants import origin
from tenants.models import APIClient, AuditEntry, Tenant, User

Actor = User | APIClient | None

# Hashes are secrets too: a trail that many may read must not help to guess them.
_SECRET_FIELDS = frozenset({"password", "secret_hash", "token_hash", "wrapped"})
_SECRET = "(secret)"  # noqa: S105 - Stands in for one.


def record(
    action: str,
    obj: Model,
    *,
    actor: Actor,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> AuditEntry:
    """Add to the trail of the tenant that owns `obj`. `actor` None means the system itself.

    `action` reads like `devices.site.created`. Needs a scope that may write rows of that tenant.
    """
    row = entry(
        action,
        tenant_id=tenant_id_of(obj),
        object_type=obj._meta.label_lower,
        object_id=str(obj.pk),
        object_name=str(obj),
        actor=actor,
    )
    row.before, row.after = before, after
    row.save(force_insert=True)
    return row


def record_unowned(
    action: str,
    *,
    object_type: str,
    object_id: str,
    object_name: str,
    actor: Actor,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> AuditEntry:
    """Add to the platform's own trail, about something that is no row and belongs to no tenant. Needs its scope."""
    row = entry(
        action, tenant_id=None, object_type=object_type, object_id=object_id, object_name=object_name, actor=actor
    )
    row.before, row.after = before, after
    row.save(force_insert=True)
    return row


def entry(
    action: str, *, tenant_id: UUID | None, object_type: str, object_id: str, object_name: str, actor: Actor
) -> AuditEntry:
    """A row that is not stored yet, from where the code runs now."""
    return AuditEntry(
        tenant_id=tenant_id,
        action=action,
        object_type=object_type,
        object_id=object_id,
        object_name=object_name[:200],
        **fields_of_actor(actor),
        **fields_of_origin(),
    )


def fields_of(obj: Model) -> dict[str, Any]:
    """The row as it is now, for `before` and `after`, without secrets."""
    return {
        field.attname: _SECRET if _is_secret(field.name) else field.value_from_object(obj)
        for field in obj._meta.concrete_fields
    }


def changes_between(before: dict[str, Any], after: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both sides reduced to the fields that differ."""
    changed = [key for key in after if before.get(key) != after[key]]
    return {key: before.get(key) for key in changed}, {key: after[key] for key in changed}


def _is_secret(name: str) -> bool:
    return name in _SECRET_FIELDS or name.startswith("sealed_")


def fields_of_actor(actor: Actor) -> dict[str, str]:
    if actor is None:
        return {"actor_type": "system", "actor_id": "", "actor_name": ""}
    return {"actor_type": actor._meta.label_lower, "actor_id": str(actor.pk), "actor_name": str(actor)[:200]}


def fields_of_origin() -> dict[str, str | None]:
    bound = origin.current()
    return {"via": bound.via or "", "ip": bound.ip, "trace_id": bound.trace_id}


def tenant_id_of(obj: Model) -> UUID | None:
    """Whose the row is; None for what is the platform's."""
    if isinstance(obj, Tenant):
        return obj.pk
    if isinstance(obj, User):
        return obj.tenant.pk if obj.tenant else None
    return getattr(obj, "tenant_id", None)
