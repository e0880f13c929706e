"""The application reaches measurements through the policy and through nothing else."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import DataError, ProgrammingError, connection, transaction

from flexhub.telemetry.partitions import LEAST_DAYS
from tenants.rls import HOUSEHOLD_DELETE_POLICY, HOUSEHOLD_POLICY, POLICY
from tests.support.registry import query

DAY = date(2026, 4, 21)
PARTITION = "telemetry_measurement_20260421"

_POLICIES = "SELECT policyname, qual, with_check FROM pg_policies WHERE tablename = %s ORDER BY 1"

pytestmark = pytest.mark.django_db


def _unqualified(*conditions: str | None) -> list[str | None]:
    """PostgreSQL writes the table before a column where a sub-select has one of the same name."""
    return [text and text.replace(f"{PARTITION}.", "telemetry_measurement.") for text in conditions]


@pytest.fixture(autouse=True)
def partition() -> None:
    query("SELECT telemetry_ensure_partition(%s)", DAY)


def test_making_a_partition_again_does_nothing() -> None:
    query("SELECT telemetry_ensure_partition(%s)", DAY)

    assert query("SELECT count(*) FROM pg_class WHERE relname = %s AND relkind = 'r'", PARTITION) == [(1,)]


def test_the_day_is_one_in_utc() -> None:
    ((bounds,),) = query("SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = %s", PARTITION)

    assert "2026-04-21 00:00:00+00" in str(bounds)
    assert "2026-04-22 00:00:00+00" in str(bounds)


@pytest.mark.parametrize("table", ["telemetry_measurement", PARTITION])
def test_row_security_is_forced_with_the_same_policy(table: str) -> None:
    flags = query("SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname = %s", table)
    policies = [(name, *_unqualified(*conditions)) for name, *conditions in query(_POLICIES, table)]
    parents = [(name, *_unqualified(*conditions)) for name, *conditions in query(_POLICIES, "telemetry_measurement")]

    assert flags == [(True, True)]
    assert policies == parents
    assert [name for name, *_ in policies] == [HOUSEHOLD_DELETE_POLICY, HOUSEHOLD_POLICY, POLICY]


@pytest.mark.parametrize("statement", ["SELECT * FROM {}", "DELETE FROM {}", "DROP TABLE {}"])
def test_the_application_cannot_touch_a_partition(statement: str) -> None:
    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"), transaction.atomic():
        query(statement.format(PARTITION))


@pytest.mark.parametrize("day", ["current_date - 5", "current_date", "'infinity'"])
def test_nobody_drops_what_no_retention_may_end(day: str) -> None:
    query("SELECT telemetry_ensure_partition((now() AT TIME ZONE 'UTC')::date - 2)")

    with pytest.raises(DataError, match="measurements of the last 6 days are not dropped"), transaction.atomic():
        query(f"SELECT telemetry_drop_partitions_before({day})")

    assert query("SELECT count(*) FROM pg_inherits WHERE inhparent = 'telemetry_measurement'::regclass") == [(2,)]


def test_the_shortest_retention_may_be_kept() -> None:
    query("SELECT telemetry_ensure_partition((now() AT TIME ZONE 'UTC')::date - %s)", LEAST_DAYS + 1)

    ((dropped,),) = query("SELECT telemetry_drop_partitions_before(current_date - %s)", LEAST_DAYS)

    assert dropped >= 1


def test_the_functions_are_for_the_application_alone_with_a_pinned_path() -> None:
    rows = query(
        "SELECT prosecdef, array_to_string(proconfig, ';'), array_to_string(proacl, ';') FROM pg_proc "
        "WHERE proname LIKE 'telemetry\\_%%partition%%'"
    )

    assert len(rows) == 2
    for security_definer, settings, rights in rows:
        assert security_definer
        assert "search_path=pg_catalog, public, pg_temp" in str(settings)
        # A grant to everybody would be written with nothing in front of the equals sign.
        assert not any(entry.startswith("=") for entry in str(rights).split(";"))
        assert f"{connection.settings_dict['USER']}=X" in str(rights)
