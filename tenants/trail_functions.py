"""What a migration teaches PostgreSQL about the trail: when a row of it may be blanked or forgotten all the same.

The trail is append-only (`tenants.constraints.AppendOnly`), and two things have to happen to it once in a while
(decision 0007): what it says about people who asked to be erased is blanked, and rows that are older than their tenant
keeps them go. Each has one function that runs with the rights of the owner (SECURITY DEFINER), does this only, in the
trail of the tenant whose scope is open, and leaves a row about it; in the platform's scope, blanking reaches the rows
that belong to no tenant. The trigger lets an UPDATE or DELETE by the owner pass only from within them, and judges each
row itself: what is blanked keeps all that proves something, and what goes is old. The application's role can neither
change the trigger nor call itself the owner.
"""

from __future__ import annotations

from django.db import connections
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from psycopg import sql

BLANK = "tenants_audit_blank"
FORGET = "tenants_audit_forget"
ERASED = "(erased)"
#: Whoever wants to know what happened can look back a year, whatever a tenant would like to forget.
LEAST_DAYS = 365

_JUDGE = """
CREATE OR REPLACE FUNCTION {schema}.tenants_auditentry_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF current_user = {owner_name} AND current_setting('app.trail_change', true) = TG_OP THEN
        IF TG_OP = 'DELETE' AND OLD.at < now() - interval {least} THEN
            RETURN OLD;
        END IF;
        IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - {personal} = to_jsonb(OLD) - {personal} THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'tenants_auditentry is append-only' USING ERRCODE = 'insufficient_privilege';
END $body$
"""

_NO_TRUNCATE = """
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON {schema}.tenants_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.tenants_auditentry_refuse_change()
"""

# The keys of what was there before and after stay: that something was changed, and what kind of thing, is the proof.
_BLANK = """
CREATE FUNCTION {schema}.{blank}(types text[], ids text[], people text[], told jsonb) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, {schema}, pg_temp AS $body$
DECLARE
    tenant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
    about integer;
    actions integer;
BEGIN
    IF tenant IS NULL AND coalesce(current_setting('app.scope', true), '') <> 'platform' THEN
        RAISE EXCEPTION 'only the trail of one tenant can be blanked' USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM set_config('app.trail_change', 'UPDATE', true);
    UPDATE tenants_auditentry SET
        object_name = {erased},
        before = (SELECT jsonb_object_agg(key, {erased}) FROM jsonb_object_keys(before) AS key),
        after = (SELECT jsonb_object_agg(key, {erased}) FROM jsonb_object_keys(after) AS key)
    WHERE tenant_id IS NOT DISTINCT FROM tenant AND object_name <> {erased}
      AND (object_type, object_id) IN (SELECT * FROM unnest(types, ids));
    GET DIAGNOSTICS about = ROW_COUNT;
    UPDATE tenants_auditentry SET actor_name = {erased}, ip = NULL
    WHERE tenant_id IS NOT DISTINCT FROM tenant AND actor_type = 'tenants.user' AND actor_id = ANY(people)
      AND actor_name <> {erased};
    GET DIAGNOSTICS actions = ROW_COUNT;
    PERFORM set_config('app.trail_change', '', true);
    IF about + actions > 0 THEN
        INSERT INTO tenants_auditentry (tenant_id, at, action, object_type, object_id, object_name, actor_type,
                                        actor_id, actor_name, via, ip, trace_id, after)
        VALUES (tenant, now(), 'tenants.audit.blanked', 'tenants.auditentry', '', {erased}, told->>'actor_type',
                told->>'actor_id', told->>'actor_name', told->>'via', (told->>'ip')::inet, told->>'trace_id',
                jsonb_build_object('rows_about', about, 'rows_by', actions));
    END IF;
    RETURN about + actions;
END $body$
"""

_FORGET = """
CREATE FUNCTION {schema}.{forget}(oldest timestamptz, most integer, told jsonb) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, {schema}, pg_temp AS $body$
DECLARE
    tenant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
    forgotten integer;
BEGIN
    IF tenant IS NULL OR oldest > now() - interval {least} THEN
        RAISE EXCEPTION 'only old rows in the trail of one tenant can be forgotten'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM set_config('app.trail_change', 'DELETE', true);
    DELETE FROM tenants_auditentry WHERE id IN (
        SELECT id FROM tenants_auditentry WHERE tenant_id = tenant AND at < oldest ORDER BY at LIMIT most
    );
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    PERFORM set_config('app.trail_change', '', true);
    IF forgotten > 0 THEN
        INSERT INTO tenants_auditentry (tenant_id, at, action, object_type, object_id, object_name, actor_type,
                                        actor_id, actor_name, via, ip, trace_id, after)
        VALUES (tenant, now(), 'tenants.audit.forgotten', 'tenants.auditentry', '', 'rows before ' || oldest,
                told->>'actor_type', told->>'actor_id', told->>'actor_name', told->>'via', (told->>'ip')::inet,
                told->>'trace_id', jsonb_build_object('before', oldest, 'rows', forgotten));
    END IF;
    RETURN forgotten;
END $body$
"""

_SIGNATURES = "{schema}.{blank}(text[], text[], text[], jsonb), {schema}.{forget}(timestamptz, integer, jsonb)"


def create_functions(_apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """For RunPython. The application's role is whoever `default` connects as; the owner's is the migrating one."""
    with schema_editor.connection.cursor() as cursor:
        app = str(connections["default"].settings_dict["USER"])
        cursor.execute("SELECT current_schema(), current_user, coalesce(nullif(%s, ''), current_user)", [app])
        parts = _parts(*cursor.fetchone())
        for statement in (
            _JUDGE,
            _NO_TRUNCATE,
            _BLANK,
            _FORGET,
            f"REVOKE ALL ON FUNCTION {_SIGNATURES} FROM PUBLIC",
            f"GRANT EXECUTE ON FUNCTION {_SIGNATURES} TO {{app}}",
        ):
            cursor.execute(sql.SQL(statement).format(**parts))


def drop_functions(_apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """The trigger that judges stays as it is: without the two functions nothing passes it."""
    schema_editor.execute("DROP TRIGGER append_only_whole ON tenants_auditentry")
    schema_editor.execute(f"DROP FUNCTION {BLANK}(text[], text[], text[], jsonb)")
    schema_editor.execute(f"DROP FUNCTION {FORGET}(timestamptz, integer, jsonb)")


def _parts(schema: str, owner: str, app: str) -> dict[str, sql.Composable]:
    personal = ["object_name", "before", "after", "actor_name", "ip"]
    return {
        "schema": sql.Identifier(schema),
        "owner_name": sql.Literal(owner),
        "app": sql.Identifier(app),
        "blank": sql.Identifier(BLANK),
        "forget": sql.Identifier(FORGET),
        "erased": sql.Literal(ERASED),
        "least": sql.Literal(f"{LEAST_DAYS} days"),
        "personal": sql.SQL("ARRAY[{}]").format(sql.SQL(", ").join(sql.Literal(name) for name in personal)),
    }
