from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants.guard import NoScopeError
from tenants.scope import platform_scope, tenant_scope
from tenants.statements import fetch_all
from tests.support.registry import make_tenant

pytestmark = pytest.mark.django_db

NAMES = "SELECT name FROM tenants_tenant WHERE name = %s"
KEPT = "SELECT count(*) FROM pg_prepared_statements WHERE statement = %s"


def test_gives_rows_and_is_planned_once_for_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    make_tenant("Alder")
    monkeypatch.setattr(connection.connection, "prepare_threshold", 0)
    with platform_scope("test"):
        assert fetch_all(NAMES, ["Alder"]) == [("Alder",)]
        assert fetch_all(NAMES, ["Birch"]) == []
        with connection.cursor() as cursor:
            cursor.execute(KEPT, [NAMES.replace("%s", "$1")])
            assert cursor.fetchone() == (1,)


def test_what_was_planned_for_one_tenant_shows_another_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    alder, birch = make_tenant("Alder"), make_tenant("Birch")
    monkeypatch.setattr(connection.connection, "prepare_threshold", 0)
    for _ in range(10):
        with tenant_scope(alder.pk):
            assert fetch_all(NAMES, ["Alder"]) == [("Alder",)]
        with tenant_scope(birch.pk):
            assert fetch_all(NAMES, ["Alder"]) == []


def test_is_not_sent_without_a_scope() -> None:
    with pytest.raises(NoScopeError):
        fetch_all(NAMES, ["Alder"])


def test_is_counted_like_any_other_statement() -> None:
    with platform_scope("test"), CaptureQueriesContext(connection) as asked:
        fetch_all(NAMES, ["Alder"])

    assert len(asked) == 1


def test_gives_the_same_values_as_text_and_as_bytes() -> None:
    statement = "SELECT %s::uuid, %s::date, ARRAY[0.1, NULL, -1e300]::float8[]"
    parameters = [UUID(int=7), date(2026, 4, 21)]

    as_bytes = fetch_all(statement, parameters, binary=True)

    assert as_bytes == fetch_all(statement, parameters) == [(*parameters, [0.1, None, -1e300])]
