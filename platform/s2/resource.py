"""What the RM has told of itself, as far as the rules need it. The same view serves both sides of a session.

Descriptions follow a time line (see `descriptions`); when another one comes into force, the statuses and timers under
the former one are gone, as are its ids. A timer is started by the transition that names it (R-55), so a status that
tells of the transition starts it here; a timer status is the RM's own word and outranks that.

Only what rules look up is kept: measurements and forecasts belong in the snapshot of the shell. All of it is bounded; a
peer that publishes without end loses its oldest entries.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar

from s2.descriptions import WHOLE_DEVICE, Descriptions, Machine, SystemDescription, has_begun, machine_in
from s2.messages import (
    DDBCActuatorStatus,
    DDBCPresentDemandStatus,
    DDBCSystemDescription,
    DDBCTimerStatus,
    FRBCActuatorStatus,
    FRBCFillLevelTargetProfile,
    FRBCStorageStatus,
    FRBCSystemDescription,
    FRBCTimerStatus,
    Message,
    NumberRange,
    OMBCStatus,
    OMBCSystemDescription,
    OMBCTimerStatus,
    PEBCEnergyConstraint,
    PEBCPowerConstraints,
    PPBCPowerProfileDefinition,
    PPBCPowerProfileStatus,
    PPBCPowerSequenceContainerStatus,
    ResourceManagerDetails,
    RevokableObjects,
    message_type_of,
)

#: Two days in quarters of an hour: a roof may publish its limits that far ahead.
_MAX_CONSTRAINTS = 192
_MAX_OBJECTS = 100
_MAX_ACTUATORS = 16
_MAX_TIMERS = 256
_MAX_CONTAINERS = 1000

Status = OMBCStatus | FRBCActuatorStatus | DDBCActuatorStatus
TimerStatus = OMBCTimerStatus | FRBCTimerStatus | DDBCTimerStatus

_DESCRIPTION_TYPES = frozenset(
    RevokableObjects(message_type_of(each))
    for each in (OMBCSystemDescription, FRBCSystemDescription, DDBCSystemDescription)
)

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Activity:
    """The last status of one actuator: its mode and factor, and where it came from when, if it said so."""

    mode_id: str
    factor: float
    previous_mode_id: str | None
    transition_at: datetime | None


@dataclass(frozen=True, slots=True)
class FillLevel:
    """A reported fill level, and when it was received."""

    value: float
    at: datetime


class ResourceView:
    """Details, offers and present state of one RM in one session."""

    __slots__ = (
        "_activities",
        "_sequences",
        "_timers",
        "constraints",
        "demand",
        "descriptions",
        "details",
        "energy_constraints",
        "fill_level",
        "profiles",
        "target_profile",
    )

    def __init__(self) -> None:
        self.details: ResourceManagerDetails | None = None
        self.forget_offers()

    def forget_offers(self) -> None:
        """Drop all that belongs to a control type; the RM publishes it anew after the next selection."""
        self.descriptions = Descriptions()
        self._forget_statuses()
        self.demand: NumberRange | None = None
        self.constraints: dict[str, PEBCPowerConstraints] = {}
        self.energy_constraints: dict[str, PEBCEnergyConstraint] = {}
        self.profiles: dict[str, PPBCPowerProfileDefinition] = {}
        self._sequences: dict[tuple[str, str], PPBCPowerSequenceContainerStatus] = {}

    def _forget_statuses(self) -> None:
        self._activities: dict[str, Activity] = {}
        self._timers: dict[tuple[str, str], datetime] = {}
        # Another description may count the level in another unit, as when another car is plugged in.
        self.fill_level: FillLevel | None = None
        self.target_profile: FRBCFillLevelTargetProfile | None = None

    def fold(self, message: Message, now: datetime) -> None:
        """Take in what the RM published; a message that no rule needs changes nothing."""
        take = self._FOLDS.get(type(message))
        if take is not None:
            take(self, message, now)

    def description_at(self, moment: datetime) -> SystemDescription | None:
        """The description that is in force at `moment`, as far as is known now."""
        return self.descriptions.at(moment)

    def machine_at(self, actuator_id: str, moment: datetime) -> Machine | None:
        """The actuator of that id, or with WHOLE_DEVICE the OMBC device, in the description in force at `moment`."""
        return machine_in(self.descriptions.at(moment), actuator_id)

    def published_machines(self, actuator_id: str) -> list[Machine] | None:
        """What the present and the coming descriptions hold under that id; None where nothing was described yet."""
        if not self.descriptions:
            return None
        machines = []
        for description in self.descriptions:
            machine = machine_in(description, actuator_id)
            if machine is not None:
                machines.append(machine)
        return machines

    def active_mode(self, actuator_id: str, moment: datetime) -> str | None:
        """The mode that the actuator last reported, unless another description will be in force by then."""
        if not self.descriptions.reported_at(moment):
            return None
        activity = self._activities.get(actuator_id)
        return None if activity is None else activity.mode_id

    def activity_before(self, actuator_id: str, now: datetime) -> Activity | None:
        """The status that one of now is to be compared with; None where it may be the first under its description."""
        return self._activities.get(actuator_id) if self.descriptions.steady_at(now) else None

    def level_before(self, now: datetime) -> FillLevel | None:
        """The fill level that one of now is to be compared with; None as for `activity_before`."""
        return self.fill_level if self.descriptions.steady_at(now) else None

    def target_at(self, moment: datetime) -> NumberRange | None:
        """The range that the RM wants the fill level in at `moment`, as far as it gave one."""
        profile = self.target_profile
        if profile is None or not self.descriptions.steady_at(moment):
            return None
        left_ms = (moment - profile.start_time) // _MILLISECOND
        if left_ms < 0:
            return None
        for element in profile.elements:
            left_ms -= element.duration
            if left_ms < 0:
                return element.fill_level_range
        return None

    def timer_finished_at(self, actuator_id: str, timer_id: str) -> datetime | None:
        return self._timers.get((actuator_id, timer_id))

    def timers_running(self, actuator_id: str, moment: datetime) -> dict[str, datetime]:
        """When each timer of that actuator that is not yet finished at `moment` will be."""
        return {
            timer_id: finished_at
            for (owner, timer_id), finished_at in self._timers.items()
            if owner == actuator_id and finished_at > moment
        }

    def constraints_at(self, constraints_id: str, moment: datetime) -> PEBCPowerConstraints | None:
        """The constraints of that id if they are in force at `moment`."""
        constraints = self.constraints.get(constraints_id)
        if constraints is None or not has_begun(constraints.valid_from, moment):
            return None
        if constraints.valid_until is not None and constraints.valid_until <= moment:
            return None
        return constraints

    def sequence_status(self, profile_id: str, container_id: str) -> PPBCPowerSequenceContainerStatus | None:
        """What the RM last said of one container of a power profile."""
        return self._sequences.get((profile_id, container_id))

    def sequence_statuses(self, profile_id: str) -> tuple[PPBCPowerSequenceContainerStatus, ...]:
        """The same of all containers of a power profile that it has spoken of."""
        return tuple(status for (of_profile, _), status in self._sequences.items() if of_profile == profile_id)

    def knows(self, object_type: RevokableObjects, object_id: str) -> bool:
        """Whether the RM has published that object and it was neither replaced nor revoked."""
        if object_type in _DESCRIPTION_TYPES:
            return self.descriptions.knows(object_type, object_id)
        return object_id in self._objects(object_type)

    def revoke(self, object_type: RevokableObjects, object_id: str, now: datetime) -> None:
        """Withdraw an object; what is unknown or already replaced has no effect. A description goes by message_id."""
        if object_type not in _DESCRIPTION_TYPES:
            self._objects(object_type).pop(object_id, None)
        elif self.descriptions.revoke(object_type, object_id, now):
            self._forget_statuses()

    def _objects(self, object_type: RevokableObjects) -> dict[str, Any]:
        """Where objects of that type are kept by id; an empty dict for what the RM does not publish."""
        match object_type:
            case RevokableObjects.PEBC_POWER_CONSTRAINTS:
                return self.constraints
            case RevokableObjects.PEBC_ENERGY_CONSTRAINT:
                return self.energy_constraints
            case RevokableObjects.PPBC_POWER_PROFILE_DEFINITION:
                return self.profiles
            case _:
                return {}

    def _introduce(self, message: ResourceManagerDetails, _: datetime) -> None:
        self.details = message
        self.forget_offers()

    def _describe(self, message: SystemDescription, now: datetime) -> None:
        if self.descriptions.add(message, now):
            self._forget_statuses()
        if isinstance(message, DDBCSystemDescription) and message.present_demand_rate is not None:
            self.demand = message.present_demand_rate

    def _advance(self, now: datetime) -> None:
        if self.descriptions.advance(now):
            self._forget_statuses()

    def _report(self, message: Status, now: datetime) -> None:
        self._advance(now)
        actuator_id = actuator_of(message)
        before = self._activities.get(actuator_id)
        after = Activity(
            message.active_operation_mode_id,
            message.operation_mode_factor,
            message.previous_operation_mode_id,
            message.transition_timestamp,
        )
        if before is None or (before.mode_id, before.transition_at) != (after.mode_id, after.transition_at):
            self._start_timers(actuator_id, before, after, now)
        _put(self._activities, actuator_id, after, _MAX_ACTUATORS)

    def _start_timers(self, actuator_id: str, before: Activity | None, after: Activity, now: datetime) -> None:
        """Start what the transition into the present mode starts (R-55)."""
        came_from = after.previous_mode_id or (before.mode_id if before else None)
        machine = machine_in(self.descriptions.at(now), actuator_id)
        # A first status that does not say when may tell of a transition of long ago.
        began = after.transition_at or (now if before else None)
        if machine is None or began is None or came_from is None or came_from == after.mode_id:
            return
        started: set[str] = set()
        for each in machine.transitions:
            if each.from_ == came_from and each.to == after.mode_id:
                started.update(each.start_timers)
        for timer in machine.timers:
            if timer.id in started:
                finished_at = _later(began, timer.duration)
                _put(self._timers, (actuator_id, timer.id), finished_at, _MAX_TIMERS)

    def _time(self, message: TimerStatus, now: datetime) -> None:
        self._advance(now)
        _put(self._timers, (actuator_of(message), message.timer_id), message.finished_at, _MAX_TIMERS)

    def _fill(self, message: FRBCStorageStatus, now: datetime) -> None:
        self._advance(now)
        self.fill_level = FillLevel(message.present_fill_level, now)

    def _aim(self, message: FRBCFillLevelTargetProfile, now: datetime) -> None:
        self._advance(now)
        self.target_profile = message

    def _demand(self, message: DDBCPresentDemandStatus, _: datetime) -> None:
        self.demand = message.present_demand_rate

    def _constrain_power(self, message: PEBCPowerConstraints, now: datetime) -> None:
        expired = [key for key, each in self.constraints.items() if each.valid_until and each.valid_until <= now]
        for key in expired:
            del self.constraints[key]
        _put(self.constraints, message.id, message, _MAX_CONSTRAINTS)

    def _constrain_energy(self, message: PEBCEnergyConstraint, _: datetime) -> None:
        _put(self.energy_constraints, message.id, message, _MAX_OBJECTS)

    def _profile(self, message: PPBCPowerProfileDefinition, _: datetime) -> None:
        _put(self.profiles, message.id, message, _MAX_OBJECTS)

    def _progress(self, message: PPBCPowerProfileStatus, _: datetime) -> None:
        for each in message.sequence_container_status:
            _put(self._sequences, (each.power_profile_id, each.sequence_container_id), each, _MAX_CONTAINERS)

    _FOLDS: ClassVar[dict[type[Message], Callable[[ResourceView, Any, datetime], None]]] = {
        ResourceManagerDetails: _introduce,
        OMBCSystemDescription: _describe,
        FRBCSystemDescription: _describe,
        DDBCSystemDescription: _describe,
        OMBCStatus: _report,
        FRBCActuatorStatus: _report,
        DDBCActuatorStatus: _report,
        OMBCTimerStatus: _time,
        FRBCTimerStatus: _time,
        DDBCTimerStatus: _time,
        FRBCStorageStatus: _fill,
        FRBCFillLevelTargetProfile: _aim,
        DDBCPresentDemandStatus: _demand,
        PEBCPowerConstraints: _constrain_power,
        PEBCEnergyConstraint: _constrain_energy,
        PPBCPowerProfileDefinition: _profile,
        PPBCPowerProfileStatus: _progress,
    }


def actuator_of(message: object) -> str:
    """The actuator that a status, timer status or instruction is about."""
    return getattr(message, "actuator_id", WHOLE_DEVICE)


def _later(moment: datetime, duration_ms: int) -> datetime:
    try:
        return moment + timedelta(milliseconds=duration_ms)
    except OverflowError:
        return datetime.max.replace(tzinfo=moment.tzinfo)


def _put(entries: dict[_Key, _Value], key: _Key, value: _Value, capacity: int) -> None:
    entries.pop(key, None)
    entries[key] = value
    if len(entries) > capacity:
        del entries[next(iter(entries))]
