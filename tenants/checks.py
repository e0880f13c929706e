"""System checks: no model that holds rows of tenants or people is without row-level security.

The first reads the migrations and needs no database, so that `manage.py check` finds a new model that was forgotten.
The second reads PostgreSQL's own catalogue: `manage.py check --database default` and `migrate` run it, and it tells of
a table that somebody has opened by hand, partitions included.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections, migrations
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.models import Model

from tenants.rls import (
    HOUSEHOLD_DELETE_POLICY,
    HOUSEHOLD_POLICY,
    POLICY,
    HouseholdSecurity,
    RowSecurity,
    protected_models,
)

_HINT = "Add RowSecurity to a migration of its app; see tenants/rls.py."

_TABLES = """
    WITH RECURSIVE tables AS (
        SELECT oid, relname AS root FROM pg_class
        WHERE relname = ANY(%s) AND relkind IN ('r', 'p') AND pg_table_is_visible(oid)
        UNION SELECT inhrelid, root FROM pg_inherits JOIN tables ON inhparent = tables.oid
    )
    SELECT root::text, relname::text, relrowsecurity, relforcerowsecurity,
           ARRAY(SELECT polname::text FROM pg_policy WHERE polrelid = pg_class.oid AND polpermissive),
           ARRAY(SELECT polname::text FROM pg_policy WHERE polrelid = pg_class.oid AND NOT polpermissive)
    FROM tables JOIN pg_class USING (oid)
    ORDER BY 1, 2
"""


class Table(NamedTuple):
    """A table or a partition as PostgreSQL knows it. `root` is the model's own table."""

    root: str
    name: str
    enabled: bool
    forced: bool
    permissive: Sequence[str]
    restrictive: Sequence[str]

    def faults(self) -> Iterator[str]:
        if not self.enabled:
            yield "row-level security is not enabled"
        if not self.forced:
            yield "row-level security is not forced, so its owner passes by"
        if POLICY not in self.permissive:
            yield f"it has no policy {POLICY}"
        missing = {HOUSEHOLD_POLICY, HOUSEHOLD_DELETE_POLICY}.difference(self.restrictive)
        yield from (f"it has no restrictive policy {name}" for name in sorted(missing))


@register("tenants")
def check_migrations(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """Each protected model is named by a RowSecurity in some migration."""
    on_disk = MigrationLoader(None, ignore_no_migrations=True).disk_migrations.values()
    named = _labels(on_disk, RowSecurity)
    return [
        Error(
            f"{model._meta.label} holds rows of tenants or people, and no migration protects them.",
            hint=_HINT,
            obj=model,
            id="tenants.E001",
        )
        for model in _chosen(protected_models(), app_configs)
        if model._meta.label_lower not in named
    ]


@register(Tags.database)
def check_tables(
    app_configs: Sequence[AppConfig] | None = None, databases: Sequence[str] | None = None, **_: Any
) -> list[CheckMessage]:
    """Each table of a protected model is protected, but for those that a migration which has not run yet is about."""
    return [
        Error(f"The table {table.name} is open: {fault}.", hint=_HINT, obj=model, id="tenants.E002")
        for alias in databases or ()
        for model, table in _tables_to_check(connections[alias], _chosen(protected_models(), app_configs))
        for fault in table.faults()
    ]


def _tables_to_check(
    connection: BaseDatabaseWrapper, models: Iterable[type[Model]]
) -> Iterator[tuple[type[Model], Table]]:
    loader = MigrationLoader(connection, ignore_no_migrations=True)
    to_come = [each for key, each in loader.disk_migrations.items() if key not in loader.applied_migrations]
    pending = _labels(to_come, RowSecurity, HouseholdSecurity)
    model_of = {model._meta.db_table: model for model in models if model._meta.label_lower not in pending}
    with connection.cursor() as cursor:
        cursor.execute(_TABLES, [list(model_of)])
        for row in cursor.fetchall():
            table = Table(*row)
            yield model_of[table.root], table


def _chosen(models: Iterable[type[Model]], app_configs: Sequence[AppConfig] | None) -> list[type[Model]]:
    labels = None if app_configs is None else {config.label for config in app_configs}
    return [model for model in models if labels is None or model._meta.app_label in labels]


def _labels(on_disk: Iterable[Migration], *kinds: type[RowSecurity | HouseholdSecurity]) -> set[str]:
    """The models, as `app.model`, that operations of these kinds are about."""
    return {
        operation.label(migration.app_label)
        for migration in on_disk
        for operation in _flattened(migration.operations)
        if isinstance(operation, kinds)
    }


def _flattened(operations: Iterable[Operation]) -> Iterator[Operation]:
    for operation in operations:
        yield operation
        if isinstance(operation, migrations.SeparateDatabaseAndState):
            yield from _flattened(operation.database_operations)
