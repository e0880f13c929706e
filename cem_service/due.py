"""When a site needs a new plan: with each quarter hour, and when what the present one stands on has changed."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

from cem_service.loading import LoadedSite
from flexhub.telemetry.quarters import quarter_start
from s2.messages import Message, PEBCPowerConstraints, PEBCPowerEnvelopeConsequenceType

# The key in the inputs of a plan run.
PLANNED_FROM = "planned_from"
# Descriptions may come in a burst; one plan answers them all.
SHORTEST_TIME_BETWEEN_PLANS = timedelta(minutes=1)
# A change of one of these makes the present plan one for another site.
_FIELDS = (
    "FRBC.SystemDescription",
    "FRBC.FillLevelTargetProfile",
    "PPBC.PowerProfileDefinition/",
    "PEBC.EnergyConstraint/",
    "OMBC.SystemDescription",
    "DDBC.SystemDescription",
    "DDBC.AverageDemandRateForecast",
)


def plan_is_due(loaded: LoadedSite) -> bool:
    latest = loaded.plan
    if not any(resource.controllable for resource in loaded.state.resources):
        return False
    if latest is None or latest.at < quarter_start(loaded.state.now):
        return True
    changed = latest.inputs.get(PLANNED_FROM) != planned_from(loaded)
    return changed and loaded.state.now - latest.at >= SHORTEST_TIME_BETWEEN_PLANS


def planned_from(loaded: LoadedSite) -> list[str]:
    """What a plan stands on, by which a change of it is seen: ids of messages, and a digest of what is pursued."""
    messages = sorted(
        str(getattr(message, "message_id", ""))
        for snapshot in loaded.snapshots.values()
        for field, message in snapshot.messages.items()
        if field.startswith(_FIELDS) or _puts_energy_off(message)
    )
    return [*messages, _pursuits(loaded)]


def _puts_energy_off(message: Message) -> bool:
    """Limits on energy that comes back follow the plan; those on what is lost follow what is measured."""
    defer = PEBCPowerEnvelopeConsequenceType.DEFER
    return isinstance(message, PEBCPowerConstraints) and message.consequence_type is defer


def _pursuits(loaded: LoadedSite) -> str:
    """Without the peak so far, which grows while nothing else changes."""
    state = loaded.state
    pursued = replace(state.objectives, capacity_tariff=None)
    price = state.objectives.capacity_tariff and state.objectives.capacity_tariff.eur_per_kw
    text = repr((pursued, price, state.tariff, state.fuse_limit_w, state.export_limit_w, loaded.abnormal))
    return f"pursuits:{hashlib.sha256(text.encode()).hexdigest()[:16]}"
