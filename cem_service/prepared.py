"""Querysets and inserts whose SQL is made once for a process, and planned once for a connection.

Django makes the SQL of a queryset anew whenever it is asked, which for a wide one takes several times as long as
PostgreSQL takes to answer. What each look at a site asks for, and what it stores, is worth keeping.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID, uuid4

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import JSONField, Model, QuerySet
from psycopg.sql import SQL, Identifier, Literal
from pydantic_core import from_json, to_json

from tenants.statements import fetch_all, kept_statements

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
        # They depend on the columns alone, and are asked for with each answer.
        found = compiler.get_converters([column for column, *_ in compiler.select])
        converters = {place: ([*map(_converter, each)], column) for place, (each, column) in found.items()}
        compiler.get_converters = lambda _: converters
        places = [marks.index(found) for found in parameters if found in marks]
        if set(places) != set(range(len(marks))):
            raise ValueError("an argument does not become a parameter as it is")
        return _Made(queryset, compiler, _with_constants(sql, parameters, marks), places)


def _converter(by_django: Callable[..., Any]) -> Callable[..., Any]:
    """The same, or what reads JSON in a quarter of the time: a plan is 30 KB of it."""
    field = getattr(by_django, "__self__", None)
    if not isinstance(field, JSONField) or field.decoder is not None:
        return by_django
    return lambda value, *_: from_json(value) if isinstance(value, str) else value


def _with_constants(sql: str, parameters: Sequence[Any], marks: Sequence[Argument]) -> str:
    """With the values that are always the same in the text, since Django relies on their being written there."""
    texts = ("%s" if each in marks else Literal(each).as_string(None).replace("%", "%%") for each in parameters)
    return sql.replace("%%", "%%%%") % tuple(texts)


def _mark(kind: type[Argument], number: int) -> Argument:
    """A value that a query has for no other reason."""
    if kind is datetime:
        return _NEVER + timedelta(days=number)
    return uuid4() if kind is UUID else [uuid4()]


_INSERT = SQL(
    "INSERT INTO {table} ({columns}) SELECT {columns} FROM jsonb_populate_recordset(NULL::{table}, %s::jsonb)"
)


class PreparedInsert:
    """Stores new rows of a model, however many, as `bulk_create` would.

    They travel as one JSON text, of which PostgreSQL makes rows of the table's own types. Writing values one by one, or
    an array for each column as Django does, takes Python many times as long.
    """

    def __init__(self, model: type[Model]) -> None:
        self._model = model

    def __call__(self, rows: Sequence[Model]) -> None:
        """Raises what the database raises."""
        connection = connections[DEFAULT_DB_ALIAS]
        values = [
            {field.column: field.get_prep_value(field.pre_save(row, True)) for field in self._fields} for row in rows
        ]
        with kept_statements(), connection.cursor() as cursor:
            cursor.execute(self._sql, [to_json(values).decode()])
        for row in rows:
            row._state.adding, row._state.db = False, connection.alias  # noqa: SLF001 - Documented by Django.

    @cached_property
    def _fields(self) -> Sequence[Any]:
        # Once the models are there, which this may be imported before.
        return [field for field in self._model._meta.concrete_fields if not field.generated]

    @cached_property
    def _sql(self) -> str:
        columns = SQL(", ").join(Identifier(field.column) for field in self._fields)
        return _INSERT.format(table=Identifier(self._model._meta.db_table), columns=columns).as_string(None)
