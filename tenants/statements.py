"""Statements that run all the time: PostgreSQL parses and plans them once for a connection.

Row-level security makes planning take several times as long as what is planned. Django's own statements cannot be kept,
since their values are written into the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.postgresql.base import ServerBindingCursor
from psycopg.pq import Format


@contextmanager
def kept_statements() -> Iterator[None]:
    """What is sent inside has its values bound by the server, which keeps the statement for the next time.

    For inserts and for SQL of one's own, where PostgreSQL can tell of what type each value is; of what Django writes
    for a queryset that does not hold. Name the columns: with `*`, a migration that adds one would end in an error.
    """
    connection: Any = connections[DEFAULT_DB_ALIAS]
    connection.ensure_connection()
    own = connection.connection
    before, own.cursor_factory = own.cursor_factory, ServerBindingCursor
    try:
        yield
    finally:
        own.cursor_factory = before


def fetch_all(
    statement: str, parameters: Sequence[Any] | Mapping[str, Any], *, binary: bool = False
) -> list[tuple[Any, ...]]:
    """The rows that a statement gives, which is kept.

    With `binary` they travel as PostgreSQL has them, and long arrays of numbers are read in a fifth of the time.
    Moments and JSON then come as psycopg makes them, and not as Django expects them.
    """
    with kept_statements(), connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        if binary:
            cursor.cursor.format = Format.BINARY
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
