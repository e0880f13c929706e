"""Power profile based control: sequences of power that run once each, in the order of their containers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import ClassVar, Self

from cem_service.domain.quantities import total_power_w
from cem_service.domain.resource import CommonFacts, MessageSet, Resource
from s2.messages import (
    ControlType,
    PPBCPowerProfileDefinition,
    PPBCPowerProfileStatus,
    PPBCPowerSequence,
    PPBCPowerSequenceContainer,
    PPBCPowerSequenceContainerStatus,
    PPBCPowerSequenceStatus,
)

PENDING = (PPBCPowerSequenceStatus.NOT_SCHEDULED, PPBCPowerSequenceStatus.SCHEDULED)
# Twice what a plan looks ahead; the standard's durations reach beyond the end of the calendar, where no sum is a date.
LONGEST_S = 2 * 86_400.0
RUNNING = (PPBCPowerSequenceStatus.EXECUTING, PPBCPowerSequenceStatus.INTERRUPTED)


@dataclass(frozen=True, slots=True)
class Sequence:
    """Expected power in W of each element with its duration in seconds."""

    sequence_id: str
    elements: tuple[tuple[float, float], ...]  # (duration in s, power in W)
    max_pause_before_s: float | None
    is_interruptible: bool = False

    @property
    def duration_s(self) -> float:
        return sum(duration_s for duration_s, _ in self.elements)

    @property
    def energy_kwh(self) -> float:
        return sum(duration_s * power_w for duration_s, power_w in self.elements) / 3.6e6

    def after(self, done_s: float) -> Sequence:
        """What is left of it once it has run for `done_s`."""
        if done_s <= 0.0:
            return self
        left = []
        for duration_s, power_w in self.elements:
            if duration_s > done_s:
                left.append((duration_s - max(done_s, 0.0), power_w))
            done_s -= duration_s
        return replace(self, elements=tuple(left))

    def power_at(self, elapsed_s: float) -> float:
        """Power in W after `elapsed_s` of the sequence; 0 before and after it."""
        if elapsed_s < 0:
            return 0.0
        for duration_s, power_w in self.elements:
            if elapsed_s < duration_s:
                return power_w
            elapsed_s -= duration_s
        return 0.0


@dataclass(frozen=True, slots=True)
class Container:
    """Alternatives of which exactly one runs.

    `sequences` leaves out those for abnormal conditions (R-101), unless it is one of these that runs.
    """

    container_id: str
    sequences: tuple[Sequence, ...]
    status: PPBCPowerSequenceStatus = PPBCPowerSequenceStatus.NOT_SCHEDULED
    selected_sequence_id: str | None = None
    progress_s: float = 0.0

    @property
    def pending(self) -> bool:
        """Not started, so that it may still be placed or moved."""
        return self.status in PENDING

    @property
    def running(self) -> bool:
        return self.status in RUNNING

    @property
    def placeable(self) -> bool:
        """Whether there is a start to choose."""
        return self.pending and bool(self.sequences)

    @property
    def paused(self) -> bool:
        return self.status is PPBCPowerSequenceStatus.INTERRUPTED

    def sequence(self, sequence_id: str | None) -> Sequence | None:
        return next((one for one in self.sequences if one.sequence_id == sequence_id), None)

    @property
    def remainder(self) -> Sequence | None:
        """What the sequence that has begun still has to run; None when none has, or nothing is left of it.

        The progress is taken for time that it ran, without its pauses; the standard leaves that open.
        """
        if not self.running:
            return None
        selected = self.sequence(self.selected_sequence_id)
        left = selected.after(self.progress_s) if selected else None
        return left if left and left.elements else None

    @property
    def remaining_s(self) -> float:
        """How long the sequence that runs now still takes, in seconds; 0 when none runs."""
        left = self.remainder
        return 0.0 if left is None else left.duration_s


@dataclass(frozen=True)
class Profile:
    """A window, and the containers that run in it one after the other.

    What follows from them is found once: a building plans the same profile again and again, at other prices.
    """

    profile_id: str
    start_time: datetime
    end_time: datetime
    containers: tuple[Container, ...]

    @cached_property
    def placeable(self) -> tuple[Container, ...]:
        return tuple(container for container in self.containers if container.placeable)

    @cached_property
    def has_begun(self) -> bool:
        return any(not container.pending for container in self.containers)

    @cached_property
    def head(self) -> Container | None:
        """The container that has begun, if it may be interrupted (R-96)."""
        for container in self.containers:
            left = container.remainder
            if left is not None and left.is_interruptible:
                return container
        return None

    @cached_property
    def busy_for(self) -> timedelta:
        """How long what has begun and cannot be interrupted still takes."""
        head = self.head
        return timedelta(seconds=sum(one.remaining_s for one in self.containers if one is not head))

    def is_open(self, now: datetime) -> bool:
        """Whether there is anything to decide."""
        return self.head is not None or (bool(self.placeable) and now < self.end_time)

    def container(self, container_id: str) -> Container | None:
        return next((one for one in self.containers if one.container_id == container_id), None)


@dataclass(frozen=True, kw_only=True)
class PPBCResource(Resource):
    """Profiles with their windows, the most urgent first. Each stands for itself; they may run at the same time.

    No status yet means that nothing is scheduled: some peers send it only on change.
    """

    reads: ClassVar[tuple[ControlType, ...]] = (ControlType.POWER_PROFILE_BASED_CONTROL,)

    profiles: tuple[Profile, ...] = ()

    @classmethod
    def read(cls, known: MessageSet, now: datetime, common: CommonFacts) -> Self:
        statuses = _statuses(known)
        found = [_read_profile(definition, statuses) for definition in known.every(PPBCPowerProfileDefinition)]
        profiles = tuple(sorted(found, key=lambda one: (one.end_time, one.start_time, one.profile_id)))
        return cls(**common, profiles=profiles, not_ready=_what_is_missing(profiles, now))

    @property
    def controllable(self) -> bool:
        return self.ready

    def open_profiles(self, now: datetime) -> tuple[Profile, ...]:
        return tuple(profile for profile in self.profiles if profile.is_open(now))

    def described_power_w(self, now: datetime) -> float | None:
        del now
        containers = [container for profile in self.profiles for container in profile.containers]
        running = [container for container in containers if container.status is PPBCPowerSequenceStatus.EXECUTING]
        powers = [
            sequence.power_at(container.progress_s)
            for container in running
            if (sequence := container.sequence(container.selected_sequence_id))
        ]
        return sum(powers) if containers else None


def _what_is_missing(profiles: tuple[Profile, ...], now: datetime) -> str | None:
    if not profiles:
        return "no power profile to place"
    if any(profile.is_open(now) for profile in profiles):
        return None
    late = next((profile for profile in profiles if profile.placeable), None)
    if late is None:
        return "its power profile has already run or is running"
    return f"the window of its power profile ended at {late.end_time.isoformat()}"


Statuses = dict[tuple[str, str], PPBCPowerSequenceContainerStatus]


def _statuses(known: MessageSet) -> Statuses:
    return {
        (status.power_profile_id, status.sequence_container_id): status
        for message in known.every(PPBCPowerProfileStatus)
        for status in message.sequence_container_status
    }


def _read_profile(definition: PPBCPowerProfileDefinition, statuses: Statuses) -> Profile:
    containers = _read_containers(definition, statuses)
    return Profile(definition.id, definition.start_time, definition.end_time, containers)


def _read_containers(definition: PPBCPowerProfileDefinition, statuses: Statuses) -> tuple[Container, ...]:
    containers = []
    for description in definition.power_sequences_containers:
        status = statuses.get((definition.id, description.id))
        sequences = _read_sequences(description, status)
        if status is None:
            containers.append(Container(description.id, sequences))
            continue
        progress_s = _seconds(status.progress or 0)
        containers.append(Container(description.id, sequences, status.status, status.selected_sequence_id, progress_s))
    return tuple(containers)


def _read_sequences(
    description: PPBCPowerSequenceContainer, status: PPBCPowerSequenceContainerStatus | None
) -> tuple[Sequence, ...]:
    running_id = status.selected_sequence_id if status is not None and status.status in RUNNING else None
    return tuple(
        # What an emergency that is over has left running goes through: without it no pause of it could be ended.
        replace(_read_sequence(one), is_interruptible=False) if one.abnormal_condition_only else _read_sequence(one)
        for one in description.power_sequences
        if not one.abnormal_condition_only or one.id == running_id
    )


def _read_sequence(sequence: PPBCPowerSequence) -> Sequence:
    elements = tuple(
        (
            _seconds(element.duration),
            total_power_w((value.commodity_quantity, value.value_expected) for value in element.power_values) or 0.0,
        )
        for element in sequence.elements
    )
    pause_ms = sequence.max_pause_before
    pause_s = None if pause_ms is None else _seconds(pause_ms)
    return Sequence(sequence.id, elements, pause_s, sequence.is_interruptible)


def _seconds(duration_ms: int) -> float:
    return min(duration_ms / 1000, LONGEST_S)
