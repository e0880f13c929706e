"""Whose rows the database shows, per transaction.

Row-level security compares each row with two settings of the transaction: `app.tenant_id` and `app.scope`. Without a
scope no row is visible and none can be written. Both settings end with the transaction, so that a connection that is
used again starts without a scope. PostgreSQL then answers '' for them and not NULL, as it does on a fresh connection;
every reader in here and in `tenants.rls` treats both alike.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections, transaction

logger = logging.getLogger(__name__)

_PLATFORM = "platform"
# One round trip: the materialised part is computed before the settings change.
_CHANGE_SCOPE = """
    WITH outer_scope AS MATERIALIZED (
        SELECT coalesce(current_setting('app.tenant_id', true), '') AS tenant_id,
               coalesce(current_setting('app.scope', true), '') AS scope
    )
    SELECT tenant_id, scope, set_config('app.tenant_id', %s, true), set_config('app.scope', %s, true) FROM outer_scope
"""


@contextmanager
def tenant_scope(tenant_id: UUID) -> Iterator[None]:
    """A transaction that sees and writes this tenant's rows only. Inside another scope it narrows or replaces that one.

    The outer scope is back on exit. Everything inside is rolled back when the block raises.
    """
    with _scope(str(tenant_id), ""):
        yield


@contextmanager
def platform_scope(reason: str) -> Iterator[None]:
    """A transaction that sees and writes the rows of all tenants. `reason` says in the log why that was needed."""
    logger.debug("platform scope opened: %s", reason)
    with _scope("", _PLATFORM):
        yield


def current_tenant_id() -> UUID | None:
    """The tenant of the open scope; None in the platform scope and without one. Asks the database, which decides."""
    value = _setting("app.tenant_id")
    return UUID(value) if value else None


def in_platform_scope() -> bool:
    return _setting("app.scope") == _PLATFORM


def _setting(name: str) -> str:
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute("SELECT current_setting(%s, true)", [name])
        row = cursor.fetchone()
    return (row[0] if row else None) or ""


@contextmanager
def _scope(tenant_id: str, scope: str) -> Iterator[None]:
    connection = connections[DEFAULT_DB_ALIAS]
    nested = connection.in_atomic_block
    with transaction.atomic(using=DEFAULT_DB_ALIAS):
        outer = _change_scope(tenant_id, scope)
        yield
        # An outermost scope ends with its transaction, and a rollback to the savepoint brings the outer one back.
        if nested and not connection.needs_rollback:
            _change_scope(*outer)


def _change_scope(tenant_id: str, scope: str) -> tuple[str, str]:
    """Set the scope and return the one before."""
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(_CHANGE_SCOPE, [tenant_id, scope])
        row = cursor.fetchone()
    assert row is not None, "a SELECT from a one-row query has one row"  # noqa: S101 - This cannot happen.
    return row[0], row[1]
