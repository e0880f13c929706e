"""Whose rows the database shows, per transaction.

Row-level security compares each row with three settings of the transaction: `app.tenant_id`, `app.household_id` and
`app.scope`. Without a scope no row is visible and none can be written, and Django does not even send the query: it
raises NoScopeError (`tenants.guard`). The settings end with the transaction, so that a connection that is used again
starts without a scope. PostgreSQL then answers '' for them and not NULL, as it does on a fresh connection; every reader
in here and in `tenants.rls` treats both alike.

There are three kinds. A tenant's scope shows its rows, or those of one of its households; the platform's shows the rows
of all; the identity scope shows people and their ways of signing in, and no tenant's rows.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections, transaction

from tenants.guard import NoScopeError, guard_of
from tenants.statements import fetch_all

__all__ = [
    "NoScopeError",
    "current_household_id",
    "current_tenant_id",
    "identity_scope",
    "in_platform_scope",
    "platform_scope",
    "tenant_scope",
]

logger = logging.getLogger(__name__)

_PLATFORM = "platform"
_IDENTITY = "identity"
_OPEN_SCOPE = """
    SELECT set_config('app.tenant_id', %s, true), set_config('app.scope', %s, true),
           set_config('app.household_id', %s, true)
"""
# One round trip: the materialised part is computed before the settings change. A household that is NULL stays.
_CHANGE_SCOPE = """
    WITH outer_scope AS MATERIALIZED (
        SELECT coalesce(current_setting('app.tenant_id', true), '') AS tenant_id,
               coalesce(current_setting('app.scope', true), '') AS scope,
               coalesce(current_setting('app.household_id', true), '') AS household_id
    )
    SELECT tenant_id, scope, household_id, set_config('app.tenant_id', %s, true), set_config('app.scope', %s, true),
           set_config('app.household_id', coalesce(%s, household_id), true)
    FROM outer_scope
"""


@contextmanager
def tenant_scope(tenant_id: UUID, household_id: UUID | None = None) -> Iterator[None]:
    """A transaction that sees and writes this tenant's rows only. Inside another scope it narrows or replaces that one.

    With `household_id`, only what belongs to that household. A household's scope lasts through tenants' scopes inside
    it: what a resident asks for is done by services that open the tenant's. The outer scope is back on exit. Everything
    inside is rolled back when the block raises.
    """
    with _scope(str(tenant_id), "", None if household_id is None else str(household_id)):
        yield


@contextmanager
def platform_scope(reason: str) -> Iterator[None]:
    """A transaction that sees and writes the rows of all tenants. `reason` says in the log why that was needed."""
    logger.debug("platform scope opened: %s", reason)
    with _scope("", _PLATFORM, ""):
        yield


@contextmanager
def identity_scope(reason: str) -> Iterator[None]:
    """A transaction that sees and writes people and their ways of signing in, and no tenant's rows.

    For what happens before it is known for whom somebody works, and for what concerns the person alone. `reason` is for
    the log.
    """
    logger.debug("identity scope opened: %s", reason)
    with _scope("", _IDENTITY, ""):
        yield


def current_tenant_id() -> UUID | None:
    """The tenant of the open scope; None in the other kinds and without one. Asks the database, which decides."""
    value = _setting("app.tenant_id")
    return UUID(value) if value else None


def current_household_id() -> UUID | None:
    """The household of the open scope; None where it is not a household's."""
    value = _setting("app.household_id")
    return UUID(value) if value else None


def in_platform_scope() -> bool:
    return _setting("app.scope") == _PLATFORM


def _setting(name: str) -> str:
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute("SELECT current_setting(%s, true)", [name])
        row = cursor.fetchone()
    return (row[0] if row else None) or ""


@contextmanager
def _scope(tenant_id: str, scope: str, household_id: str | None) -> Iterator[None]:
    connection = connections[DEFAULT_DB_ALIAS]
    nested = connection.in_atomic_block
    with transaction.atomic(using=DEFAULT_DB_ALIAS):
        if nested:
            outer = _change_scope(tenant_id, scope, household_id)
        else:
            fetch_all(_OPEN_SCOPE, [tenant_id, scope, household_id or ""])
        with guard_of(connection).opened():
            yield
        # An outermost scope ends with its transaction, and a rollback to the savepoint brings the outer one back.
        if nested and not connection.needs_rollback:
            _change_scope(*outer)


def _change_scope(tenant_id: str, scope: str, household_id: str | None) -> tuple[str, str, str]:
    """Set the scope and return the one before. The household stays as it was where None is given."""
    (row,) = fetch_all(_CHANGE_SCOPE, [tenant_id, scope, household_id])
    return row[0], row[1], row[2]
