"""The database roles, on a real server; the application's is the one that tenant isolation rests on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import LiteralString

import psycopg
import pytest

from flexhub.embedded import Services, roles


@pytest.fixture
def table(server: Services) -> Iterator[None]:
    """A table of the owner whose rows are hidden from everyone."""
    with roles.connect(server.database_owner_url) as connection:
        connection.execute("CREATE TABLE guarded (id serial, value text)")
        connection.execute("ALTER TABLE guarded ENABLE ROW LEVEL SECURITY")
        connection.execute("ALTER TABLE guarded FORCE ROW LEVEL SECURITY")
        connection.execute("CREATE POLICY all_or_nothing ON guarded USING (value = 'public')")
        yield
        connection.execute("DROP TABLE guarded")


@pytest.fixture
def app(server: Services) -> Iterator[psycopg.Connection]:
    with roles.connect(server.database_url) as connection:
        yield connection


def _admin(server: Services) -> str:
    assert server.admin_url is not None
    return server.admin_url


def test_the_app_reads_and_writes_rows_of_the_owners_tables(app: psycopg.Connection, table: None) -> None:
    app.execute("INSERT INTO guarded (value) VALUES ('public')")
    app.execute("UPDATE guarded SET value = 'public'")

    assert app.execute("SELECT value FROM guarded").fetchall() == [("public",)]
    assert app.execute("DELETE FROM guarded").rowcount == 1


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id integer)",
        "CREATE SCHEMA mine",
        "CREATE DATABASE mine",
        "CREATE ROLE mine",
        "DROP TABLE guarded",
        "ALTER TABLE guarded ADD COLUMN extra integer",
        "ALTER TABLE guarded DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE guarded NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY all_or_nothing ON guarded",
        "ALTER ROLE flexhub_app BYPASSRLS",
        "ALTER ROLE flexhub_app SUPERUSER",
        "SET ROLE flexhub_owner",
        "SET SESSION AUTHORIZATION postgres",
        "TRUNCATE guarded",
    ],
)
def test_the_app_cannot_change_what_it_works_in(app: psycopg.Connection, table: None, statement: LiteralString) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute(statement)


def test_the_app_cannot_see_past_row_security(app: psycopg.Connection, table: None, server: Services) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute("INSERT INTO guarded (value) VALUES ('secret')")

    app.execute("SET row_security = off")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        app.execute("SELECT * FROM guarded")


def test_neither_role_has_powers(server: Services) -> None:
    with roles.connect(_admin(server)) as connection:
        for role in (roles.OWNER_ROLE, roles.APP_ROLE):
            assert roles.powers_of(connection, role) == roles.RolePowers(role, False, False, False)


def test_the_owner_owns_the_database(server: Services) -> None:
    with roles.connect(server.database_owner_url) as connection:
        row = connection.execute(
            "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
        ).fetchone()

    assert row == (roles.OWNER_ROLE,)


def test_powers_are_taken_away_again(server: Services) -> None:
    with roles.connect(_admin(server)) as admin:
        admin.execute("CREATE ROLE too_powerful SUPERUSER BYPASSRLS CREATEROLE")
        try:
            roles.ensure_role(admin, "too_powerful", "secret")

            assert roles.powers_of(admin, "too_powerful") == roles.RolePowers("too_powerful", False, False, False)
        finally:
            admin.execute("DROP ROLE too_powerful")


def test_addresses_keep_their_other_parts() -> None:
    url = "postgresql://a:b@db:5433/one?sslmode=require"

    assert roles.with_database(url, "two") == "postgresql://a:b@db:5433/two?sslmode=require"
    assert roles.with_role(url, "c", "d@") == "postgresql://c:d%40@db:5433/one?sslmode=require"
    assert roles.with_role("postgresql:///one?host=%2Frun", "c", "d") == "postgresql://c:d@/one?host=%2Frun"
