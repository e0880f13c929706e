"""What the RM has put on the menu, as far as the rules need it. The same view serves both sides of a session.

Descriptions follow a time line (R-42, R-43). The newest word counts from its valid_from on: it drops what was
announced for that moment or later, while what is in force stays so until then. When another description comes into
force, the statuses and timers of the former one are gone, as are its ids.

Only what rules look up is kept: measurements, forecasts and fill levels belong in the snapshot of the shell. All of
it is bounded; a peer that publishes without end loses its oldest entries.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, TypeVar

from s2.messages import (
    DDBCActuatorDescription,
    DDBCActuatorStatus,
    DDBCSystemDescription,
    DDBCTimerStatus,
    FRBCActuatorDescription,
    FRBCActuatorStatus,
    FRBCSystemDescription,
    FRBCTimerStatus,
    Message,
    OMBCStatus,
    OMBCSystemDescription,
    OMBCTimerStatus,
    PEBCEnergyConstraint,
    PEBCPowerConstraints,
    PPBCPowerProfileDefinition,
    ResourceManagerDetails,
    RevokableObjects,
)

SystemDescription = OMBCSystemDescription | FRBCSystemDescription | DDBCSystemDescription

#: What has operation modes, transitions and timers. In OMBC that is the whole device, elsewhere one actuator.
Machine = OMBCSystemDescription | FRBCActuatorDescription | DDBCActuatorDescription

#: The actuator id under which an OMBC device, which has no actuators, keeps its status and timers.
WHOLE_DEVICE = ""

#: Clocks differ. Where nothing else is in force, a description or constraint counts this much before its valid_from.
CLOCK_TOLERANCE = timedelta(seconds=5)

_MAX_DESCRIPTIONS = 8
_MAX_OBJECTS = 100
_MAX_ACTUATORS = 16
_MAX_TIMERS = 256

_DESCRIPTION_TYPES = frozenset(
    {
        RevokableObjects.OMBC_SYSTEM_DESCRIPTION,
        RevokableObjects.FRBC_SYSTEM_DESCRIPTION,
        RevokableObjects.DDBC_SYSTEM_DESCRIPTION,
    }
)

_FOLDED = frozenset(
    {
        ResourceManagerDetails,
        OMBCSystemDescription,
        FRBCSystemDescription,
        DDBCSystemDescription,
        PEBCPowerConstraints,
        PEBCEnergyConstraint,
        PPBCPowerProfileDefinition,
        OMBCStatus,
        FRBCActuatorStatus,
        DDBCActuatorStatus,
        OMBCTimerStatus,
        FRBCTimerStatus,
        DDBCTimerStatus,
    }
)

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class ResourceView:
    """Details, descriptions, constraints, profiles, active modes and timers of one RM in one session."""

    __slots__ = (
        "_active_modes",
        "_descriptions",
        "_timers",
        "constraints",
        "details",
        "energy_constraints",
        "profiles",
    )

    def __init__(self) -> None:
        self.details: ResourceManagerDetails | None = None
        self.forget_offers()

    def forget_offers(self) -> None:
        """Drop all that belongs to a control type; the RM publishes it anew after the next selection."""
        self._descriptions: list[SystemDescription] = []
        self._active_modes: dict[str, str] = {}
        self._timers: dict[tuple[str, str], datetime] = {}
        self.constraints: dict[str, PEBCPowerConstraints] = {}
        self.energy_constraints: dict[str, PEBCEnergyConstraint] = {}
        self.profiles: dict[str, PPBCPowerProfileDefinition] = {}

    def fold(self, message: Message, now: datetime) -> None:
        """Take in what the RM published; a message that no rule needs changes nothing."""
        # Matching classes of pydantic is slow, and most messages are measurements, which match none.
        if type(message) not in _FOLDED:
            return
        match message:
            case ResourceManagerDetails():
                self.details = message
                self.forget_offers()
            case OMBCSystemDescription() | FRBCSystemDescription() | DDBCSystemDescription():
                self._describe(message, now)
            case PEBCPowerConstraints():
                self._drop_expired(now)
                _put(self.constraints, message.id, message, _MAX_OBJECTS)
            case PEBCEnergyConstraint():
                _put(self.energy_constraints, message.id, message, _MAX_OBJECTS)
            case PPBCPowerProfileDefinition():
                _put(self.profiles, message.id, message, _MAX_OBJECTS)
            case OMBCStatus() | FRBCActuatorStatus() | DDBCActuatorStatus():
                self._advance(now)
                _put(self._active_modes, actuator_of(message), message.active_operation_mode_id, _MAX_ACTUATORS)
            case OMBCTimerStatus() | FRBCTimerStatus() | DDBCTimerStatus():
                self._advance(now)
                _put(self._timers, (actuator_of(message), message.timer_id), message.finished_at, _MAX_TIMERS)

    def description_at(self, moment: datetime) -> SystemDescription | None:
        """The description that is in force at `moment`, as far as is known now."""
        in_force = None
        for description in self._descriptions:
            if description.valid_from <= moment:
                in_force = description
        if in_force is None and self._descriptions:
            first = self._descriptions[0]
            return first if _has_begun(first.valid_from, moment) else None
        return in_force

    def machine_at(self, actuator_id: str, moment: datetime) -> Machine | None:
        """The actuator of that id, or with WHOLE_DEVICE the OMBC device, in the description in force at `moment`."""
        description = self.description_at(moment)
        if isinstance(description, OMBCSystemDescription):
            return description if actuator_id == WHOLE_DEVICE else None
        actuators = () if description is None else description.actuators
        return next((actuator for actuator in actuators if actuator.id == actuator_id), None)

    def published_machines(self, actuator_id: str) -> list[Machine] | None:
        """What the present and the coming descriptions hold under that id; None where nothing was described yet."""
        if not self._descriptions:
            return None
        moments = (description.valid_from for description in self._descriptions)
        machines = (self.machine_at(actuator_id, moment) for moment in moments)
        return [machine for machine in machines if machine is not None]

    def active_mode(self, actuator_id: str, moment: datetime) -> str | None:
        """The mode that the actuator last reported, unless another description will be in force by then."""
        if not self._descriptions or self.description_at(moment) is not self._descriptions[0]:
            return None
        return self._active_modes.get(actuator_id)

    def timer_finished_at(self, actuator_id: str, timer_id: str) -> datetime | None:
        return self._timers.get((actuator_id, timer_id))

    def constraints_at(self, constraints_id: str, moment: datetime) -> PEBCPowerConstraints | None:
        """The constraints of that id if they are in force at `moment`."""
        constraints = self.constraints.get(constraints_id)
        if constraints is None or not _has_begun(constraints.valid_from, moment):
            return None
        if constraints.valid_until is not None and constraints.valid_until <= moment:
            return None
        return constraints

    def knows(self, object_type: RevokableObjects, object_id: str) -> bool:
        """Whether the RM has published that object and it was neither replaced nor revoked."""
        if object_type in _DESCRIPTION_TYPES:
            return any(_names(description, object_type, object_id) for description in self._descriptions)
        return object_id in self._objects(object_type)

    def revoke(self, object_type: RevokableObjects, object_id: str, now: datetime) -> None:
        """Withdraw an object; what is unknown or already replaced has no effect. A description goes by message_id."""
        if object_type not in _DESCRIPTION_TYPES:
            self._objects(object_type).pop(object_id, None)
            return
        self._advance(now)
        in_force = self._descriptions[:1]
        self._descriptions = [each for each in self._descriptions if not _names(each, object_type, object_id)]
        if self._descriptions[:1] != in_force:
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

    def _describe(self, new: SystemDescription, now: datetime) -> None:
        self._advance(now)
        in_force = self._descriptions[:1]
        self._descriptions = [each for each in self._descriptions if each.valid_from < new.valid_from]
        self._descriptions.append(new)
        self._advance(now)
        if len(self._descriptions) > _MAX_DESCRIPTIONS:
            del self._descriptions[1]
        if self._descriptions[:1] != in_force:
            self._forget_statuses()

    def _advance(self, now: datetime) -> None:
        """Let the descriptions whose time has come replace the ones before them."""
        while len(self._descriptions) > 1 and self._descriptions[1].valid_from <= now:
            del self._descriptions[0]
            self._forget_statuses()

    def _forget_statuses(self) -> None:
        self._active_modes.clear()
        self._timers.clear()

    def _drop_expired(self, now: datetime) -> None:
        expired = [key for key, each in self.constraints.items() if each.valid_until and each.valid_until <= now]
        for key in expired:
            del self.constraints[key]


def actuator_of(message: object) -> str:
    """The actuator that a status, timer status or instruction is about."""
    return getattr(message, "actuator_id", WHOLE_DEVICE)


def _has_begun(valid_from: datetime, moment: datetime) -> bool:
    # A difference always exists, whereas a sum may lie beyond the years that a datetime can hold.
    return valid_from - moment <= CLOCK_TOLERANCE


def _names(description: SystemDescription, object_type: RevokableObjects, object_id: str) -> bool:
    return description.message_id == object_id and description.message_type == object_type.value


def _put(entries: dict[_Key, _Value], key: _Key, value: _Value, capacity: int) -> None:
    entries.pop(key, None)
    entries[key] = value
    if len(entries) > capacity:
        del entries[next(iter(entries))]
