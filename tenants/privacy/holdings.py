"""What each app holds about a household, and the list of them all in the order of the apps, from the bottom up."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model, QuerySet

from tenants import audit
from tenants.audit import Actor

#: A name in the archive, and what is in it, piece by piece.
File = tuple[str, Iterable[bytes]]
_ROWS_AT_ONCE = 500


class StoreUnavailable(Exception):
    """A store that holds something about the household cannot be reached now; try again later."""


@dataclass(frozen=True, slots=True)
class Things:
    """What an export or erasure is about, by id. `found` is what holdings will want to know when the rows are gone."""

    tenant_id: UUID
    household_id: UUID
    sites: tuple[UUID, ...]
    found: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def uuids(self, name: str) -> list[UUID]:
        return [UUID(text) for text in self.found.get(name, ())]


class Holding:
    """What an app keeps about a household.

    Everything but `clear` is called in the tenant's scope, and everything may be done again. What asks a store beside
    PostgreSQL raises StoreUnavailable while that is away.
    """

    models: tuple[type[Model], ...] = ()

    def find(self, things: Things) -> dict[str, list[str]]:
        """Ids to remember from the beginning of an erasure to its end."""
        return {}

    def files(self, things: Things) -> Iterator[File]:
        """For the export. Never a secret."""
        yield from ()

    def stop(self, things: Things, *, actor: Actor) -> None:
        """See to it that nothing new is written: whoever still could is shut out."""

    def is_quiet(self, things: Things) -> bool:
        """Whether those who were shut out are gone."""
        return True

    def clear(self, things: Things) -> None:
        """Erase what is large or not in PostgreSQL. No scope is open: what needs one opens its own, for a while."""

    def erase(self, things: Things) -> None:
        """Erase the rest, in the one transaction that ends an erasure."""


class RowHolding(Holding):
    """The rows of a model. `site` leads from a row to the id of its site. They go together with the site."""

    def __init__(self, model: type[Model], site: str) -> None:
        self.models = (model,)
        self._site = site

    def files(self, things: Things) -> Iterator[File]:
        model = self.models[0]
        yield f"{model._meta.label_lower}.jsonl", as_lines(rows_of(model, self._site, things.sites))


def rows_of(model: type[Model], site: str, sites: Iterable[UUID]) -> QuerySet[Any]:
    # By a sub-select: some paths lead to a row more than once.
    found = model._default_manager.filter(**{f"{site}__in": list(sites)}).order_by().values("pk")
    return model._default_manager.filter(pk__in=found).order_by("pk")


def as_lines(rows: QuerySet[Any]) -> Iterator[bytes]:
    """Each row as a line of JSON without its secrets."""
    for row in rows.iterator(chunk_size=_ROWS_AT_ONCE):
        yield as_line(audit.fields_of(row))


def as_line(values: Mapping[str, Any]) -> bytes:
    text = json.dumps(values, cls=DjangoJSONEncoder, ensure_ascii=False)
    return f"{text}\n".encode("utf-8", "backslashreplace")


_holdings: list[Holding] = []
_reasons: dict[str, str] = {}


def hold(holding: Holding) -> None:
    _holdings.append(holding)


def hold_rows(model: type[Model], *, site: str) -> None:
    hold(RowHolding(model, site))


def not_personal(label: str, reason: str) -> None:
    """Say why the rows of this model, such as `devices.DeviceType`, tell nothing about a household."""
    _reasons[label] = reason


def holdings() -> tuple[Holding, ...]:
    """From the bottom up: what is at the end of the list knows what is before it."""
    return tuple(_holdings)


def reasons() -> Mapping[str, str]:
    return dict(_reasons)
