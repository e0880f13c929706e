"""Querysets whose SQL is made once for a process, and planned once for a connection.

Django makes the SQL of a queryset anew whenever it is asked, which for a wide one takes several times as long as
PostgreSQL takes to answer. What each look at a site asks for is worth keeping.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID, uuid4

from django.db import connections
from django.db.models import QuerySet
from psycopg.sql import Literal

from tenants.statements import fetch_all

Argument = UUID | datetime | list[UUID]

# Moments that nobody means, one for each argument.
_NEVER = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Made:
    """`places` says which argument each parameter of the SQL is."""

    queryset: QuerySet[Any]
    compiler: Any
    sql: str
    places: Sequence[int]


class Prepared:
    """`build` makes the queryset from arguments of these kinds; each has to become a parameter of the SQL as it is.

    Calling it gives the rows for other arguments, as `list(build(...))` would.
    """

    def __init__(self, build: Callable[..., QuerySet[Any]], *kinds: type[Argument]) -> None:
        self._build = build
        self._kinds = kinds

    def __call__(self, *arguments: Argument) -> list[Any]:
        """Raises what the database raises."""
        made = self._made
        queryset: Any = made.queryset.all()
        compiler = copy(made.compiler)
        # Each thread has a connection of its own.
        compiler.connection = connections[queryset.db]
        rows = fetch_all(made.sql, [arguments[number] for number in made.places])
        compiler.execute_sql = lambda *_, **__: [rows]
        queryset.query.get_compiler = lambda *_, **__: compiler
        return list(queryset)

    @cached_property
    def _made(self) -> _Made:
        marks = [_mark(kind, number) for number, kind in enumerate(self._kinds)]
        queryset = self._build(*marks)
        compiler = queryset.query.get_compiler(queryset.db)
        sql, parameters = compiler.as_sql()
        places = [marks.index(found) for found in parameters if found in marks]
        if set(places) != set(range(len(marks))):
            raise ValueError("an argument does not become a parameter as it is")
        return _Made(queryset, compiler, _with_constants(sql, parameters, marks), places)


def _with_constants(sql: str, parameters: Sequence[Any], marks: Sequence[Argument]) -> str:
    """With the values that are always the same in the text, since Django relies on their being written there."""
    texts = ("%s" if each in marks else Literal(each).as_string(None).replace("%", "%%") for each in parameters)
    return sql.replace("%%", "%%%%") % tuple(texts)


def _mark(kind: type[Argument], number: int) -> Argument:
    """A value that a query has for no other reason."""
    if kind is datetime:
        return _NEVER + timedelta(days=number)
    return uuid4() if kind is UUID else [uuid4()]
