"""What PostgreSQL's own catalogue says about isolation: nothing in the schema stands outside of it without a reason."""

from __future__ import annotations

import re

import pytest

from tests.support.registry import query

pytestmark = pytest.mark.django_db

UNPROTECTED = {
    "auth_group": "the role table is in the code; groups are not used",
    "auth_group_permissions": "as groups",
    "auth_permission": "the names of what can be done, the same for all",
    "django_content_type": "the names of the models, the same for all",
    "django_migrations": "which migrations have run",
    "django_session": "found by its key alone, which only the browser has",
}
SECURITY_DEFINER = {
    "tenants_audit_blank": "the one way to take a person's values out of the trail, within the open scope",
    "tenants_audit_forget": "ends what retention has ended, within the open scope; the trail is append-only otherwise",
    "telemetry_ensure_partition": "makes the empty partition of a day, whose owner has to be that of the table",
    "telemetry_drop_partitions_before": "drops the partitions of days that retention has ended",
}
# Telling that a value is taken tells that somebody has it; so what is unique beyond a tenant is random, or no secret.
UNIQUE_BEYOND_A_TENANT = {
    "tenants_tenant.name": "given by operators, who see all tenants",
}
# Keys that PostgreSQL counts out and hashes of random texts are not chosen by whoever writes.
_CHOSEN_BY_NOBODY = re.compile(r"id|\w+_hash")
_IN_PUBLIC = "relnamespace = 'public'::regnamespace"


def test_every_table_is_protected_or_has_a_reason_not_to_be() -> None:
    found = query(
        f"SELECT relname FROM pg_class WHERE {_IN_PUBLIC} AND relkind IN ('r', 'p') AND NOT relispartition"
        " AND NOT (relrowsecurity AND relforcerowsecurity)"
    )

    assert {name for (name,) in found} == UNPROTECTED.keys()


def test_the_application_does_not_reach_partitions_past_their_parent() -> None:
    query("SELECT telemetry_ensure_partition(date '2026-04-21')")

    found = query(
        "SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'"
        " AND has_table_privilege(oid, 'SELECT, INSERT, UPDATE, DELETE')"
    )

    assert found == []


def test_every_function_with_the_owners_rights_is_judged_and_pinned() -> None:
    found = query(
        "SELECT proname, proconfig::text, has_function_privilege('public', oid, 'EXECUTE') FROM pg_proc"
        " WHERE pronamespace = 'public'::regnamespace AND prosecdef"
    )

    assert {name for name, *_ in found} == SECURITY_DEFINER.keys()
    for name, settings, for_everybody in found:
        assert "search_path=pg_catalog" in settings, name
        assert not for_everybody, name


def test_no_view_reads_with_the_owners_rights() -> None:
    found = query(
        f"SELECT relname FROM pg_class WHERE {_IN_PUBLIC} AND relkind IN ('v', 'm', 'f')"
        " AND NOT coalesce(reloptions::text LIKE '%%security_invoker=true%%', false)"
    )

    assert found == []


def test_no_sequence_can_be_turned_back() -> None:
    found = query("SELECT seqrelid::regclass::text FROM pg_sequence WHERE has_sequence_privilege(seqrelid, 'UPDATE')")

    assert found == []


def test_policies_look_at_the_scope_once_for_each_statement() -> None:
    """Outside of a sub-select PostgreSQL would read the setting again for each row."""
    found = query(
        "SELECT polrelid::regclass::text, pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polqual IS NOT NULL"
    )

    assert [table for table, condition in found if "current_setting" in _outside_of_selects(condition)] == []


def _outside_of_selects(condition: str) -> str:
    """The condition without its sub-selects."""
    kept: list[str] = []
    hidden: list[int] = []
    depth = 0
    for at, sign in enumerate(condition):
        if sign == "(":
            depth += 1
            if condition[at + 1 :].lstrip().startswith("SELECT"):
                hidden.append(depth)
        if not hidden:
            kept.append(sign)
        if sign == ")":
            if hidden and hidden[-1] == depth:
                hidden.pop()
            depth -= 1
    return "".join(kept)


def test_nothing_guessable_is_unique_beyond_a_tenant() -> None:
    found = query(
        """
        SELECT relation.relname, array_agg(attname::text), array_agg(typname::text)
        FROM pg_index
        JOIN pg_class AS relation ON relation.oid = indrelid
        JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
        JOIN pg_type ON pg_type.oid = atttypid
        WHERE indisunique AND (relation.relname = 'tenants_tenant' OR relation.oid IN (
            SELECT attrelid FROM pg_attribute WHERE attname = 'tenant_id'
        )) AND relation.relnamespace = 'public'::regnamespace
        GROUP BY relation.relname, indexrelid
        """
    )
    hints = {
        f"{table}.{column}"
        for table, columns, kinds in found
        if "tenant_id" not in columns and "uuid" not in kinds
        for column in columns
        if not _CHOSEN_BY_NOBODY.fullmatch(column)
    }

    assert hints == UNIQUE_BEYOND_A_TENANT.keys()
