"""Row-level security as migration operations.

ENABLE alone would leave the owner of a table free to see everything, so every table also gets FORCE. The application
connects as a role that is neither owner nor superuser and has no BYPASSRLS: those would pass by the policies.

    operations = [RowSecurity("Site", household=f"household_id = {HOUSEHOLD_OF_SCOPE}"), RowSecurity("APIClient")]

Each table has two kinds of policies. The permissive ones say whose rows they are. The restrictive ones, which hold in
addition, say what of it a household sees; where a table says nothing of households they see nothing. A row that hangs
on a site finds it by a sub-select, which is under the policies of that table in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.apps import apps
from django.apps.registry import Apps
from django.core.exceptions import FieldDoesNotExist
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState, StateApps
from django.db.models import ForeignKey, Model

# An empty setting must not reach the cast: '' is what a reused connection answers outside a scope. The sub-selects
# make PostgreSQL compute each setting once per statement instead of once per row.
TENANT_OF_SCOPE = "(SELECT nullif(current_setting('app.tenant_id', true), '')::uuid)"
HOUSEHOLD_OF_SCOPE = "(SELECT nullif(current_setting('app.household_id', true), '')::uuid)"
IN_PLATFORM_SCOPE = "(SELECT current_setting('app.scope', true)) = 'platform'"
# For people and their ways of signing in, which belong to no tenant.
IN_IDENTITY_OR_PLATFORM_SCOPE = "(SELECT current_setting('app.scope', true)) IN ('identity', 'platform')"
# For rows that every tenant may read, such as device types. Still nothing without a scope.
IN_ANY_SCOPE = f"{TENANT_OF_SCOPE} IS NOT NULL OR {IN_PLATFORM_SCOPE}"
# What a household sees of a table whose rows have a site.
OF_VISIBLE_SITE = "site_id IN (SELECT id FROM devices_site)"

POLICY = "tenant_isolation"
READ_POLICY = "tenant_readable"
HOUSEHOLD_POLICY = "household_isolation"
HOUSEHOLD_DELETE_POLICY = "household_deletes_nothing"
_NO_HOUSEHOLD = f"{HOUSEHOLD_OF_SCOPE} IS NULL"


def owned_by_scope(column: str = "tenant_id") -> str:
    """The condition of the usual policy: the row's tenant is the scope's, or the scope is the platform's."""
    return f"{column} = {TENANT_OF_SCOPE} OR {IN_PLATFORM_SCOPE}"


def household_policies(table: str, *, visible: str = "false", writable: str = "false") -> Iterator[str]:
    """Statements that narrow `table`, a quoted name, for households. They delete nothing anywhere."""
    seen, written = (f"{_NO_HOUSEHOLD} OR ({condition})" for condition in (visible, writable))
    yield f"CREATE POLICY {HOUSEHOLD_POLICY} ON {table} AS RESTRICTIVE USING ({seen}) WITH CHECK ({written})"
    yield f"CREATE POLICY {HOUSEHOLD_DELETE_POLICY} ON {table} AS RESTRICTIVE FOR DELETE USING ({_NO_HOUSEHOLD})"


def _without_household_policies(table: str) -> Iterator[str]:
    for policy in (HOUSEHOLD_POLICY, HOUSEHOLD_DELETE_POLICY):
        yield f"DROP POLICY IF EXISTS {policy} ON {table}"


class _OnTable(Operation):
    """Statements about the table of a model, which is one of the migration's app or named as `app.Model`."""

    reduces_to_sql = True
    reversible = True
    model_name: str

    def label(self, app_label: str) -> str:
        """Such as `devices.site`, for an operation that stands in a migration of `app_label`."""
        return (self.model_name if "." in self.model_name else f"{app_label}.{self.model_name}").lower()

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Policies are not part of Django's picture of the models."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        self._execute(self._forwards, app_label, schema_editor, to_state.apps)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        self._execute(self._backwards, app_label, schema_editor, from_state.apps)

    def _execute(
        self,
        statements: Callable[[str], Iterator[str]],
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        models: StateApps,
    ) -> None:
        model = models.get_model(self.label(app_label))
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            for statement in statements(schema_editor.quote_name(model._meta.db_table)):
                schema_editor.execute(statement, None)

    def _forwards(self, table: str) -> Iterator[str]:
        raise NotImplementedError

    def _backwards(self, table: str) -> Iterator[str]:
        raise NotImplementedError


