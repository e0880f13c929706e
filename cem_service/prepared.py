"""Querysets whose SQL is made once for a process.

Django makes the SQL of a queryset anew whenever it is asked, which for a wide one takes several times as long as
PostgreSQL takes to answer. What each look at a site asks for is worth keeping.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID, uuid4

from django.db import connections
from django.db.models import QuerySet

Argument = UUID | datetime

# Moments that nobody means, one for each argument.
_NEVER = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Made:
    """`places` says which parameter of the SQL is which argument."""

    queryset: QuerySet[Any]
    compiler: Any
    sql: str
    parameters: Sequence[Any]
    places: Mapping[int, int]


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
        parameters = list(made.parameters)
        for place, number in made.places.items():
            parameters[place] = arguments[number]
        queryset: Any = made.queryset.all()
        compiler = copy(made.compiler)
        # Each thread has a connection of its own.
        compiler.connection = connections[queryset.db]
        compiler.as_sql = lambda *_, **__: (made.sql, tuple(parameters))
        queryset.query.get_compiler = lambda *_, **__: compiler
        return list(queryset)

    @cached_property
    def _made(self) -> _Made:
        marks = [_mark(kind, number) for number, kind in enumerate(self._kinds)]
        queryset = self._build(*marks)
        compiler = queryset.query.get_compiler(queryset.db)
        sql, parameters = compiler.as_sql()
        places = {place: marks.index(found) for place, found in enumerate(parameters) if found in marks}
        if set(places.values()) != set(range(len(marks))):
            raise ValueError("an argument does not become a parameter as it is")
        return _Made(queryset, compiler, sql, parameters, places)


def _mark(kind: type[Argument], number: int) -> Argument:
    """A value that a query has for no other reason."""
    return uuid4() if kind is UUID else _NEVER + timedelta(days=number)
