"""What the migration teaches PostgreSQL: the table, and the two functions that make and drop its partitions.

The functions run with the rights of the owner (SECURITY DEFINER), take nothing but a date, and have their search path
pinned so that no other schema can slip a table or function of its own in between. What no retention may end is not
dropped, whoever asks: the application's role is not trusted with the last days. A partition has the same policies as
its parent and no rights for the application: rows are reached through the parent alone.
"""

from __future__ import annotations

from django.db import connections
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.utils import CursorWrapper
from django.db.migrations.state import StateApps
from psycopg import sql

from tenants.rls import (
    HOUSEHOLD_DELETE_POLICY,
    HOUSEHOLD_POLICY,
    OF_VISIBLE_SITE,
    household_policies,
    owned_by_scope,
)

TABLE = "telemetry_measurement"
ENSURE = "telemetry_ensure_partition"
DROP_BEFORE = "telemetry_drop_partitions_before"
#: The hub keeps measurements for that many days at least; `TELEMETRY_RETENTION_DAYS` may not say less.
LEAST_DAYS = 7

CREATE_TABLE = f"""
CREATE TABLE {TABLE} (
    tenant_id uuid NOT NULL,
    site_id uuid NOT NULL,
    link_id uuid NOT NULL,
    quantity varchar(64) NOT NULL,
    at timestamptz NOT NULL,
    value double precision NOT NULL,
    PRIMARY KEY (link_id, quantity, at)
) PARTITION BY RANGE (at)
"""

# Made apart and then attached: ATTACH lets readers and writers of the other days go on, CREATE ... PARTITION OF would
# not. The advisory lock makes a second writer wait until the first has committed, and then find the partition.
_ENSURE = """
CREATE OR REPLACE FUNCTION {schema}.{ensure}(day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, {schema}, pg_temp SET lock_timeout = '5s' AS $body$
DECLARE
    partition text := {table_name} || '_' || to_char(day, 'YYYYMMDD');
BEGIN
    IF to_regclass(format('%I.%I', {schema_name}, partition)) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext({table_name}));
    IF to_regclass(format('%I.%I', {schema_name}, partition)) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE {schema}.%I (LIKE {schema}.{table} INCLUDING ALL)', partition);
    EXECUTE format('ALTER TABLE {schema}.%I ENABLE ROW LEVEL SECURITY', partition);
    EXECUTE format('ALTER TABLE {schema}.%I FORCE ROW LEVEL SECURITY', partition);
    EXECUTE format('CREATE POLICY tenant_isolation ON {schema}.%I USING (%s) WITH CHECK (%s)',
                   partition, {policy}, {policy});
    EXECUTE format({household_policy}, {schema_name}, partition);
    EXECUTE format({household_delete_policy}, {schema_name}, partition);
    EXECUTE format('REVOKE ALL ON {schema}.%I FROM PUBLIC', partition);
    IF {app_name} <> current_user THEN
        EXECUTE format('REVOKE ALL ON {schema}.%I FROM {app}', partition);
    END IF;
    EXECUTE format('ALTER TABLE {schema}.{table} ATTACH PARTITION {schema}.%I FOR VALUES FROM (%L) TO (%L)',
                   partition, day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
END
$body$
"""

# A lock that a long query holds up is not worth stopping all writers for: give up, the next run tries again. A day less
# is guarded than is kept at least, since the clocks of hub and database differ around midnight.
_DROP_BEFORE = """
CREATE OR REPLACE FUNCTION {schema}.{drop_before}(day date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, {schema}, pg_temp SET lock_timeout = '5s' AS $body$
DECLARE
    partition text;
    dropped integer := 0;
BEGIN
    IF day > (now() AT TIME ZONE 'UTC')::date - {guarded_days} THEN
        RAISE EXCEPTION 'measurements of the last {guarded_days} days are not dropped' USING ERRCODE = '22023';
    END IF;
    FOR partition IN
        SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
        WHERE inhparent = format('%I.%I', {schema_name}, {table_name})::regclass
          AND to_date(right(child.relname, 8), 'YYYYMMDD') < day
        ORDER BY child.relname
    LOOP
        EXECUTE format('DROP TABLE {schema}.%I', partition);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END
$body$
"""


def create_functions(_apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """For RunPython. The application's role is whoever `default` connects as; the owner's is the migrating one."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT current_schema(), coalesce(nullif(%s, ''), current_user)", [_app_user()])
        schema, app = cursor.fetchone()
        parts = _parts(schema, app)
        for statement in (
            _ENSURE,
            _DROP_BEFORE,
            "REVOKE ALL ON FUNCTION {schema}.{ensure}(date), {schema}.{drop_before}(date) FROM PUBLIC",
            "GRANT EXECUTE ON FUNCTION {schema}.{ensure}(date), {schema}.{drop_before}(date) TO {app}",
        ):
            cursor.execute(sql.SQL(statement).format(**parts))


def narrow_for_households(_apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """For RunPython: the partitions that are older than households get their policies too.

    Some may have them: the functions that make new ones stay narrow when the migration is undone.
    """
    widen_for_households(_apps, schema_editor)
    with schema_editor.connection.cursor() as cursor:
        for partition in _partitions(cursor):
            for statement in household_policies(partition, visible=OF_VISIBLE_SITE):
                cursor.execute(statement)


def widen_for_households(_apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """The inverse of `narrow_for_households`. New partitions go on being narrow, which hurts nobody."""
    with schema_editor.connection.cursor() as cursor:
        for partition in _partitions(cursor):
            for policy in (HOUSEHOLD_POLICY, HOUSEHOLD_DELETE_POLICY):
                cursor.execute(f"DROP POLICY IF EXISTS {policy} ON {partition}")


def drop_functions(_apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    schema_editor.execute(f"DROP FUNCTION {ENSURE}(date), {DROP_BEFORE}(date)")


def _partitions(cursor: CursorWrapper) -> list[str]:
    """Their names, quoted where they have to be."""
    cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", [TABLE])
    return [name for (name,) in cursor.fetchall()]


def _app_user() -> str:
    return str(connections["default"].settings_dict["USER"])


def _parts(schema: str, app: str) -> dict[str, sql.Composable]:
    household_policy, household_delete_policy = household_policies("%I.%I", visible=OF_VISIBLE_SITE)
    return {
        "schema": sql.Identifier(schema),
        "schema_name": sql.Literal(schema),
        "table": sql.Identifier(TABLE),
        "table_name": sql.Literal(TABLE),
        "ensure": sql.Identifier(ENSURE),
        "drop_before": sql.Identifier(DROP_BEFORE),
        "app": sql.Identifier(app),
        "app_name": sql.Literal(app),
        "guarded_days": sql.Literal(LEAST_DAYS - 1),
        "policy": sql.Literal(owned_by_scope()),
        "household_policy": sql.Literal(household_policy),
        "household_delete_policy": sql.Literal(household_delete_policy),
    }