class RowSecurity(_OnTable):
    """Enable and force row-level security on a model's table, with its policies. Reversible.

    `using` says which rows can be seen, changed and deleted, `check` which rows may be written; both default to the
    rows of the scope's tenant, found in `column`. `readable` adds rows that can be seen but not changed: it is a policy
    for SELECT alone, since a wider `using` would also let others update and delete. `household` says which of these
    rows a household sees, `household_writes` which it may add and change; by default none.
    """

    def __init__(
        self,
        model_name: str,
        *,
        column: str = "tenant_id",
        using: str | None = None,
        check: str | None = None,
        readable: str | None = None,
        household: str | None = None,
        household_writes: str | None = None,
    ) -> None:
        self.model_name = model_name
        self.column = column
        self.using = using
        self.check = check
        self.readable = readable
        self.household = household
        self.household_writes = household_writes

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        names = ("using", "check", "readable", "household", "household_writes")
        options = {name: getattr(self, name) for name in names}
        kwargs: dict[str, Any] = {"column": self.column} | {key: sql for key, sql in options.items() if sql is not None}
        return type(self).__qualname__, [self.model_name], kwargs

    def describe(self) -> str:
        return f"Row-level security on {self.model_name}"

    @property
    def migration_name_fragment(self) -> str:
        return f"{self.model_name.lower()}_row_security"

    def _forwards(self, table: str) -> Iterator[str]:
        using = self.using or owned_by_scope(self.column)
        yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
        yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
        yield f"CREATE POLICY {POLICY} ON {table} USING ({using}) WITH CHECK ({self.check or using})"
        if self.readable is not None:
            yield f"CREATE POLICY {READ_POLICY} ON {table} FOR SELECT USING ({self.readable})"
        yield from household_policies(
            table, visible=self.household or "false", writable=self.household_writes or "false"
        )

    def _backwards(self, table: str) -> Iterator[str]:
        yield from _without_household_policies(table)
        yield f"DROP POLICY IF EXISTS {READ_POLICY} ON {table}"
        yield f"DROP POLICY {POLICY} ON {table}"
        yield f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY"
        yield f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"


class HouseholdSecurity(_OnTable):
    """Say anew what a household sees of a table that has RowSecurity, and what it may add and change. Reversible.

    By default nothing, which is also what backwards leaves: the table may be older than households.
    """

    def __init__(self, model_name: str, *, visible: str = "false", writable: str = "false") -> None:
        self.model_name = model_name
        self.visible = visible
        self.writable = writable

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__qualname__, [self.model_name], {"visible": self.visible, "writable": self.writable}

    def describe(self) -> str:
        return f"What households see of {self.model_name}"

    @property
    def migration_name_fragment(self) -> str:
        return f"{self.model_name.lower()}_household_security"

    def _forwards(self, table: str) -> Iterator[str]:
        yield from _without_household_policies(table)
        yield from household_policies(table, visible=self.visible, writable=self.writable)

    def _backwards(self, table: str) -> Iterator[str]:
        yield from _without_household_policies(table)
        yield from household_policies(table)


def owned_models() -> Iterator[type[Model]]:
    """Every installed model whose rows belong to a tenant: all that have a column for it, and the tenants themselves.

    The test that every owned table is protected starts here, so a new model is covered without being named.
    """
    for model in apps.get_models(include_auto_created=True):
        if model._meta.label == "tenants.Tenant" or _has_tenant(model):
            yield model


def protected_models(installed: Apps = apps) -> list[type[Model]]:
    """Every model that must have row-level security: tenants, people, and all that leads to one of them by its keys.

    What hangs on a protected row tells about it, even where it has no column for a tenant of its own.
    """
    models = [model for model in installed.get_models(include_auto_created=True) if not model._meta.proxy]
    found = [model for model in models if model._meta.label in {"tenants.Tenant", "tenants.User"} or _has_tenant(model)]
    while more := [model for model in models if model not in found and _refers_to(model, found)]:
        found += more
    return found


def _refers_to(model: type[Model], targets: list[type[Model]]) -> bool:
    fields = model._meta.local_concrete_fields
    return any(isinstance(field, ForeignKey) and field.remote_field.model in targets for field in fields)


def _has_tenant(model: type[Model]) -> bool:
    try:
        model._meta.get_field("tenant")
    except FieldDoesNotExist:
        return any(field.column == "tenant_id" for field in model._meta.local_concrete_fields)
    return True
