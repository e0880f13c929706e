"""The system descriptions of one RM on their time line (R-42, R-43).

The newest word counts from its valid_from on: it drops what was announced for that moment or later, while what is in
force stays so until then. When another description comes into force, the ids of the former one are gone; it is kept
only so that a person can be told where an id was last seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from s2.messages import (
    DDBCActuatorDescription,
    DDBCSystemDescription,
    FRBCActuatorDescription,
    FRBCSystemDescription,
    OMBCSystemDescription,
    RevokableObjects,
)

SystemDescription = OMBCSystemDescription | FRBCSystemDescription | DDBCSystemDescription

#: What has operation modes, transitions and timers. In OMBC that is the whole device, elsewhere one actuator.
Machine = OMBCSystemDescription | FRBCActuatorDescription | DDBCActuatorDescription

#: The actuator id under which an OMBC device, which has no actuators, keeps its status and timers.
WHOLE_DEVICE = ""

#: Clocks differ. Where nothing else is in force, a description or constraint counts this much before its valid_from.
CLOCK_TOLERANCE = timedelta(seconds=5)

#: How far apart two clocks may be before anything is concluded from it.
SKEW = timedelta(seconds=30)

_MAX_DESCRIPTIONS = 8


class Descriptions:
    """The description in force and those announced, oldest first.

    What changes the line tells whether another description is in force now. `former` is the one before that.
    """

    __slots__ = ("_line", "former")

    def __init__(self) -> None:
        self._line: tuple[SystemDescription, ...] = ()
        self.former: SystemDescription | None = None

    def __len__(self) -> int:
        return len(self._line)

    def __iter__(self) -> Iterator[SystemDescription]:
        return iter(self._line)

    @property
    def were_given(self) -> bool:
        """Whether there has been any, be it revoked by now."""
        return bool(self._line) or self.former is not None

    def at(self, moment: datetime) -> SystemDescription | None:
        """The description that is in force at `moment`, as far as is known now."""
        in_force = None
        for description in self._line:
            if description.valid_from <= moment:
                in_force = description
        if in_force is None and self._line:
            first = self._line[0]
            return first if has_begun(first.valid_from, moment) else None
        return in_force

    def reported_at(self, moment: datetime) -> bool:
        """Whether what the RM reports now still holds at `moment`: no other description will be in force by then."""
        return bool(self._line) and self.at(moment) is self._line[0]

    def steady_at(self, moment: datetime) -> bool:
        """Whether what the RM says at `moment` is surely about what it reported before.

        Not so while another description begins: on the RM's clock it may be in force already.
        """
        line = self._line
        if not line or not has_begun(line[0].valid_from, moment):
            return False
        return len(line) == 1 or line[1].valid_from - moment > SKEW

    def add(self, new: SystemDescription, now: datetime) -> bool:
        line = [each for each in self._line if each.valid_from < new.valid_from]
        line.append(new)
        if len(line) > _MAX_DESCRIPTIONS:
            del line[1]
        return self._become(line, now)

    def advance(self, now: datetime) -> bool:
        """Let the descriptions whose time has come replace the ones before them."""
        return len(self._line) > 1 and self._become(list(self._line), now)

    def revoke(self, object_type: RevokableObjects, message_id: str, now: datetime) -> bool:
        """Withdraw a description; one that was replaced already has no effect any more."""
        return self._become([each for each in self._line if not _names(each, object_type, message_id)], now)

    def knows(self, object_type: RevokableObjects, message_id: str) -> bool:
        return any(_names(description, object_type, message_id) for description in self._line)

    def _become(self, line: list[SystemDescription], now: datetime) -> bool:
        while len(line) > 1 and line[1].valid_from <= now:
            del line[0]
        before = self._line[0] if self._line else None
        after = line[0] if line else None
        self._line = tuple(line)
        if before is after:
            return False
        self.former = before or self.former
        return True


def machine_in(description: SystemDescription | None, actuator_id: str) -> Machine | None:
    """The actuator of that id, or with WHOLE_DEVICE the OMBC device."""
    if description is None:
        return None
    if isinstance(description, OMBCSystemDescription):
        return description if actuator_id == WHOLE_DEVICE else None
    actuators: tuple[FRBCActuatorDescription | DDBCActuatorDescription, ...] = description.actuators
    # Asked for every status, and a loop takes half the time of a generator.
    for actuator in actuators:
        if actuator.id == actuator_id:
            return actuator
    return None


def machines_of(description: SystemDescription) -> Iterator[tuple[str, Machine]]:
    """The machines of a description with their JSON paths."""
    if isinstance(description, OMBCSystemDescription):
        yield "$", description
        return
    actuators: tuple[FRBCActuatorDescription | DDBCActuatorDescription, ...] = description.actuators
    for index, actuator in enumerate(actuators):
        yield f"$.actuators[{index}]", actuator


def has_begun(valid_from: datetime, moment: datetime) -> bool:
    # A difference always exists, whereas a sum may lie beyond the years that a datetime can hold.
    return valid_from - moment <= CLOCK_TOLERANCE


def _names(description: SystemDescription, object_type: RevokableObjects, message_id: str) -> bool:
    return description.message_id == message_id and description.message_type == object_type.value
