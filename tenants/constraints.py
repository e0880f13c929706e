"""Constraints that the models cannot express, as migration operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import Model


class CompositeReference(Operation):
    """A foreign key over several columns, for what must agree between a row and the row that it refers to.

    A plain foreign key is checked without row-level security, so it alone would accept the id of another tenant's row.
    With the tenant in the key, PostgreSQL refuses it. Like Django's own keys it is checked at the end of the
    transaction: Django deletes rows that refer to each other in an order which only such keys allow.

    `fields` and `to_fields` are names of fields; the target needs a unique constraint over its own.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, model_name: str, name: str, *, fields: Sequence[str], to: str, to_fields: Sequence[str]) -> None:
        self.model_name = model_name
        self.name = name
        self.fields = fields
        self.to = to
        self.to_fields = to_fields

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        kwargs = {"fields": self.fields, "to": self.to, "to_fields": self.to_fields}
        return type(self).__qualname__, [self.model_name, self.name], kwargs

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Django does not know such keys."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        target = to_state.apps.get_model(self.to)
        quote = schema_editor.quote_name
        schema_editor.execute(
            f"ALTER TABLE {quote(model._meta.db_table)} ADD CONSTRAINT {quote(self.name)}"
            f" FOREIGN KEY ({_columns(schema_editor, model, self.fields)})"
            f" REFERENCES {quote(target._meta.db_table)} ({_columns(schema_editor, target, self.to_fields)})"
            " DEFERRABLE INITIALLY DEFERRED",
            None,
        )

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            quote = schema_editor.quote_name
            schema_editor.execute(f"ALTER TABLE {quote(model._meta.db_table)} DROP CONSTRAINT {quote(self.name)}", None)

    def describe(self) -> str:
        return f"Reference {self.name} of {self.model_name} to {self.to}"

    @property
    def migration_name_fragment(self) -> str:
        return self.name.lower()


class AppendOnly(Operation):
    """Rows of this table can be added and read, never changed or deleted, by any role. Reversible.

    The trigger is the guarantee. Taking the privileges away as well gives the application role the error before it
    reaches a row, and holds for every role that default privileges have granted more.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, model_name: str) -> None:
        self.model_name = model_name

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__qualname__, [self.model_name], {}

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Triggers and privileges are not part of Django's picture of the models."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            schema_editor.execute(_REFUSE_CHANGES.format(table=model._meta.db_table), None)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            schema_editor.execute(_ALLOW_CHANGES.format(table=model._meta.db_table), None)

    def describe(self) -> str:
        return f"{self.model_name} is append-only"

    @property
    def migration_name_fragment(self) -> str:
        return f"{self.model_name.lower()}_append_only"


_REFUSE_CHANGES = """
CREATE FUNCTION {table}_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '{table} is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION {table}_refuse_change();
DO $$
DECLARE grantee text;
BEGIN
    FOR grantee IN
        SELECT DISTINCT role.rolname
        FROM pg_class, LATERAL aclexplode(relacl) AS granted, pg_roles AS role
        WHERE pg_class.oid = '{table}'::regclass AND role.oid = granted.grantee AND role.oid <> relowner
    LOOP
        EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM %I', grantee);
    END LOOP;
END $$;
"""

# The privileges stay as they are: what the roles had before is not known here.
_ALLOW_CHANGES = """
DROP TRIGGER append_only ON {table};
DROP FUNCTION {table}_refuse_change();
"""


def _columns(schema_editor: BaseDatabaseSchemaEditor, model: type[Model], names: Sequence[str]) -> str:
    columns = {field.name: field.column for field in model._meta.concrete_fields}
    return ", ".join(schema_editor.quote_name(str(columns[name])) for name in names)
