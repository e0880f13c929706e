"""Rows of the trail as a file, CSV or JSON lines."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import IO, Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import QuerySet

from tenants import audit
from tenants.models import AuditEntry, User

#: More than a spreadsheet is good for; whoever wants all takes one span of time after the other.
MOST_ROWS = 100_000
_PAGE = 1_000
_COLUMNS = tuple(field.attname for field in AuditEntry._meta.concrete_fields)
# What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class TooManyRows(ValueError):
    """More rows match than one file may have."""


def write_csv(rows: QuerySet[AuditEntry], file: IO[bytes]) -> Counter[UUID | None]:
    """Newest first; returns how many rows are whose. Raises TooManyRows before it has written anything."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text)
    owners = _write(rows, lambda row: writer.writerow([_cell(row[name]) for name in _COLUMNS]), writer.writerow)
    text.detach()
    return owners


def write_jsonl(rows: QuerySet[AuditEntry], file: IO[bytes]) -> Counter[UUID | None]:
    """As `write_csv`."""

    def write(row: dict[str, Any]) -> None:
        line = json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False)
        file.write(f"{line}\n".encode("utf-8", "backslashreplace"))

    return _write(rows, write)


def record(owners: Counter[UUID | None], *, actor: User, form: str, chosen: str) -> None:
    """Taking a copy away leaves a row in the trail of everybody whose rows are in it."""
    for owner, number in owners.items():
        row = audit.entry(
            "tenants.auditentry.exported",
            tenant_id=owner,
            object_type="tenants.auditentry",
            object_id="",
            object_name="audit trail",
            actor=actor,
        )
        row.after = {"rows": number, "form": form} | ({"filter": chosen} if len(owners) == 1 else {})
        row.save(force_insert=True)


def _write(
    rows: QuerySet[AuditEntry],
    write: Callable[[dict[str, Any]], object],
    begin: Callable[[tuple[str, ...]], object] | None = None,
) -> Counter[UUID | None]:
    if rows.order_by()[: MOST_ROWS + 1].count() > MOST_ROWS:
        raise TooManyRows(f"More than {MOST_ROWS:,} rows match. Choose a shorter time or fewer of them.")
    if begin is not None:
        begin(_COLUMNS)
    owners: Counter[UUID | None] = Counter()
    for page in _pages(rows):
        for row in page:
            write(row)
            owners[row["tenant_id"]] += 1
    return owners


def _pages(rows: QuerySet[AuditEntry]) -> Iterator[list[dict[str, Any]]]:
    """Each goes on where the one before ended, so that no page costs more than another."""
    newest_first = rows.order_by("-id")
    page = list(newest_first.values(*_COLUMNS)[:_PAGE])
    while page:
        yield page
        page = list(newest_first.filter(id__lt=page[-1]["id"]).values(*_COLUMNS)[:_PAGE])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False) if isinstance(value, dict) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
