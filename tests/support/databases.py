"""Databases with all tables, made and emptied faster than by migrating and flushing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from django.core.management import call_command
from psycopg import sql

from flexhub.embedded import roles
from tests.support.services import Addresses, DatabaseOfTests, django_at, fresh_database

# Whoever makes the template of a run holds this lock; any number will do.
_LOCK = 7_030_117
# A test that leaves a transaction open fails, and does not stop the run.
_LOCK_TIMEOUT = "20s"
_WRITTEN = """
    SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0
"""


@contextmanager
def migrated_database(addresses: Addresses, name: str) -> Iterator[DatabaseOfTests]:
    """As `fresh_database`, with all tables: a copy of the run's template, which the first one to ask makes.

    Migrations take as long as hundreds of tests.
    """
    with roles.connect(addresses.maker_url) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        named = "SELECT 1 FROM pg_database WHERE datname = %s"
        if connection.execute(named, [addresses.template]).fetchone() is None:
            _make_template(connection, addresses)
    with fresh_database(addresses, name, template=addresses.template) as database:
        yield database


def _make_template(connection: psycopg.Connection, addresses: Addresses) -> None:
    """It gets its name when it is complete."""
    unfinished = f"{addresses.template}_new"
    with fresh_database(addresses, unfinished) as database:
        with django_at(database):
            call_command("migrate", database="owner", verbosity=0, interactive=False)
        names = sql.Identifier(unfinished), sql.Identifier(addresses.template)
        connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*names))


@contextmanager
def emptied(database: DatabaseOfTests) -> Iterator[Callable[[], None]]:
    """A function that takes all rows away but those that migrations made.

    Django's own command empties every table, which takes long, and makes the rows of migrations anew.
    """
    with roles.connect(database.owner_url) as connection:
        # Nobody empties the trail, who is no test.
        connection.execute("ALTER TABLE tenants_auditentry DISABLE TRIGGER append_only_whole")
        connection.execute(sql.SQL("SET lock_timeout = {}").format(_LOCK_TIMEOUT))
        kept = _written(connection)

        def empty() -> None:
            if tables := _written(connection) - kept:
                names = sql.SQL(", ").join(map(sql.Identifier, sorted(tables)))
                connection.execute(sql.SQL("TRUNCATE {} CASCADE").format(names))

        yield empty


def _written(connection: psycopg.Connection) -> set[str]:
    """The tables that have a page, be it that all rows on it were rolled back."""
    return {name for (name,) in connection.execute(_WRITTEN)}
