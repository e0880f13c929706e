"""Everything about a household as one zip, in as much memory as a page of rows takes."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from typing import IO

from tenants import audit
from tenants.audit import Actor
from tenants.models import Household
from tenants.privacy.finding import things_of, trail_of
from tenants.privacy.holdings import Things, as_line, holdings
from tenants.scope import tenant_scope

FORMAT = 1
_ROWS_AT_ONCE = 500


def export(household: Household, file: IO[bytes], *, actor: Actor) -> None:
    """Write the archive. Raises StoreUnavailable, and what is written is of no use then."""
    with tenant_scope(household.tenant_id), zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        things = things_of(household)
        names = []
        for holding in holdings():
            for name, parts in holding.files(things):
                names.append(name)
                with archive.open(name, "w", force_zip64=True) as member:
                    for part in parts:
                        member.write(part)
        with archive.open("audit.jsonl", "w", force_zip64=True) as member:
            for line in _trail(things):
                member.write(line)
        index = {"format": FORMAT, "household": household.name, "id": str(household.pk)}
        archive.writestr("index.json", json.dumps(index | {"files": [*names, "audit.jsonl"]}, indent=2))
        after = {"sites": len(things.sites), "files": len(names)}
        audit.record("tenants.household.exported", household, actor=actor, after=after)


def _trail(things: Things) -> Iterator[bytes]:
    """Others who acted are named, since the household may know; from which address is their own affair."""
    own = set(things.found.get("people", ()))
    for row in trail_of(things).iterator(chunk_size=_ROWS_AT_ONCE):
        values = audit.fields_of(row)
        if not (row.actor_type == "tenants.user" and row.actor_id in own):
            values["ip"] = None
        yield as_line(values)
