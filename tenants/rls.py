"""Row-level security as a migration operation.

ENABLE alone would leave the owner of a table free to see everything, so every table also gets FORCE. The application
connects as a role that is neither owner nor superuser and has no BYPASSRLS: those would pass by the policies.

    operations = [RowSecurity("Site"), RowSecurity("DeviceType", readable=IN_ANY_SCOPE)]
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import Model

# An empty setting must not reach the cast: '' is what a reused connection answers outside a scope. The sub-selects
# make PostgreSQL compute each setting once per statement instead of once per row.
TENANT_OF_SCOPE = "(SELECT nullif(current_setting('app.tenant_id', true), '')::uuid)"
IN_PLATFORM_SCOPE = "(SELECT current_setting('app.scope', true)) = 'platform'"
# For rows that every tenant may read, such as device types. Still nothing without a scope.
IN_ANY_SCOPE = f"{TENANT_OF_SCOPE} IS NOT NULL OR {IN_PLATFORM_SCOPE}"

_POLICY = "tenant_isolation"
_READ_POLICY = "tenant_readable"


def owned_by_scope(column: str = "tenant_id") -> str:
    """The condition of the usual policy: the row's tenant is the scope's, or the scope is the platform's."""
    return f"{column} = {TENANT_OF_SCOPE} OR {IN_PLATFORM_SCOPE}"


class RowSecurity(Operation):
    """Enable and force row-level security on a model's table, with a policy. Reversible.

    `using` says which rows can be seen, changed and deleted, `check` which rows may be written; both default to the
    rows of the scope's tenant, found in `column`. `readable` adds rows that can be seen but not changed: it is a policy
    for SELECT alone, since a wider `using` would also let others update and delete.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(
        self,
        model_name: str,
        *,
        column: str = "tenant_id",
        using: str | None = None,
        check: str | None = None,
        readable: str | None = None,
    ) -> None:
        self.model_name = model_name
        self.column = column
        self.using = using
        self.check = check
        self.readable = readable

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        options = {"using": self.using, "check": self.check, "readable": self.readable}
        kwargs: dict[str, Any] = {"column": self.column} | {key: sql for key, sql in options.items() if sql is not None}
        return type(self).__qualname__, [self.model_name], kwargs

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Policies are not part of Django's picture of the models."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        for statement in self._enable(schema_editor.quote_name(model._meta.db_table)):
            schema_editor.execute(statement, None)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = from_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        table = schema_editor.quote_name(model._meta.db_table)
        for statement in (
            f"DROP POLICY IF EXISTS {_READ_POLICY} ON {table}",
            f"DROP POLICY {_POLICY} ON {table}",
            f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
        ):
            schema_editor.execute(statement, None)

    def describe(self) -> str:
        return f"Row-level security on {self.model_name}"

    @property
    def migration_name_fragment(self) -> str:
        return f"{self.model_name.lower()}_row_security"

    def _enable(self, table: str) -> Iterator[str]:
        using = self.using or owned_by_scope(self.column)
        yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
        yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
        yield f"CREATE POLICY {_POLICY} ON {table} USING ({using}) WITH CHECK ({self.check or using})"
        if self.readable is not None:
            yield f"CREATE POLICY {_READ_POLICY} ON {table} FOR SELECT USING ({self.readable})"


def owned_models() -> Iterator[type[Model]]:
    """Every installed model whose rows belong to a tenant: all that have a column for it, and the tenants themselves.

    The test that every owned table is protected starts here, so a new model is covered without being named.
    """
    for model in apps.get_models(include_auto_created=True):
        if model._meta.label == "tenants.Tenant" or _has_tenant(model):
            yield model


def _has_tenant(model: type[Model]) -> bool:
    try:
        model._meta.get_field("tenant")
    except FieldDoesNotExist:
        return any(field.column == "tenant_id" for field in model._meta.local_concrete_fields)
    return True
