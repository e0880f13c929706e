"""Power profile based control: sequences of power that run once each, in the order of their containers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Self

from cem_service.domain.quantities import total_power_w
from cem_service.domain.resource import CommonFacts, MessageSet, Resource
from s2.messages import (
    ControlType,
    PPBCPowerProfileDefinition,
    PPBCPowerProfileStatus,
    PPBCPowerSequence,
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

    @property
    def duration_s(self) -> float:
        return sum(duration_s for duration_s, _ in self.elements)

    @property
    def energy_kwh(self) -> float:
        return sum(duration_s * power_w for duration_s, power_w in self.elements) / 3.6e6

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
    """Alternatives of which exactly one runs. `sequences` leaves out those for abnormal conditions (R-101)."""

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

    def sequence(self, sequence_id: str | None) -> Sequence | None:
        return next((one for one in self.sequences if one.sequence_id == sequence_id), None)

    @property
    def remaining_s(self) -> float:
        """How long the sequence that runs now still takes, in seconds; 0 when none runs."""
        selected = self.sequence(self.selected_sequence_id)
        return max(selected.duration_s - self.progress_s, 0.0) if selected and self.running else 0.0


@dataclass(frozen=True, kw_only=True)
class PPBCResource(Resource):
    """A profile with its window. No status yet means that nothing is scheduled: some peers send it only on change."""

    reads: ClassVar[tuple[ControlType, ...]] = (ControlType.POWER_PROFILE_BASED_CONTROL,)

    profile_id: str = ""
    start_time: datetime | None = None
    end_time: datetime | None = None
    containers: tuple[Container, ...] = ()

    @classmethod
    def read(cls, known: MessageSet, now: datetime, common: CommonFacts) -> Self:
        definitions = known.every(PPBCPowerProfileDefinition)
        if not definitions:
            return cls(**common, not_ready="no power profile to place")
        statuses = _statuses(known)
        definition = max(definitions, key=lambda one: (_has_pending(one, statuses), one.start_time))
        containers = _read_containers(definition, statuses)
        missing = None
        if not any(container.pending and container.sequences for container in containers):
            missing = "its power profile has already run or is running"
        elif definition.end_time <= now:
            missing = f"the window of its power profile ended at {definition.end_time.isoformat()}"
        return cls(
            **common,
            profile_id=definition.id,
            start_time=definition.start_time,
            end_time=definition.end_time,
            containers=containers,
            not_ready=missing,
        )

    @property
    def controllable(self) -> bool:
        return self.ready

    def described_power_w(self, now: datetime) -> float | None:
        del now
        running = [container for container in self.containers if container.status is PPBCPowerSequenceStatus.EXECUTING]
        powers = [
            sequence.power_at(container.progress_s)
            for container in running
            if (sequence := container.sequence(container.selected_sequence_id))
        ]
        return sum(powers) if self.containers else None

    @property
    def busy_for(self) -> timedelta:
        """How long the sequence that runs now still takes."""
        return timedelta(seconds=sum(container.remaining_s for container in self.containers))


Statuses = dict[tuple[str, str], PPBCPowerSequenceContainerStatus]


def _statuses(known: MessageSet) -> Statuses:
    return {
        (status.power_profile_id, status.sequence_container_id): status
        for message in known.every(PPBCPowerProfileStatus)
        for status in message.sequence_container_status
    }


def _has_pending(definition: PPBCPowerProfileDefinition, statuses: Statuses) -> bool:
    return any(container.pending for container in _read_containers(definition, statuses))


def _read_containers(definition: PPBCPowerProfileDefinition, statuses: Statuses) -> tuple[Container, ...]:
    containers = []
    for description in definition.power_sequences_containers:
        sequences = tuple(
            _read_sequence(sequence) for sequence in description.power_sequences if not sequence.abnormal_condition_only
        )
        status = statuses.get((definition.id, description.id))
        if status is None:
            containers.append(Container(description.id, sequences))
            continue
        progress_s = _seconds(status.progress or 0)
        containers.append(Container(description.id, sequences, status.status, status.selected_sequence_id, progress_s))
    return tuple(containers)


def _read_sequence(sequence: PPBCPowerSequence) -> Sequence:
    elements = tuple(
        (
            _seconds(element.duration),
            total_power_w((value.commodity_quantity, value.value_expected) for value in element.power_values) or 0.0,
        )
        for element in sequence.elements
    )
    pause_ms = sequence.max_pause_before
    return Sequence(sequence.id, elements, None if pause_ms is None else _seconds(pause_ms))


def _seconds(duration_ms: int) -> float:
    return min(duration_ms / 1000, LONGEST_S)
