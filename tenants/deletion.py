"""Deleting rows together with what hangs on them, each with its audit row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model, QuerySet
from django.db.models.deletion import Collector

from tenants import audit
from tenants.audit import Actor


def delete(rows: Iterable[Model], *, actor: Actor) -> int:
    """Delete the rows of one model, and all that goes with them; returns how many rows of any model.

    What only the system writes, such as plan runs, goes without a word: `written_by_system` says so on its model.
    Needs a scope. Raises ProtectedError and RestrictedError, and has written nothing then.
    """
    rows = list(rows)
    if not rows:
        return 0
    collector = Collector(using=DEFAULT_DB_ALIAS, origin=rows[0])
    collector.collect(rows)
    for row in _told(collector, type(rows[0])):
        audit.record(f"{row._meta.label_lower}.deleted", row, actor=actor, before=audit.fields_of(row))
    deleted, _ = collector.delete()
    return deleted


def _told(collector: Collector, asked_for: type[Model]) -> Iterator[Model]:
    # A fast one is what Django deletes without looking at it, since nothing hangs on it.
    fast: Iterable[QuerySet[Model]] = collector.fast_deletes
    kinds: list[tuple[type[Model], Iterable[Model]]] = [
        *((model, list(rows)) for model, rows in collector.data.items()),
        *((rows.model, rows) for rows in fast),
    ]
    for model, rows in kinds:
        owned = any(field.name == "tenant" for field in model._meta.concrete_fields)
        if (owned or model is asked_for) and not getattr(model, "written_by_system", False):
            yield from rows
