"""A database of its own with a row of Alder's and one of Birch's in every table that has tenants, reached past Django.

The tables are found in PostgreSQL's catalogue and the rows are made up by the types of their columns, so that a new
table is among them by itself. No service knows these rows: keys lead nowhere and checks are dropped, because only
what row-level security does with them is of interest.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import LiteralString
from uuid import UUID, uuid4

import psycopg
from psycopg import sql

from flexhub.embedded import roles
from tests.support.databases import migrated_database
from tests.support.services import Addresses

ALDER, BIRCH = UUID(int=0xA), UUID(int=0xB)
NOBODY = None

# Of each type any value will do, as long as it differs from row to row where it can.
_VALUES = {
    "bool": "true",
    "bytea": "decode(md5(random()::text), 'hex')",
    "date": "current_date",
    "float8": "random()",
    "inet": "inet '192.0.2.1'",
    "int2": "(random() * 30000)::smallint",
    "int4": "(random() * 1000000000)::integer",
    "int8": "(random() * 1000000000)::bigint",
    "interval": "interval '1 hour'",
    "jsonb": "jsonb '{}'",
    "numeric": "1",
    "text": "left(md5(random()::text), {length})",
    "timestamptz": "clock_timestamp()",
    "uuid": "gen_random_uuid()",
    "varchar": "left(md5(random()::text), {length})",
}
_TABLES = """
    SELECT relname, array_agg(attname::text), array_agg(typname::text),
           array_agg(CASE WHEN atttypmod > 4 THEN atttypmod - 4 ELSE 32 END)
    FROM pg_class
    JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
    JOIN pg_type ON pg_type.oid = atttypid
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
    GROUP BY relname ORDER BY relname
"""
_CHECKS = """
    SELECT conrelid::regclass::text, conname FROM pg_constraint
    WHERE contype = 'c' AND connamespace = 'public'::regnamespace AND conislocal
"""
_PARENTS = "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'p'"


@dataclass(frozen=True, slots=True)
class Column:
    """What can be written; `length` is the longest text that fits."""

    name: str
    kind: str
    length: int


@dataclass(frozen=True, slots=True)
class OwnedTable:
    """A table whose rows belong to tenants; the column `owner` says to which."""

    name: str
    owner: str
    columns: tuple[Column, ...]

    def statement(self, text: LiteralString) -> sql.Composed:
        """`{t}`, `{owner}` and `{columns}` stand for the names of the table and of its columns."""
        columns = sql.SQL(", ").join(sql.Identifier(column.name) for column in self.columns)
        return sql.SQL(text).format(t=sql.Identifier(self.name), owner=sql.Identifier(self.owner), columns=columns)


class RawDatabase:
    """`admin_url` passes by all policies; `app_url` is what every process of the hub connects with."""

    def __init__(self, admin_url: str, app_url: str) -> None:
        self.admin_url = admin_url
        self.app_url = app_url

    @cached_property
    def tables(self) -> list[OwnedTable]:
        with roles.connect(self.admin_url) as connection:
            found = connection.execute(_TABLES).fetchall()
        tables = [(name, tuple(map(Column, *columns))) for name, *columns in found]
        return [
            OwnedTable(name, owner, columns)
            for name, columns in tables
            for owner in ("id" if name == "tenants_tenant" else "tenant_id",)
            if owner in {column.name for column in columns}
        ]

    @contextmanager
    def connected(self) -> Iterator[psycopg.Connection]:
        """One connection as the application, without a transaction."""
        with roles.connect(self.app_url) as connection:
            yield connection

    def fill(self) -> None:
        with roles.connect(self.admin_url) as connection:
            for table, check in connection.execute(_CHECKS).fetchall():
                statement = sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}")
                connection.execute(statement.format(sql.Identifier(table), sql.Identifier(check)))
            for (parent,) in connection.execute(_PARENTS).fetchall():
                names = sql.Identifier(f"{parent}_rest"), sql.Identifier(parent)
                connection.execute(sql.SQL("CREATE TABLE {} PARTITION OF {} DEFAULT").format(*names))
            # Neither foreign keys nor triggers of our own.
            connection.execute("SET session_replication_role = replica")
            for table in self.tables:
                for tenant in (ALDER, BIRCH):
                    connection.execute(_insertion(table), {"tenant": tenant})


def _insertion(table: OwnedTable) -> sql.Composed:
    values = sql.SQL(", ").join(
        sql.SQL("%(tenant)s") if column.name == table.owner else sql.SQL(_value(table, column))
        for column in table.columns
    )
    return table.statement("INSERT INTO {t} ({columns}) OVERRIDING SYSTEM VALUE VALUES (") + values + sql.SQL(")")


def _value(table: OwnedTable, column: Column) -> str:
    if column.kind.startswith("_"):
        return "'{}'"
    assert column.kind in _VALUES, (
        f"{table.name}.{column.name} is of the type {column.kind}: say in _VALUES what will do"
    )
    return _VALUES[column.kind].replace("{length}", str(column.length))


@contextmanager
def in_scope(
    connection: psycopg.Connection, tenant: UUID | None, *, household: UUID | None = None, kind: str = ""
) -> Iterator[psycopg.Connection]:
    """A transaction in a tenant's scope, or in none, as `tenants.scope` opens it. Ends with a commit."""
    values = {"app.tenant_id": tenant, "app.household_id": household, "app.scope": kind or None}
    with connection.transaction():
        for name, value in values.items():
            if value is not None:
                connection.execute("SELECT set_config(%s, %s, true)", [name, str(value)])
        yield connection


@contextmanager
def raw_database(addresses: Addresses) -> Iterator[RawDatabase]:
    """Migrated, and filled by a superuser."""
    with migrated_database(addresses, f"raw_{uuid4().hex[:12]}") as database:
        name = database.app_url.rpartition("/")[2].partition("?")[0]
        raw = RawDatabase(roles.with_database(addresses.maker_url, name), database.app_url)
        raw.fill()
        yield raw
