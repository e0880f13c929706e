"""Clearing away what the bus has set aside, once somebody has looked at it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from django.db import transaction

from flexhub.bus import Poison, WorkerBus
from tenants import audit
from tenants.models import User

_ENTRY_ID = re.compile(r"\d{1,20}-\d{1,20}")


def is_entry_id(text: str) -> bool:
    return _ENTRY_ID.fullmatch(text) is not None


@transaction.atomic
def discard(bus: WorkerBus, entry_ids: Sequence[str], *, actor: User) -> int:
    """Delete these entries for good; returns how many there were. Raises BusUnavailable, and nothing is written then.

    The trail says which they were. Their text may be anybody's, and so may the reason that quotes it: both are gone.
    """
    chosen = [entry for entry in bus.poison().entries if entry.id in entry_ids]
    if not chosen:
        return 0
    audit.record_unowned(
        "portal.poison.discarded",
        object_type="bus.poison",
        object_id=chosen[0].id,
        object_name=f"{len(chosen)} set aside",
        actor=actor,
        before={"entries": [_summary(entry) for entry in chosen]},
    )
    return bus.discard_poison([entry.id for entry in chosen])


def _summary(entry: Poison) -> dict[str, str]:
    return {"id": entry.id, "source": entry.source, "at": entry.at.isoformat()}
