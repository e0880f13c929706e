"""Whether an instruction can be carried out by what was offered, as the device stands now. Pure.

The S2 session has already refused what names unknown things. Here is judged what the standard leaves to the RM: the way
from the active mode to the instructed one, and the timers on it (R-52, R-54).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from rm_adapters.orders import mode_of
from rm_adapters.sdk import Flex, Offer, Reason, Reject
from rm_adapters.state import Activity
from s2.descriptions import Machine, machine_in
from s2.messages import (
    DDBCSystemDescription,
    FRBCSystemDescription,
    Instruction,
    OMBCSystemDescription,
    Transition,
)
from s2.resource import actuator_of


def breach(
    instruction: Instruction,
    offer: Offer,
    activities: Mapping[str, Activity],
    timers: Mapping[str, datetime],
    now: datetime,
) -> Reject | None:
    """Why a mode cannot be changed to the instructed one now; None where it can, and where it is not about modes."""
    target, actuator_id = mode_of(instruction), actuator_of(instruction)
    if target is None:
        return None
    machine = machine_of(offer, actuator_id)
    if machine is None or all(mode.id != target for mode in machine.operation_modes):
        return Reject(Reason.CONTRACT, f"there is no mode {target} on offer")
    activity = activities.get(actuator_id)
    if activity is None or activity.mode_id == target:
        return None
    ways = ways_between(machine, activity.mode_id, target)
    allowed = [each for each in ways if instruction.abnormal_condition or not each.abnormal_condition_only]
    if not allowed:
        return Reject(Reason.CONTRACT, f"no transition leads from {activity.mode_id} to {target}")
    free_at = min(_free_at(each, actuator_id, timers, now) for each in allowed)
    if free_at > now:
        return Reject(Reason.DURABILITY, f"a timer blocks the way to {target}", free_at)
    return None


def machine_of(offer: Offer, actuator_id: str) -> Machine | None:
    described = offer.description
    if isinstance(described, OMBCSystemDescription | FRBCSystemDescription | DDBCSystemDescription):
        return machine_in(described, actuator_id)
    return None


def timer_key(actuator_id: str, timer_id: str) -> str:
    """Under which key the state keeps when a timer finishes."""
    return f"{actuator_id}/{timer_id}"


def observed(
    flex: Flex, before: Mapping[str, Activity], timers: Mapping[str, datetime], moment: datetime
) -> tuple[dict[str, Activity], dict[str, datetime]]:
    """What the actuators do now, and when all timers that their changes of mode have started (R-55) end or have ended.

    `moment` is when they were observed, for those whose vendor does not tell when the mode changed.
    """
    activities: dict[str, Activity] = {}
    ends = dict(timers)
    for offer in flex.offers:
        for active in offer.active:
            former = before.get(active.actuator_id)
            if former is None or former.mode_id == active.mode_id:
                previous = None if former is None else former.previous_mode_id
                since = None if former is None else former.since
                activities[active.actuator_id] = Activity(
                    mode_id=active.mode_id, factor=active.factor, previous_mode_id=previous, since=since
                )
                continue
            since = min(active.since or moment, moment)
            activities[active.actuator_id] = Activity(
                mode_id=active.mode_id, factor=active.factor, previous_mode_id=former.mode_id, since=since
            )
            machine = machine_of(offer, active.actuator_id)
            ends.update(_started(machine, active.actuator_id, former, active.mode_id, since))
    return activities, ends


def ways_between(machine: Machine, from_id: str, to_id: str) -> list[Transition]:
    return [each for each in machine.transitions if (each.from_, each.to) == (from_id, to_id)]


def _started(
    machine: Machine | None, actuator_id: str, former: Activity, mode_id: str, since: datetime
) -> Iterable[tuple[str, datetime]]:
    if machine is None:
        return
    started = {name for way in ways_between(machine, former.mode_id, mode_id) for name in way.start_timers}
    for timer in machine.timers:
        if timer.id in started:
            yield timer_key(actuator_id, timer.id), since + timedelta(milliseconds=timer.duration)


def _free_at(way: Transition, actuator_id: str, timers: Mapping[str, datetime], now: datetime) -> datetime:
    ends = (timers.get(timer_key(actuator_id, each), now) for each in way.blocking_timers)
    return max(ends, default=now)
