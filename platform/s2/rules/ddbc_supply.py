"""Whether the actuators of a DDBC system can supply what is demanded of them.

An instruction is about one actuator, and the next one may be about another, so nobody knows at once what all of them
together are to supply. What can be said for sure: whatever the others do, the demand cannot be met with this mode and
factor, while it could be with another one. That is a statement on sets: what an actuator may supply is a union of
spans, one for each mode it may be in, and what several may supply is the sum of such sets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from s2.findings import Severity
from s2.messages import DDBCActuatorDescription, DDBCInstruction, DDBCOperationMode, DDBCSystemDescription, NumberRange
from s2.resource import ResourceView
from s2.rules.instructions import moment_of
from s2.rules.registry import Breach, Rule, Situation, rule
from s2.rules.spans import Span, merged

#: The present demand says nothing of an instruction for a later time than this.
_PRESENT = timedelta(minutes=1)

#: A supply that was computed may miss the demand by rounding, as a share of it.
_RELATIVE_TOLERANCE = 1e-6

#: Systems in which more sums of spans than this have to be looked at are not judged.
_MOST_SUMS = 1000


@rule(
    Rule(
        "R-141",
        "The actuators together supply what is demanded.",
        "schema DDBC.PresentDemandStatus, DDBC.OperationMode",
        Severity.WARNING,
        needs_session=True,
    ),
    DDBCInstruction,
)
def supply_can_meet_demand(message: DDBCInstruction, situation: Situation) -> Iterator[Breach]:
    resource = situation.resource
    moment = moment_of(message, situation.now)
    description = resource.description_at(moment)
    demand = _demand(description, resource) if isinstance(description, DDBCSystemDescription) else None
    if demand is None or not isinstance(description, DDBCSystemDescription) or moment - situation.now > _PRESENT:
        return
    actuator = next((each for each in description.actuators if each.id == message.actuator_id), None)
    others = _sums(
        [_span(mode) for mode in _usable(each, message)] for each in description.actuators if each is not actuator
    )
    supply = None if actuator is None else _supply(actuator, message)
    if actuator is None or others is None or supply is None or _meets([(supply, supply)], others, demand):
        return
    if _meets(_alternatives(actuator, message, resource, moment), others, demand):
        yield "$.operation_mode_factor", _text(supply, others, demand)


def _demand(description: DDBCSystemDescription, resource: ResourceView) -> NumberRange | None:
    """The present demand; in 0.0.2-beta the description bears it."""
    return description.present_demand_rate or resource.demand


def _usable(actuator: DDBCActuatorDescription, message: DDBCInstruction) -> list[DDBCOperationMode]:
    return [each for each in actuator.operation_modes if message.abnormal_condition or not each.abnormal_condition_only]


def _supply(actuator: DDBCActuatorDescription, message: DDBCInstruction) -> float | None:
    """What the instructed mode supplies at the instructed factor."""
    factor = message.operation_mode_factor
    mode = next((each for each in actuator.operation_modes if each.id == message.operation_mode_id), None)
    if mode is None or not 0.0 <= factor <= 1.0:
        return None
    return mode.supply_range.start_of_range * (1.0 - factor) + mode.supply_range.end_of_range * factor


def _alternatives(
    actuator: DDBCActuatorDescription, message: DDBCInstruction, resource: ResourceView, moment: datetime
) -> list[Span]:
    """What the actuator may supply instead: in the mode it is in, and in those that it may turn to now."""
    active = resource.active_mode(actuator.id, moment)
    within_reach = {active} | {
        each.to
        for each in actuator.transitions
        if each.from_ == active
        and (message.abnormal_condition or not each.abnormal_condition_only)
        and not any(_runs(timer_id, actuator, resource, moment) for timer_id in each.blocking_timers)
    }
    return [_span(mode) for mode in _usable(actuator, message) if mode.id in within_reach]


def _runs(timer_id: str, actuator: DDBCActuatorDescription, resource: ResourceView, moment: datetime) -> bool:
    finished_at = resource.timer_finished_at(actuator.id, timer_id)
    return finished_at is not None and finished_at > moment


def _span(mode: DDBCOperationMode) -> Span:
    """The supply range may run downwards (R-19)."""
    ends = (mode.supply_range.start_of_range, mode.supply_range.end_of_range)
    return min(ends), max(ends)


def _sums(parts: Iterable[list[Span]]) -> list[Span] | None:
    """All that one span of each part can add up to; None where that is too much to look at."""
    total: list[Span] = [(0.0, 0.0)]
    for spans in parts:
        if len(total) * len(spans) > _MOST_SUMS:
            return None
        total = merged((a + c, b + d) for a, b in total for c, d in spans)
    return total


def _meets(own: list[Span], others: list[Span], demand: NumberRange) -> bool:
    low, high = demand.start_of_range, demand.end_of_range
    tolerance = _RELATIVE_TOLERANCE * max(abs(low), abs(high))
    return any(a + c <= high + tolerance and b + d >= low - tolerance for a, b in own for c, d in others)


def _text(supply: float, others: list[Span], demand: NumberRange) -> str:
    least, most = (supply + edge for edge in (others[0][0], others[-1][1])) if others else (supply, supply)
    total = f"{least:g}" if least == most else f"between {least:g} and {most:g}"
    return f"all supply {total} then, the demand is {demand.start_of_range:g} to {demand.end_of_range:g}"
