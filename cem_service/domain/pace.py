"""When a site is planned anew, and when a device that said no is asked again."""

from __future__ import annotations

from datetime import datetime, timedelta

from flexhub.telemetry.quarters import quarter_start
from s2.messages import Message, PEBCPowerConstraints, PEBCPowerEnvelopeConsequenceType

# Descriptions may come in a burst; one plan answers them all.
SHORTEST_TIME_BETWEEN_PLANS = timedelta(minutes=1)
# After a refusal the device is left alone for this long: it had a reason, and asking again is not an argument.
LEAVE_ALONE_AFTER_REFUSAL = timedelta(minutes=5)
# When it refuses several times on end, this doubles with each of them, up to so many times.
MOST_DOUBLINGS = 4
# Fields of a snapshot. A change of one of these makes the present plan one for another site.
_PLANNED_FROM = (
    "FRBC.SystemDescription",
    "FRBC.FillLevelTargetProfile",
    "PPBC.PowerProfileDefinition/",
    "PEBC.EnergyConstraint/",
    "OMBC.SystemDescription",
    "DDBC.SystemDescription",
    "DDBC.AverageDemandRateForecast",
)


def is_outdated(made_at: datetime, now: datetime, *, changed: bool) -> bool:
    """Whether a plan is due after this one: with each quarter hour, and when what it stands on has `changed`."""
    return made_at < quarter_start(now) or (changed and now - made_at >= SHORTEST_TIME_BETWEEN_PLANS)


def is_planned_from(field: str, message: Message) -> bool:
    """Whether a plan stands on this field of a snapshot, so that another message in it makes another one due."""
    return field.startswith(_PLANNED_FROM) or _puts_energy_off(message)


def left_alone_until(refused_at: datetime, *, refused_before: int) -> datetime:
    """The longer, the oftener the device has said no just before."""
    longer: int = 1 << min(refused_before, MOST_DOUBLINGS)
    return refused_at + longer * LEAVE_ALONE_AFTER_REFUSAL


def _puts_energy_off(message: Message) -> bool:
    """Limits on energy that comes back follow the plan; those on what is lost follow what is measured."""
    defer = PEBCPowerEnvelopeConsequenceType.DEFER
    return isinstance(message, PEBCPowerConstraints) and message.consequence_type is defer
