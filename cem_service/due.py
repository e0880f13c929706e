"""When a site needs a new plan: with each quarter hour, and when what the present one stands on has changed."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from cem_service.domain.pace import is_outdated, is_planned_from
from cem_service.loading import LoadedSite

# The key in the inputs of a plan run.
PLANNED_FROM = "planned_from"


def plan_is_due(loaded: LoadedSite) -> bool:
    latest = loaded.plan
    if not any(resource.controllable for resource in loaded.state.resources):
        return False
    if latest is None:
        return True
    changed = latest.inputs.get(PLANNED_FROM) != planned_from(loaded)
    return is_outdated(latest.at, loaded.state.now, changed=changed)


def planned_from(loaded: LoadedSite) -> list[str]:
    """What a plan stands on, by which a change of it is seen: ids of messages, and a digest of what is pursued."""
    messages = sorted(
        str(getattr(message, "message_id", ""))
        for snapshot in loaded.snapshots.values()
        for field, message in snapshot.messages.items()
        if is_planned_from(field, message)
    )
    return [*messages, _pursuits(loaded)]


def _pursuits(loaded: LoadedSite) -> str:
    """Without the peak so far, which grows while nothing else changes."""
    state = loaded.state
    pursued = replace(state.objectives, capacity_tariff=None)
    price = state.objectives.capacity_tariff and state.objectives.capacity_tariff.eur_per_kw
    text = repr((pursued, price, state.tariff, state.fuse_limit_w, state.export_limit_w, loaded.abnormal))
    return f"pursuits:{hashlib.sha256(text.encode()).hexdigest()[:16]}"
