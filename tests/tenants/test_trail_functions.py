"""What nobody can do to the trail, whichever way he tries, and the two things that can be done to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
from django.db import connection, transaction
from django.db.utils import Error, ProgrammingError
from django.utils import timezone

from flexhub.embedded import roles
from tenants import audit
from tenants.scope import platform_scope, tenant_scope
from tenants.trail_functions import LEAST_DAYS
from tests.support.registry import audited, make_member, make_tenant, query
from tests.support.services import DatabaseOfTests

TOLD = json.dumps({"actor_type": "system", "actor_id": "", "actor_name": "", "via": "task", "ip": None, "trace_id": ""})
OLD = timedelta(days=LEAST_DAYS + 1)


def _blank(objects: dict[str, str], people: list[str] | None = None) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tenants_audit_blank(%s, %s, %s, %s)",
            [list(objects.values()), list(objects.keys()), people or [], TOLD],
        )
        return int(cursor.fetchone()[0])


def _forget(before: timedelta, most: int = 100) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tenants_audit_forget(%s, %s, %s)", [timezone.now() - before, most, TOLD])
        return int(cursor.fetchone()[0])


_INSERT = (
    "INSERT INTO tenants_auditentry (tenant_id, at, action, object_type, object_id, object_name, actor_type, actor_id,"
    " actor_name) VALUES (%s, now() - make_interval(days => %s), 'a.b.done', 'a.b', '1', 'thing', 'system', '', '')"
)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tenants_auditentry SET action = 'x'",
        "DELETE FROM tenants_auditentry",
        "INSERT INTO tenants_auditentry SELECT * FROM tenants_auditentry ON CONFLICT (id) DO UPDATE SET action = 'x'",
        "MERGE INTO tenants_auditentry AS t USING tenants_tenant AS s ON true WHEN MATCHED THEN DELETE",
        "SELECT * FROM tenants_auditentry FOR UPDATE",
        "ALTER TABLE tenants_auditentry DISABLE TRIGGER ALL",
        "DROP TRIGGER append_only ON tenants_auditentry",
        "CREATE TRIGGER mine BEFORE INSERT ON tenants_auditentry EXECUTE FUNCTION tenants_auditentry_refuse_change()",
        "CREATE RULE mine AS ON INSERT TO tenants_auditentry DO INSTEAD NOTHING",
        "ALTER FUNCTION tenants_auditentry_refuse_change() RENAME TO harmless",
        "ALTER TABLE tenants_auditentry NO FORCE ROW LEVEL SECURITY",
        "SET session_replication_role = 'replica'",
        "SET ROLE flexhub_owner",
        "DROP TABLE tenants_auditentry",
    ],
)
def test_the_application_cannot_touch_a_row_nor_what_guards_it(statement: str) -> None:
    make_tenant("Alder")

    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"), platform_scope("test"):
        query(f"SET LOCAL app.trail_change = 'UPDATE'; {statement}")


@contextmanager
def _as_owner(database: DatabaseOfTests) -> Iterator[psycopg.Connection]:
    """In a transaction that is rolled back, with the trigger that the tests have to do without."""
    with roles.connect(database.owner_url) as owner, owner.transaction(force_rollback=True):
        owner.execute("SET LOCAL lock_timeout = '20s'")
        owner.execute("ALTER TABLE tenants_auditentry ENABLE TRIGGER append_only_whole")
        owner.execute("SELECT set_config('app.scope', 'platform', true)")
        owner.execute(_INSERT, [None, 0])
        # Of the foreign key, which would stop a TRUNCATE before our own guard does.
        owner.execute("SET CONSTRAINTS ALL IMMEDIATE")
        yield owner


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tenants_auditentry SET action = 'x'",
        "DELETE FROM tenants_auditentry",
        "TRUNCATE tenants_auditentry",
        "TRUNCATE tenants_tenant CASCADE",
        # As from within the functions: each row is still judged by itself.
        "SET app.trail_change = 'UPDATE'; UPDATE tenants_auditentry SET action = 'x'",
        "SET app.trail_change = 'UPDATE'; UPDATE tenants_auditentry SET at = at - interval '1 day'",
        "SET app.trail_change = 'DELETE'; DELETE FROM tenants_auditentry",
    ],
)
def test_the_owner_does_not_rewrite_it_by_mistake(
    django_db_setup: None, own_database: DatabaseOfTests, statement: str
) -> None:
    with (
        _as_owner(own_database) as owner,
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"),
        owner.transaction(),
    ):
        owner.execute(statement)


@pytest.mark.django_db
def test_blanks_what_the_trail_says_of_an_object_and_of_who_acted() -> None:
    alder, birch = make_tenant("Alder"), make_tenant("Birch")
    ann = make_member(alder, "ann")
    for tenant in (alder, birch):
        with tenant_scope(tenant.pk):
            audit.record("tenants.tenant.changed", tenant, actor=ann, before={"name": "x"}, after={"name": "y"})

    with tenant_scope(alder.pk):
        blanked = _blank({str(alder.pk): "tenants.tenant", str(birch.pk): "tenants.tenant"}, [str(ann.pk)])
        again = _blank({str(alder.pk): "tenants.tenant"}, [str(ann.pk)])

    ours, theirs = audited("tenants.tenant.changed")
    assert (ours["object_name"], ours["before"], ours["after"]) == (
        "(erased)",
        {"name": "(erased)"},
        {"name": "(erased)"},
    )
    assert (ours["actor_name"], ours["actor_id"], ours["object_id"]) == ("(erased)", str(ann.pk), str(alder.pk))
    assert (theirs["object_name"], theirs["actor_name"]) == ("Birch", "ann")
    # The rows about Alder are that it was created and changed; by ann there is one.
    assert (blanked, again) == (3, 0)
    (row,) = audited("tenants.audit.blanked")
    assert (row["tenant_id"], row["via"], row["after"]) == (alder.pk, "task", {"rows_about": 2, "rows_by": 1})


@pytest.mark.django_db
def test_forgets_old_rows_of_one_tenant_some_at_a_time() -> None:
    alder, birch = make_tenant("Alder"), make_tenant("Birch")
    for tenant in (alder, alder, birch):
        with tenant_scope(tenant.pk):
            query(_INSERT, tenant.pk, OLD.days + 1)

    with tenant_scope(alder.pk):
        counts = [_forget(OLD, most=1) for _ in range(3)]

    assert counts == [1, 1, 0]
    assert [row["tenant_id"] for row in audited("a.b.done")] == [birch.pk]
    assert [row["after"]["rows"] for row in audited("tenants.audit.forgotten")] == [1, 1]


@pytest.mark.django_db
def test_does_neither_in_all_trails_at_once() -> None:
    alder = make_tenant("Alder")

    with platform_scope("test"):
        assert _blank({str(alder.pk): "tenants.tenant"}) == 0
        with pytest.raises(Error, match="of one tenant"), transaction.atomic():
            _forget(OLD)


@pytest.mark.django_db
def test_keeps_the_last_year_whatever_is_asked() -> None:
    with pytest.raises(Error, match="old rows"), tenant_scope(make_tenant("Alder").pk):
        _forget(timedelta(days=LEAST_DAYS - 1))


@pytest.mark.django_db
def test_what_opened_the_trail_is_closed_afterwards() -> None:
    alder = make_tenant("Alder")
    with tenant_scope(alder.pk):
        _blank({str(alder.pk): "tenants.tenant"})

        assert query("SELECT current_setting('app.trail_change', true)") == [("",)]


def test_the_functions_cannot_be_lent_to_everybody(django_db_setup: None, own_database: DatabaseOfTests) -> None:
    with roles.connect(own_database.owner_url) as owner:
        rows = owner.execute(
            "SELECT proname, prosecdef, coalesce(array_to_string(proacl, ','), '=X') ~ '(^|,)=X'"
            " FROM pg_proc WHERE proname LIKE 'tenants\\_audit\\_%%'"
        ).fetchall()

    assert sorted(rows) == [("tenants_audit_blank", True, False), ("tenants_audit_forget", True, False)]
