"""What a power profile resource was told and did not refuse: starts, and the ends of interruptions.

The standard's statuses say that a container is scheduled, and not for when. So that is known from our own instructions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

from cem_service.domain.decision import LastInstruction
from cem_service.domain.ppbc import Container, PPBCResource, Profile
from cem_service.instructions import ProfileInstruction
from s2.messages import (
    Instruction,
    PPBCEndInterruptionInstruction,
    PPBCPowerSequenceStatus,
    PPBCScheduleInstruction,
    PPBCStartInterruptionInstruction,
)

Key = tuple[str, str]  # profile id, container id

# How long a status may take to show what was told. Each time that it was told in vain, this doubles.
STATUS_TAKES = timedelta(minutes=5)
MOST_DOUBLINGS = 4


@dataclass(frozen=True, slots=True)
class Told:
    """`starts` and `ends` hold the newest instruction for each container; `void` the containers
    whose start was taken back because an earlier container of the profile was moved.
    """

    latest: LastInstruction | None = None
    starts: Mapping[Key, PPBCScheduleInstruction] = field(default_factory=dict)
    ends: Mapping[Key, PPBCEndInterruptionInstruction] = field(default_factory=dict)
    void: frozenset[Key] = frozenset()
    repeats: int = 0  # how often the latest one was told before, for the same container

    @classmethod
    def of(cls, resource: PPBCResource, latest: LastInstruction | None) -> Self:
        if latest is None:
            return cls()
        told = (latest.message,) if latest.told is None else latest.told
        starts: dict[Key, PPBCScheduleInstruction] = {}
        ends: dict[Key, PPBCEndInterruptionInstruction] = {}
        void: set[Key] = set()
        for message in told:
            match message:
                case PPBCScheduleInstruction():
                    later = _later_keys(resource, message)
                    void = (void | {key for key in later if starts.pop(key, None)}) - {key_of(message)}
                    starts[key_of(message)] = message
                case PPBCStartInterruptionInstruction():
                    ends.pop(key_of(message), None)
                case PPBCEndInterruptionInstruction():
                    ends[key_of(message)] = message
                case _:
                    pass
        return cls(latest, starts, ends, frozenset(void), _repeats(told))

    def awaits_status(self, resource: PPBCResource, now: datetime) -> bool:
        """Whether the latest instruction may still show its effect, so that nothing else is told meanwhile."""
        message = self.latest.message if self.latest is not None else None
        if self.latest is None or not isinstance(message, ProfileInstruction):
            return False
        container = _container(resource, message)
        due = self.latest.issued_at
        if isinstance(message, PPBCEndInterruptionInstruction):
            due = max(due, message.execution_time)
        patience = STATUS_TAKES * 2 ** min(self.repeats, MOST_DOUBLINGS)
        return container is not None and _is_unchanged(message, container) and due <= now < due + patience

    def start_of(self, profile: Profile, container: Container) -> PPBCScheduleInstruction | None:
        """The start that a container waits for; None where it waits for none, or for one that we do not know."""
        if container.status is not PPBCPowerSequenceStatus.SCHEDULED:
            return None
        start = self.starts.get((profile.profile_id, container.container_id))
        return start if start is not None and container.sequence(start.power_sequence_id) is not None else None


def key_of(message: ProfileInstruction) -> Key:
    return message.power_profile_id, message.sequence_container_id


def _later_keys(resource: PPBCResource, message: PPBCScheduleInstruction) -> set[Key]:
    for profile in resource.profiles:
        ids = [container.container_id for container in profile.containers]
        if profile.profile_id == message.power_profile_id and message.sequence_container_id in ids:
            later = ids[ids.index(message.sequence_container_id) + 1 :]
            return {(profile.profile_id, container_id) for container_id in later}
    return set()


def _repeats(told: tuple[Instruction, ...]) -> int:
    """How many instructions right before the latest were of its kind and for its container."""
    newest = told[-1] if told else None
    if not isinstance(newest, ProfileInstruction):
        return 0
    count = 0
    for message in reversed(told[:-1]):
        if type(message) is not type(newest) or not isinstance(message, ProfileInstruction):
            break
        if key_of(message) != key_of(newest):
            break
        count += 1
    return count


def _container(resource: PPBCResource, message: ProfileInstruction) -> Container | None:
    for profile in resource.profiles:
        if profile.profile_id == message.power_profile_id:
            return profile.container(message.sequence_container_id)
    return None


def _is_unchanged(message: ProfileInstruction, container: Container) -> bool:
    if isinstance(message, PPBCScheduleInstruction):
        return container.status is PPBCPowerSequenceStatus.NOT_SCHEDULED
    if isinstance(message, PPBCStartInterruptionInstruction):
        return container.status is PPBCPowerSequenceStatus.EXECUTING
    return container.paused
